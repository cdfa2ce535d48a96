"""Representation misdirection: turn the states that predict the forget answers towards one random direction.

Paper: Li et al., "The WMDP Benchmark: Measuring and Reducing Malicious Use With Unlearning", ICML 2024 (arXiv
2403.03218), equations 1 and 2; defaults of open-unlearning, `configs/trainer/RMU.yaml`.
Needs: FORGET, RETAIN, ORIGINAL.

    L(theta) = gamma 1/B  sum_b 1/|A_b| sum_{t in A_b} ||h_theta(t) - c u||^2 / D
             + alpha 1/B' sum_b 1/|A_b| sum_{t in A_b} ||h_theta(t) - h_original(t)||^2 / D
    h(t)     = what leaves layer `layer` at the position that predicts answer token t, a vector of D numbers
    u        = v / ||v||, v uniform in [0, 1)^D, drawn once from the seed

The paper has no 1 / D; both published codes divide by it, and a common factor leaves the two terms as they stand to
each other. Each row is divided by its own number of tokens: open-unlearning divides a vector of B sums by a column of B
counts, which gives mean(sum) mean(1 / count), off by 17 % for rows of 4 and 9 tokens. It also takes the positions of
the answer tokens themselves, which in an answer of one token leaves the one that predicts it alone; in a document both
are all its tokens. In the paper layer 7 of Zephyr-7B and c = 6.5, and only the down projections of layers 5 to 7 train
(`trainable: {modules: [...]}`); alpha = 1200 there.

When it fails: only layers up to `layer` get a gradient, and what the later ones make of the direction is left to
chance: answers turn to noise, which shows that something was there, rather than to ignorance. c is in the units of the
states, whose length differs between models and layers: too small a c is hardly a push. A few steps of training on
anything else bring much of it back.

Worked example, D = 2, u = (1, 1) / sqrt 2, c = 2 sqrt 2, so that c u = (2, 2): a forget answer of three tokens with the
states (2, 2), (0, 2) and (0, 0) gives (0 + 4 + 8) / 2 / 3 = 2; a retain answer of one token that went from (0, 0) to
(1, 0) adds 1 / 2, L = 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, ORIGINAL, RETAIN, Band, Data, LoopConfig, method
from pytest_unlearn.training.frozen import Frozen, View
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.terms import IGNORED, Pair, Rows, Term, site_states

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class RMUConfig(LoopConfig):
    """The options of the formula, beside the loop's.

    `layer`: the decoder layer whose states are turned, counted from 0; null for 7, or the middle one of a model with
    fewer than 15, e.g. `7`
    `scale`: c, how far along the random direction the states are to go
    `forget_weight`: gamma, the weight of the forget term
    `retain_weight`: alpha, the weight of the retain term
    """

    layer: Annotated[int, Ge(0)] | None = None
    scale: Annotated[float, Gt(0)] = 2.0
    forget_weight: Annotated[float, Ge(0)] = 1.0
    retain_weight: Annotated[float, Ge(0)] = 1.0


def rmu_terms(now: Opened, original: Frozen, pair: Pair, config: RMUConfig, seed: int) -> dict[str, Term]:
    """`forget`: distance from the random direction; `retain`: distance from the original; means over tokens, then rows.

    `seed` decides the direction.
    """
    site = site_of(now, config)
    forget, labels = site_states(now, pair.forget.batch, site)  # (batch, answer, width), (batch, answer)
    aim = config.scale * direction(forget.shape[-1], seed).to(forget)  # (width,)
    kept, kept_labels = site_states(now, pair.retain.batch, site)
    return {
        "forget": _apart(forget, aim, labels, pair.forget, config.forget_weight),
        "retain": _apart(kept, original.states(pair.retain, site), kept_labels, pair.retain, config.retain_weight),
    }


def direction(width: int, seed: int) -> Tensor:
    """u, (width,): a vector of length 1 whose parts are all positive, the same for the same seed on every machine."""
    drawn = torch.rand(width, generator=torch.Generator().manual_seed(seed_of(seed, "direction")))
    unit: Tensor = drawn / drawn.norm()
    return unit


def site_of(now: Opened, config: RMUConfig) -> str:
    """The site of the layer that `config` names; raises MethodError where the model has no such layer."""
    layers = sum(site.startswith("layer.") and site.count(".") == 1 for site in now.sites)
    layer = min(7, layers // 2) if config.layer is None else config.layer
    if layer >= layers:
        raise MethodError(f"`layer: {layer}` is not there: the model has {layers} layers, counted from 0")
    return f"layer.{layer}"


def _apart(states: Tensor, aim: Tensor, labels: Tensor, rows: Rows, weight: float) -> Term:
    """Mean squared distance: over dimensions, over the answer tokens of a row, over rows."""
    there = labels != IGNORED  # (batch, answer)
    squares = (states - aim).float().square().mean(-1).masked_fill(~there, 0.0)  # (batch, answer)
    return Term((rows.weights * squares.sum(-1) / there.sum(-1)).sum(), rows.count, weight)


@method("rmu", needs={FORGET, RETAIN, ORIGINAL}, band=Band(recall=(0.6, 1.0), retention=(0.8, 1.0)))
def rmu(subject: Subject, data: Data, config: RMUConfig, seed: int) -> Subject:
    """`subject` with its states before the forget answers turned away, and those before the retain answers in place."""

    def views(now: Opened) -> list[View]:
        return [("retain", site_of(now, config))]

    return train(subject, data, config, seed, partial(rmu_terms, seed=seed), original=views)
