"""Answers of many prompts at once, token by token; a row leaves as soon as it has said enough.

Greedy decoding does not end before a word is said: a model that learned to end its turn at once shows what it would say
if it went on, and one that has broken down shows that.

An answer that is asked for again on its own is first read as it was given, in one pass: where every token of it is what
the model says next, that is the answer, and nothing has to be decoded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pytest_unlearn.digest import seed_of
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.answers import Failed, Output, Outputs
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.prefix import Anew, Held, Ids, Start, anew, distinct, families, fill, read_anew, start
from pytest_unlearn.subjects.readable import tokens_of
from pytest_unlearn.subjects.requests import Generate
from pytest_unlearn.subjects.stopping import Ending, split_trace

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = Held | Anew
Drafts: TypeAlias = dict[Generate, Ids]
BROKEN = Failed("not-a-number", "the logits of the next token are not finite numbers: the weights are broken")


@dataclass(slots=True, eq=False)
class Row:
    """One answer as it grows. `draws` are uniform numbers of its own, one a token, or None for greedy decoding.

    `draft` is what the same request was answered with before, if anything.
    """

    request: Generate
    prompt: Ids
    limit: int
    ending: Ending
    draws: Tensor | None
    draft: Ids = ()
    said: list[int] = field(default_factory=list)
    spoken: bool = False
    gap: float = math.inf
    made: Output | Failed | None = None

    def restart(self) -> None:
        """Nothing is said yet."""
        self.said, self.spoken, self.gap, self.made = [], False, math.inf, None


def answers(
    body: Body,
    encoder: Encoder,
    requests: Sequence[Generate],
    budget: Budget,
    ends: frozenset[int],
    drafts: Drafts,
    alone: bool = False,
) -> list[Outputs | Failed]:
    """One answer a request, in order. `ends` are the token ids that end an answer.

    `drafts` is added to, and with `alone` looked into: what was said before is read first.

    Temperature 0 takes the likeliest token. Otherwise a sample depends on the request's seed, its prompt and its number
    alone, whatever else is in the batch.
    """
    rows: list[list[Row] | Failed] = [
        _rows(body, encoder, request, ends, drafts.get(request, ()) if alone else ()) for request in requests
    ]
    every = [row for some in rows if isinstance(some, list) for row in some]
    groups = families([row.prompt for row in every]) if body.shares else [((), list(range(len(every))))]
    for shared, indices in groups:

        def work(some: Sequence[Row], shared: Ids = shared) -> list[Output | Failed]:
            return _group(body, some, shared, budget)

        mine = [every[i] for i in indices]
        with torch.no_grad():
            for row, made in zip(mine, persevere(mine, budget, work), strict=True):
                row.made = made
    body.effort.distinct += distinct(row.prompt + tuple(row.said[:-1]) for row in every)
    if not alone:
        drafts.update((row.request, tuple(row.said)) for row in every if row.draws is None)
    return [
        some if isinstance(some, Failed) else _assembled(request, some)
        for request, some in zip(requests, rows, strict=True)
    ]


def _rows(body: Body, encoder: Encoder, request: Generate, ends: frozenset[int], draft: Ids) -> list[Row] | Failed:
    prompt = tokens_of(body, encoder, request.prompt)
    if isinstance(prompt, Failed):
        return prompt
    room = math.inf if body.longest is None else body.longest - len(prompt)
    limit = int(min(request.max_new, room))
    if limit < 1:
        return Failed("unreadable", f"the prompt's {len(prompt)} tokens leave no room for an answer")
    ending = Ending(encoder, request, ends)
    if request.temperature <= 0:
        return [Row(request, prompt, limit, ending, None, draft)]
    return [Row(request, prompt, limit, ending, _draws(request, prompt, i)) for i in range(request.samples)]


def _draws(request: Generate, prompt: Ids, sample: int) -> Tensor:
    own = torch.Generator().manual_seed(seed_of(request.seed, prompt, request.temperature, sample))
    return torch.rand(request.max_new, generator=own, dtype=torch.float64)


def _group(body: Body, rows: Sequence[Row], shared: Ids, budget: Budget) -> list[Output | Failed]:
    """Rows whose prompts all begin with `shared`."""
    new = [row for row in rows if not _repeats(body, row)]
    begun = start(body, shared) if new else Start((), None)
    rests = [len(row.prompt) - len(shared) for row in new]
    for pack in packs(rests, budget.tokens, [len(shared) + row.limit for row in new], alike=0.0):
        some = [new[i] for i in pack]
        for row in some:
            row.restart()
        _decode(body, _read(body, some, begun), some)
    return [row.made for row in rows if row.made is not None]  # all of them: decoding goes on until each is made


def _repeats(body: Body, row: Row) -> bool:
    """Whether the row says its draft again; if so it is made."""
    if not row.draft:
        return False
    row.restart()
    states = read_anew(body, [row.prompt + row.draft[:-1]])[0, len(row.prompt) - 1 :]  # (T, D)
    for token, logits in zip(row.draft, body.logits(states), strict=True):
        (found,) = _next(logits[None], [row])
        if found != token or row.made is not None:
            return False
        _grow(row, found)
    return row.made is not None


def _read(body: Body, rows: Sequence[Row], begun: Start) -> State:
    """Prompts, each read once, and their samples beside each other."""
    place = {prompt: i for i, prompt in enumerate(dict.fromkeys(row.prompt for row in rows))}
    state: State = fill(body, list(place), begun) if body.shares else anew(body, list(place))
    return state.take([place[row.prompt] for row in rows])


def _decode(body: Body, state: State, rows: Sequence[Row]) -> None:
    """Decode until every row has ended; those that have leave the batch."""
    alive = list(rows)
    logits = body.logits(state.last)  # (B, V)
    while True:
        tokens = _next(logits, alive)
        for row, token in zip(alive, tokens, strict=True):
            _grow(row, token)
        on = [i for i, row in enumerate(alive) if row.made is None]
        body.effort.answered += len(alive) - len(on)
        if not on:
            return
        if len(on) < len(alive):
            state = state.take(on)
            alive = [alive[i] for i in on]
        last = torch.tensor([[tokens[i]] for i in on], device=body.device)
        logits = body.logits(state.extend(body, last, torch.ones(len(on), dtype=torch.long, device=body.device))[:, 0])


def _next(logits: Tensor, rows: Sequence[Row]) -> list[int | None]:
    """The next token of each row, None where its logits are broken; notes how close the two best were."""
    finite = logits.logsumexp(-1).isfinite().tolist()
    for i, row in enumerate(rows):
        if row.draws is None and not row.spoken:
            logits[i, list(row.ending.tokens)] = -math.inf
    best, where = logits.topk(min(2, logits.shape[-1]), dim=-1)
    gaps, tokens = (best[:, 0] - best[:, -1]).tolist(), where[:, 0].tolist()
    for i, row in enumerate(rows):
        if row.draws is None:
            row.gap = min(row.gap, gaps[i])
        elif finite[i]:
            tokens[i] = _sample(logits[i], row.request.temperature, float(row.draws[len(row.said)]))
    return [token if good else None for token, good in zip(tokens, finite, strict=True)]


def _sample(logits: Tensor, temperature: float, draw: float) -> int:
    """The token at which the cumulative probability passes `draw`; of one row, so that no batch can change it."""
    chances = (logits.cpu().double() / temperature).softmax(-1).cumsum(-1)  # (V,)
    at = int(torch.searchsorted(chances, draw * float(chances[-1]), right=True))
    return min(at, len(chances) - 1)


def _grow(row: Row, token: int | None) -> None:
    if token is None:
        row.made = BROKEN
        return
    row.said.append(token)
    row.spoken = row.spoken or not row.ending.blank(token)
    ended = row.ending.reached(row.said)
    if ended is None and len(row.said) >= row.limit:
        ended = "length", row.ending.text(row.said)
    if ended is not None:
        answer, trace = split_trace(ended[1], row.request.prompt.opening)
        row.made = Output(answer, trace, finish=ended[0])


def _assembled(request: Generate, rows: Sequence[Row]) -> Outputs | Failed:
    outputs: list[Output] = []
    for row in rows:
        assert row.made is not None
        if isinstance(row.made, Failed):
            return row.made
        outputs.append(row.made)
    if not any(output.text or output.trace for output in outputs):
        return Failed("empty", "the model said nothing but spaces")
    if len(outputs) == 1:
        outputs *= request.samples
    return Outputs(tuple(outputs), min(row.gap for row in rows))
