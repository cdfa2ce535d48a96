"""Log-probabilities of targets after prompts: each prompt is read once, whatever the number of its targets.

The first tokens that prompts have in common are read once for all of them. The state of a prompt's last token
predicts every first token of its targets; the rest of the targets is read from copies of the prompt's cache, and what
two of them begin with alike is read once. The head is applied only where a token is predicted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.answers import Failed, Scores, Tokens
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.encode import Encoded, Encoder
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.prefix import Held, Ids, distinct, families, fill, padded, read_anew, start
from pytest_unlearn.subjects.requests import Score
from pytest_unlearn.subjects.trie import Trie

if TYPE_CHECKING:
    from torch import Tensor

SCORING_VERSION = 3  # raised when the same request would get another number or text
PHASES = ("leader", "next", "rest")  # of reading: the most promising, one more token of others, what is left
HEAD_ROWS = 256  # positions whose logits over the vocabulary are held at once


@dataclass(frozen=True, slots=True)
class Job:
    """A prompt and the token ids of its distinct targets, none of them empty; see `Score` for `field`."""

    prompt: Ids
    targets: tuple[Ids, ...]
    field: frozenset[Ids] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """What one token's prediction was: log-probability, argmax hit, mean and variance of log p."""

    logp: float
    hit: bool
    mean: float
    variance: float


Row = list[Told]  # one target


def answers(body: Body, encoder: Encoder, requests: Sequence[Score], budget: Budget) -> list[Scores | Failed]:
    """One answer a request, in order."""
    pairs = [_encoded(body, encoder, request) for request in requests]
    wanted: dict[Ids, list[tuple[Score, list[Ids]]]] = {}
    for request, found in zip(requests, pairs, strict=True):
        if isinstance(found, list) and found:
            wanted.setdefault(found[0].prompt, []).append((request, [pair.target for pair in found]))
    jobs = [_job(prompt, asked) for prompt, asked in wanted.items()]
    detail = any(request.detail == "tokens" for request in requests)
    known: dict[Ids, dict[Ids, Row] | Failed] = {
        job.prompt: rows if isinstance(rows, Failed) else dict(zip(job.targets, rows, strict=True))
        for job, rows in zip(jobs, score(body, jobs, budget, detail=detail), strict=True)
    }
    return [
        found if isinstance(found, Failed) else _assembled(request, found, known)
        for request, found in zip(requests, pairs, strict=True)
    ]


def score(body: Body, jobs: Sequence[Job], budget: Budget, *, detail: bool = False) -> list[list[Row] | Failed]:
    """What each token of each target got, one list of rows a job. `detail` works out mean and variance too."""
    results: list[list[Row] | Failed] = [[] for _ in jobs]
    body.effort.distinct += distinct(job.prompt + target[:-1] for job in jobs for target in job.targets)
    groups = families([job.prompt for job in jobs]) if body.shares else [((), list(range(len(jobs))))]
    for shared, indices in groups:

        def work(some: Sequence[int], shared: Ids = shared) -> list[list[Row]]:
            return _group(body, [jobs[i] for i in some], shared, budget, detail)

        with torch.no_grad():
            found = persevere(indices, budget, work)
        for i, rows in zip(indices, found, strict=True):
            results[i] = rows
    return results


def _group(body: Body, jobs: Sequence[Job], shared: Ids, budget: Budget, detail: bool) -> list[list[Row]]:
    """Jobs whose prompts all begin with `shared`."""
    if not body.shares:
        return _plain(body, jobs, budget, detail)
    results: list[list[Row]] = [[] for _ in jobs]
    begun = start(body, shared)
    for pack in packs([len(job.prompt) - len(shared) for job in jobs], budget.tokens, [len(shared)] * len(jobs)):
        some = [jobs[i] for i in pack]
        held = fill(body, [job.prompt for job in some], begun)
        for i, rows in zip(pack, _targets(body, some, held, budget, detail), strict=True):
            results[i] = rows
        body.effort.answered += len(pack)
    return results


def _targets(body: Body, jobs: Sequence[Job], held: Held, budget: Budget, detail: bool) -> list[list[Row]]:
    """The targets of prompts that are held. Where only the likeliest matters, the most promising is read first."""
    tries = [Trie(job.targets) for job in jobs]
    firsts = [(i, i, node) for i, trie in enumerate(tries) for node in trie.children[0].values()]
    told = _nodes(body, held.last, firsts, tries, detail)  # by prompt and node
    for phase in PHASES:
        chosen = [_chosen(job, trie, i, told, phase) for i, (job, trie) in enumerate(zip(jobs, tries, strict=True))]
        rows = [
            (i, path) for i, trie in enumerate(tries) for path in trie.rows(chosen[i], 1 if phase == "next" else None)
        ]
        for pack in packs([len(path) for _, path in rows], budget.tokens, [len(jobs[i].prompt) for i, _ in rows]):
            some = [rows[at] for at in pack]
            ids, counts = padded([tuple(tries[i].token[node] for node in path) for i, path in some], body.device)
            states = held.take([i for i, _ in some]).extend(body, ids, counts)  # (rows, T, D)
            places = [
                (at * ids.shape[1] + j, i, child)
                for at, (i, path) in enumerate(some)
                for j, node in enumerate(path)
                for child in tries[i].children[node].values()
            ]
            told.update(_nodes(body, states.flatten(0, 1), places, tries, detail))
    return [[_so_far(path, i, told) for path in trie.paths] for i, trie in enumerate(tries)]


