"""Log-probabilities of targets after prompts: each token is read once, whatever stands before and after it.

The first tokens that prompts have in common are read once for all of them. Prompts are the upper part of trees, in
which what some of them begin with alike stands once, their targets the lower. The head is applied only where a token is
predicted.
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
from pytest_unlearn.subjects.grove import TREE, Grove, divided, plant
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.prefix import Ids, distinct, families, read_anew, start
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
    """Jobs whose prompts all begin with `shared`."""
    results: list[list[Row]] = [[] for _ in jobs]
    begun = start(body, shared)
    tries = [Trie(job.targets) for job in jobs]
    below = [trie.inner // 2 if job.field else trie.inner for job, trie in zip(jobs, tries, strict=True)]
    tokens = min(TREE, max(1, budget.tokens - len(shared)))
    trees = divided([job.prompt[len(shared) :] for job in jobs], below, tokens)
    at_once = max(1, budget.tokens // (len(shared) + tokens))
    for low in range(0, len(trees), at_once):
        some = trees[low : low + at_once]
        indices = [i for tree in some for i in tree]
        place = {i: at for at, i in enumerate(indices)}
        grove = Grove(body, begun, len(some))
        rows = _read(body, [jobs[i] for i in indices], [tries[i] for i in indices],
                     [[place[i] for i in tree] for tree in some], len(shared), grove, budget, detail)  # fmt: skip
        for i, found in zip(indices, rows, strict=True):
            results[i] = found
        body.effort.answered += len(indices)
    return results


def _read(
    body: Body,
    jobs: Sequence[Job],
    tries: Sequence[Trie],
    trees: Sequence[Sequence[int]],
    before: int,
    grove: Grove,
    budget: Budget,
    detail: bool,
) -> list[list[Row]]:
    """Jobs that stand in the trees of a grove. Where only the likeliest matters, the most promising is read first."""
    new, ends = [], dict[int, tuple[int, int]]()
    for row, tree in enumerate(trees):
        prompts, nodes = plant([jobs[i].prompt[before:] for i in tree], grove.size(row))
        new.append(prompts)
        ends |= {i: (row, end) for i, end in zip(tree, nodes, strict=True)}
    known = {(i, 0): end for i, (_, end) in ends.items()}  # the grove's number of each job's nodes that were read
    told: dict[tuple[int, int], Told] = {}  # by job and node

    def grown(some: Sequence[Sequence[tuple[int, int]]]) -> None:
        """Read nodes of the jobs, beside the prompts in the beginning, and note what is predicted there."""
        begins = [len(prompts) for prompts in new]
        for row, nodes in enumerate(some):
            new[row] += _numbered(nodes, tries, known, grove.size(row) + begins[row])
        states = grove.grow(new)
        width = states.shape[1]
        at = {(i, 0): row * width + end - 1 for i, (row, end) in ends.items()} if not told else {}
        for row, nodes in enumerate(some):
            at |= {key: row * width + begins[row] + place for place, key in enumerate(nodes)}
        places = [(here, i, child) for (i, node), here in at.items() for child in tries[i].children[node].values()]
        told.update(_nodes(body, states.flatten(0, 1), places, tries, detail))
        new[:] = [[] for _ in trees]

    grown([_unread(jobs, tries, [i for i in tree if not jobs[i].field], told, known, "all") for tree in trees])
    for phase in PHASES:
        wanted = [_unread(jobs, tries, tree, told, known, phase) for tree in trees]
        step = max(1, budget.tokens // len(trees))
        for low in range(0, max(map(len, wanted)), step):
            grown([nodes[low : low + step] for nodes in wanted])
    return [[_so_far(path, i, told) for path in trie.paths] for i, trie in enumerate(tries)]


def _unread(
    jobs: Sequence[Job],
    tries: Sequence[Trie],
    tree: Sequence[int],
    told: Mapping[tuple[int, int], Told],
    known: Mapping[tuple[int, int], int],
    phase: str,
) -> list[tuple[int, int]]:
    """The nodes of a tree's jobs that are to be read now and have not been, parents first."""
    nodes: dict[tuple[int, int], None] = {}
    for i in tree:
        chosen = range(len(jobs[i].targets)) if phase == "all" else _chosen(jobs[i], tries[i], i, told, phase)
        for path in tries[i].rows(chosen, 1 if phase == "next" else None):
            nodes |= dict.fromkeys((i, node) for node in path if (i, node) not in known)
    return list(nodes)


def _numbered(
    nodes: Sequence[tuple[int, int]], tries: Sequence[Trie], known: dict[tuple[int, int], int], size: int
) -> list[tuple[int, int]]:
    """Nodes of jobs as the grove reads them; `known` learns their numbers there."""
    new = []
    for at, (i, node) in enumerate(nodes):
        known[i, node] = size + at
        new.append((known[i, tries[i].parent[node]], tries[i].token[node]))
    return new


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
