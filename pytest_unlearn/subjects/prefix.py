"""Prompts that were read once and are continued many times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
SAVED = 64  # tokens that stems must save to be worth a pass of their own


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
    """Read prompts, each of which goes on for a token or more after the common start.

    What many of them go on with alike is read once, in a pass before.
    """
    rests = [prompt[len(begun.ids) :] for prompt in prompts]
    stems = _stems(rests)
    if stems is None:
        return _after(body, rests, begun)
    row = {stem: i for i, stem in enumerate(dict.fromkeys(stems))}
    held = _after(body, list(row), begun).take([row[stem] for stem in stems])
    ids, counts = padded([rest[len(stem) :] for rest, stem in zip(rests, stems, strict=True)], body.device)
    return _flush_right(_ended(held, held.extend(body, ids, counts), counts))


def _after(body: Body, rests: Sequence[Ids], begun: Start) -> Held:
    """Read rows that follow the common start."""
    ids, counts = padded(rests, body.device)
    cache = expanded(body, begun, len(rests))
    before, width = len(begun.ids), ids.shape[1]
    steps = torch.arange(width, device=body.device)
    mask = torch.cat([torch.ones(len(rests), before, dtype=torch.bool, device=body.device), steps < counts[:, None]], 1)
    states = body.read(ids, mask, (before + steps).expand_as(ids), cache)
    return _flush_right(_ended(Held(cache, mask, before + counts, states[:, -1]), states, counts))


def expanded(body: Body, begun: Start, rows: int) -> DynamicCache:
    """A cache in which so many rows begin with the common start."""
    cache = body.cache()
    for i, layer in enumerate(begun.cache.layers if begun.cache is not None else ()):
        cache.update(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1), i)
    return cache


def _ended(held: Held, states: Tensor, counts: Tensor) -> Held:
    """The same rows, of which `states` (B, T, D) were read last, `counts` (B,) of them in each."""
    held.last = states[torch.arange(len(counts), device=states.device), counts - 1]
    return held


def _stems(rests: Sequence[Ids]) -> list[Ids] | None:
    """What each row begins with that others begin with too; None where sharing it saves too little.

    Rows that are alone give as many tokens to that pass as the others do on average. Each row keeps a token.
    """
    if min(map(len, rests)) < 2:
        return None
    alike: dict[Ids, list[int]] = {}
    for i, rest in enumerate(rests):
        alike.setdefault(rest[:ALIKE], []).append(i)
    shared = {key: common([rests[i][:-1] for i in rows]) for key, rows in alike.items() if len(rows) > 1}
    if sum(len(stem) * (len(alike[key]) - 1) for key, stem in shared.items()) < SAVED:
        return None
    usual = max(1, sum(map(len, shared.values())) // len(shared))
    return [shared.get(rest[:ALIKE], ()) or rest[: min(usual, len(rest) - 1)] for rest in rests]


def padded(rows: Sequence[Ids], device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows as one right-padded tensor (B, T), and their lengths (B,). What stands in the padding is never looked at."""
    width = max(map(len, rows))
    ids = torch.tensor([list(row) + [0] * (width - len(row)) for row in rows])
    return sent(ids, device), sent(torch.tensor([len(row) for row in rows]), device)


def sent(made: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device, which goes on with what it does while it gets it."""
    return made.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else made.to(device)


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
        shared = common([prompts[i][:-1] for i in indices])
        if len(indices) > 1 and len(shared) >= WORTHWHILE:
            found.append((shared, indices))
        else:
            rest += indices
    return found + ([((), rest)] if rest else [])


def distinct(rows: Iterable[Ids]) -> int:
    """How many tokens rows have in the tree in which what they begin with alike stands once."""
    count, before = 0, tuple[int, ...]()
    for row in sorted(rows):
        count += len(row) - len(common([before, row]))
        before = row
    return count


def common(rows: Sequence[Ids]) -> Ids:
    """What all of some rows begin with."""
    first, last = min(rows), max(rows)  # in sorted order these two differ soonest
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def _flush_right(held: Held) -> Held:
    """Move rows, each of them in one piece, to the right edge."""
    width = held.mask.shape[1]
    shift = held.mask.flip(1).int().argmax(1)  # (B,), the columns to the right of each
    if not bool(shift.any()):
        return held
    columns = torch.arange(width, device=held.mask.device)
    source = (columns - shift[:, None]).clamp(min=0)  # (B, L)
    for layer in held.cache.layers:
        at = source[:, None, :, None]
        layer.keys = layer.keys.gather(2, at.expand_as(layer.keys))
        layer.values = layer.values.gather(2, at.expand(layer.values.shape))
    held.mask = columns >= width - held.lengths[:, None]
    return held
