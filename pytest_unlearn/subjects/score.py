"""Log-probabilities of targets after prompts: each token is read once, whatever stands before and after it.

The first tokens that prompts have in common are read once for all of them. Prompts are the upper part of trees, in
which what some of them begin with alike stands once, their targets the lower. The head is applied only where a token is
predicted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.answers import Failed, Scores, Tokens
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.encode import Encoded, Encoder
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.prefix import Ids, distinct, families, read_anew, start
from pytest_unlearn.subjects.readable import unreadable
from pytest_unlearn.subjects.reading import Job, Reading
from pytest_unlearn.subjects.requests import Score
from pytest_unlearn.subjects.token_trees import TokenTrees, divided
from pytest_unlearn.subjects.told import Row, tell

SCORING_VERSION = 3  # raised when the same request would get another number or text


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
    deep = [max(len(job.prompt + target) - 1 for target in job.targets) for job in jobs]
    tall = [i for i in range(len(jobs)) if deep[i] > body.deepest]
    short = [i for i in range(len(jobs)) if deep[i] <= body.deepest]
    groups = [(shared, [short[i] for i in some]) for shared, some in families([jobs[i].prompt for i in short])]
    for shared, indices in [(None, tall), *groups]:

        def work(some: Sequence[int], shared: Ids | None = shared) -> list[list[Row]]:
            mine = [jobs[i] for i in some]
            return _plain(body, mine, budget, detail) if shared is None else _trees(body, mine, shared, budget, detail)

        with torch.no_grad():
            found = persevere(indices, budget, work)
        for i, rows in zip(indices, found, strict=True):
            results[i] = rows
    return results


def _trees(body: Body, jobs: Sequence[Job], shared: Ids, budget: Budget, detail: bool) -> list[list[Row]]:
    """Jobs whose prompts all begin with `shared`.

    What is no number in one of them spreads through its tree, masked or not: whoever got none is read again by itself.
    """
    found: dict[int, list[Row]] = {}
    begun = start(body, shared)
    rests, below = [job.prompt[len(shared) :] for job in jobs], [_below(job) for job in jobs]
    trees = divided(rests, below, len(shared), max(1, budget.tokens - len(shared)))
    largest = max(sum(len(rests[i]) + below[i] for i in tree) for tree in trees)
    at_once = max(1, budget.tokens // (len(shared) + largest))
    for low in range(0, len(trees), at_once):
        some = trees[low : low + at_once]
        read = Reading(body, jobs, some, len(shared), TokenTrees(body, begun, len(some)), detail)
        found |= read.rows(budget.tokens)
        body.effort.answered += sum(map(len, some))
    broken = [i for i, rows in found.items() if not all(math.isfinite(token.logp) for row in rows for token in row)]
    found |= zip(broken, _plain(body, [jobs[i] for i in broken], budget, detail), strict=True)
    return [found[i] for i in range(len(jobs))]


def _below(job: Job) -> int:
    """About how many tokens are read below a prompt: where only the likeliest counts, half of what there is."""
    inner = len({target[:end] for target in job.targets for end in range(1, len(target))})
    return inner // 2 if job.field else inner


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
            results[i][j] = tell(body, states[at], places, detail)
    return results


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
