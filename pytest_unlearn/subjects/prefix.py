"""Prompts that were read once and are continued many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import Body

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache

Ids = tuple[int, ...]
WORTHWHILE = 8  # tokens in common below which a shared start saves nothing
ALIKE = 4  # prompts with as many first tokens in common may share a start


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The common first tokens of some prompts, read once; `cache` holds one row of them."""

    ids: Ids
    cache: DynamicCache | None


@dataclass(slots=True, eq=False)
class Held:
    """Rows in a cache, each ending at its right edge.

    mask (B, L) is true where a token stands, lengths (B,) counts them, last (B, D) is the state of the last one.
    """

    cache: DynamicCache
    mask: Tensor
    lengths: Tensor
    last: Tensor

    def take(self, rows: Sequence[int]) -> Held:
        """A copy of some rows, in that order; a row may be taken more than once."""
        from pytest_unlearn.subjects.cache import empty

        at = torch.tensor(list(rows), device=self.mask.device)
        lengths = self.lengths[at]
        cut = self.mask.shape[1] - int(lengths.max())  # columns in which no row has a token
        cache = empty()
        for i, layer in enumerate(self.cache.layers):
            cache.update(layer.keys[at, :, cut:], layer.values[at, :, cut:], i)
        return Held(cache, self.mask[at, cut:], lengths, self.last[at])

    def extend(self, body: Body, ids: Tensor, counts: Tensor) -> Tensor:
        """States (B, T, D) of `ids` (B, T), right-padded rows of `counts` (B,) tokens, read after what is held.

        What was held is then followed by padding: extend again only where every row was full.
        """
        steps = torch.arange(ids.shape[1], device=ids.device)
        self.mask = torch.cat([self.mask, steps < counts[:, None]], dim=1)
        states = body.read(ids, self.mask, self.lengths[:, None] + steps, self.cache)
        self.lengths = self.lengths + counts
        return states


@dataclass(slots=True, eq=False)
class Anew:
    """The same for architectures whose state cannot be shared: everything is read from the beginning each time."""

    rows: list[Ids]
    last: Tensor

    def take(self, rows: Sequence[int]) -> Anew:
        """Some rows, in that order."""
        at = list(rows)
        return Anew([self.rows[i] for i in at], self.last[torch.tensor(at, device=self.last.device)])

    def extend(self, body: Body, ids: Tensor, counts: Tensor) -> Tensor:
        """States (B, T, D) of `ids` (B, T), full rows."""
        more = [tuple(row[:count]) for row, count in zip(ids.tolist(), counts.tolist(), strict=True)]
        self.rows = [row + new for row, new in zip(self.rows, more, strict=True)]
        states = read_anew(body, self.rows)
        lengths = torch.tensor([len(row) for row in self.rows], device=body.device)
        at = lengths[:, None] - ids.shape[1] + torch.arange(ids.shape[1], device=body.device)
        return states.gather(1, at[..., None].expand(*at.shape, states.shape[-1]))


def read_anew(body: Body, rows: Sequence[Ids]) -> Tensor:
    """States (B, T, D) of right-padded rows, read without a cache."""
    ids, counts = padded(rows, body.device)
    return body.read(ids, torch.arange(ids.shape[1], device=body.device) < counts[:, None])


def anew(body: Body, prompts: Sequence[Ids]) -> Anew:
    """Read prompts without a cache."""
    states = read_anew(body, prompts)
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=body.device)
    return Anew(list(prompts), states[torch.arange(len(prompts), device=body.device), ends])


def start(body: Body, ids: Ids) -> Start:
    """Read the common start of some prompts."""
    if not ids:
        return Start((), None)
    cache = body.cache()
    row = torch.tensor([ids], device=body.device)
    body.read(row, torch.ones_like(row, dtype=torch.bool), None, cache)
    return Start(ids, cache)


def fill(body: Body, prompts: Sequence[Ids], begun: Start) -> Held:
    """Read prompts, each of which goes on for a token or more after the common start."""
    rests = [prompt[len(begun.ids) :] for prompt in prompts]
    ids, counts = padded(rests, body.device)
    cache = body.cache()
    if begun.cache is not None:
        for i, layer in enumerate(begun.cache.layers):
            shape = (len(prompts), -1, -1, -1)
            cache.update(layer.keys.expand(shape), layer.values.expand(shape), i)
    before, width = len(begun.ids), ids.shape[1]
    steps = torch.arange(width, device=body.device)
    mask = torch.cat(
        [torch.ones(len(prompts), before, dtype=torch.bool, device=body.device), steps < counts[:, None]], 1
    )
    states = body.read(ids, mask, (before + steps).expand_as(ids), cache)
    last = states[torch.arange(len(prompts), device=body.device), counts - 1]
    return _flush_right(Held(cache, mask, before + counts, last))


def padded(rows: Sequence[Ids], device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows as one right-padded tensor (B, T), and their lengths (B,). What stands in the padding is never looked at."""
    width = max(map(len, rows))
    counts = torch.tensor([len(row) for row in rows], device=device)
    return torch.tensor([list(row) + [0] * (width - len(row)) for row in rows], device=device), counts


def families(prompts: Sequence[Ids]) -> list[tuple[Ids, list[int]]]:
    """Prompts grouped by a common start that is worth sharing: (start, indices). The others share the empty start.

    A start leaves at least one token of each prompt, whose state predicts the answer.
    """
    alike: dict[Ids, list[int]] = {}
    for i, prompt in enumerate(prompts):
        alike.setdefault(prompt[:ALIKE], []).append(i)
    found: list[tuple[Ids, list[int]]] = []
    rest: list[int] = []
    for indices in alike.values():
        shared = _common([prompts[i][:-1] for i in indices])
        if len(indices) > 1 and len(shared) >= WORTHWHILE:
            found.append((shared, indices))
        else:
            rest += indices
    return found + ([((), rest)] if rest else [])


def _common(rows: Sequence[Ids]) -> Ids:
    first, last = min(rows), max(rows)  # in sorted order these two differ soonest
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def _flush_right(held: Held) -> Held:
    """Move rows that are padded on the right to the right edge."""
    width = held.mask.shape[1]
    shift = width - held.lengths  # (B,)
    if not bool(shift.any()):
        return held
    columns = torch.arange(width, device=held.mask.device)
    source = (columns - shift[:, None]).clamp(min=0)  # (B, L)
    for layer in held.cache.layers:
        at = source[:, None, :, None]
        layer.keys = layer.keys.gather(2, at.expand_as(layer.keys))
        layer.values = layer.values.gather(2, at.expand(layer.values.shape))
    held.mask = columns >= shift[:, None]
    return held