def _chosen(job: Job, trie: Trie, i: int, told: Mapping[tuple[int, int], Told], phase: str) -> list[int]:
    """Which targets to read on now: all; or first the likeliest of the field, then those that may still beat it."""
    rows = [_so_far(path, i, told) for path in trie.paths]
    short = [t for t, row in enumerate(rows) if len(row) < len(trie.paths[t])]
    if not job.field:
        return short if phase == "rest" else []
    bound = [sum(token.logp for token in row) for row in rows]
    field = [t for t in range(len(rows)) if job.targets[t] in job.field]
    floor = max((bound[t] for t in field if t not in short), default=-math.inf)
    able = [t for t in short if not bound[t] < floor]  # what is no number stays in and is told from the answer
    return able if phase != "leader" else sorted((t for t in able if t in field), key=lambda t: -bound[t])[:1]


def _so_far(path: Sequence[int], i: int, told: Mapping[tuple[int, int], Told]) -> Row:
    """What is known of a target's tokens, from the first on."""
    return [told[i, node] for node in takewhile(lambda node: (i, node) in told, path)]


def _nodes(
    body: Body, states: Tensor, places: Sequence[tuple[int, int, int]], tries: Sequence[Trie], detail: bool
) -> dict[tuple[int, int], Told]:
    """What states (N, D) say of (row of states, prompt, node); a node that stands in two rows is told once."""
    once = {(i, node): row for row, i, node in places}
    wanted = [(row, tries[i].token[node]) for (i, node), row in once.items()]
    return dict(zip(once, _tell(body, states, wanted, detail), strict=True))


def _plain(body: Body, jobs: Sequence[Job], budget: Budget, detail: bool) -> list[list[Row]]:
    """Every prompt with every target from its beginning, for architectures whose state cannot be shared."""
    rows = [(i, j, job.prompt + target) for i, job in enumerate(jobs) for j, target in enumerate(job.targets)]
    results: list[list[Row]] = [[[] for _ in job.targets] for job in jobs]
    for pack in packs([len(ids) for *_, ids in rows], budget.tokens, [0] * len(rows)):
        some = [rows[i] for i in pack]
        states = read_anew(body, [row[:-1] for *_, row in some])  # (rows, T, D)
        for at, (i, j, row) in enumerate(some):
            begin = len(jobs[i].prompt)
            places = [(place - 1, row[place]) for place in range(begin, len(row))]
            results[i][j] = _tell(body, states[at], places, detail)
    return results


def _tell(body: Body, states: Tensor, places: Sequence[tuple[int, int]], detail: bool) -> list[Told]:
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


def _job(prompt: Ids, asked: Sequence[tuple[Score, list[Ids]]]) -> Job:
    """All that is asked about one prompt. Where others ask too, everything is read."""
    targets = tuple(dict.fromkeys(target for _, some in asked for target in some))
    request, some = asked[0]
    alone = len({request for request, _ in asked}) == 1
    return Job(prompt, targets, frozenset(some[: request.field] if alone else ()))


def _encoded(body: Body, encoder: Encoder, request: Score) -> list[Encoded] | Failed:
    """Prompt and targets as tokens, or why they cannot be read."""
    if request.layout != "native":
        return Failed("cannot", f"no token layout is called '{request.layout}'")
    try:
        pairs = [encoder.pair(request.prompt, target, request.end) for target in request.targets]
    except Exception as error:  # a template or tokenizer may raise anything
        return Failed("cannot", str(error))
    for pair, target in zip(pairs, request.targets, strict=True):
        if not pair.target:
            return Failed("unreadable", f"the target {target!r} has no token that could be predicted")
        if (why := unreadable(body, pair.ids)) is not None:
            return Failed("unreadable", why)
    return pairs


def unreadable(body: Body, ids: Ids) -> str | None:
    """Why a model cannot take these tokens, if it cannot."""
    if body.longest is not None and len(ids) > body.longest:
        return f"{len(ids)} tokens are more than the {body.longest} that the model reads"
    if max(ids) >= body.vocabulary:
        return f"the tokenizer's token {max(ids)} is beyond the model's {body.vocabulary} embeddings"
    return None


def _assembled(request: Score, pairs: list[Encoded], known: dict[Ids, dict[Ids, Row] | Failed]) -> Scores | Failed:
    rows: list[Row] = []
    for pair, target in zip(pairs, request.targets, strict=True):
        found = known[pair.prompt]
        if isinstance(found, Failed):
            return found
        row = found[pair.target]
        if not all(math.isfinite(token.logp) for token in row):
            return Failed(
                "not-a-number", f"the log-probability of {target!r} is not a finite number: the weights are broken"
            )
        rows.append(row)
    tokens = tuple(
        Tokens(
            tuple(token.logp for token in row),
            tuple(token.hit for token in row),
            tuple(token.mean for token in row),
            tuple(token.variance for token in row),
        )
        for row in rows
    )
    return Scores(
        tuple(math.fsum(token.logp for token in row) for row in rows),
        tuple(len(pair.target) for pair in pairs),
        tokens if request.detail == "tokens" else None,
    )
