"""What states say of the tokens that follow them. The head is applied where a token is predicted, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import Body

if TYPE_CHECKING:
    from torch import Tensor

HEAD_ROWS = 256  # positions whose logits over the vocabulary are held at once


@dataclass(frozen=True, slots=True)
class Told:
    """What one token's prediction was: log-probability, argmax hit, mean and variance of log p."""

    logp: float
    hit: bool
    mean: float
    variance: float


Row: TypeAlias = list[Told]  # one target


def tell(body: Body, states: Tensor, places: Sequence[tuple[int, int]], detail: bool) -> list[Told]:
    """What states (N, D) say of tokens: one result for each (row, token)."""
    told: list[Told] = [Told(math.nan, False, math.nan, math.nan)] * len(places)
    order = sorted(range(len(places)), key=lambda i: places[i][0])
    rows = sorted({row for row, _ in places})
    line = {row: i for i, row in enumerate(rows)}
    for low in range(0, len(rows), HEAD_ROWS):
        logits = body.logits(states[torch.tensor(rows[low : low + HEAD_ROWS], device=states.device)])  # (n, V)
        some = [i for i in order if low <= line[places[i][0]] < low + HEAD_ROWS]
        at = torch.tensor([line[places[i][0]] - low for i in some], device=states.device)
        tokens = torch.tensor([places[i][1] for i in some], device=states.device)
        total = logits.logsumexp(-1)
        logp = (logits[at, tokens] - total[at]).tolist()
        if not detail:
            for i, value in zip(some, logp, strict=True):
                told[i] = Told(value, False, math.nan, math.nan)
            continue
        hits = (logits.argmax(-1)[at] == tokens).tolist()
        spread = logits - total[:, None]  # log p
        weight = spread.exp()
        mean = (weight * spread).sum(-1)
        variance = (weight * (spread - mean[:, None]).square()).sum(-1)
        parts = zip(some, logp, hits, mean[at].tolist(), variance[at].tolist(), strict=True)
        for i, value, hit, middle, wide in parts:
            told[i] = Told(value, hit, middle, wide)
    return told
