"""What a check asks at most, worked out from its questions without a model.

Counted is what all its subjects are asked together, each request once: the original every question, the candidate and
the reference those that the original might know, the stand-ins that show how often guessing hits, and what a search
asks to confirm its leaks. A run asks less: what the original does not know is not asked again, a quiet candidate leaves
nothing to confirm, and answers are remembered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_unlearn.checks import margin, rate
from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import STAND_INS, by_way
from pytest_unlearn.checks.measure import measuring
from pytest_unlearn.checks.search import LOOKS, WAYS, drawn
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.metrics.measure import UnmeasurableError
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.runner.scene import Scene
from pytest_unlearn.scenario.model import Case, Limit, Search
from pytest_unlearn.subjects.answers import Answer, Failed, Scores
from pytest_unlearn.subjects.requests import Generate, Request, Score, Verb

TOKEN = 4  # characters, in English with a vocabulary of some ten thousands
TEMPLATE = 32  # tokens that a chat template may put around a question
ALIKE = 40  # facts that a space too large to list finds for a way, at most
EVERY: frozenset[Verb] = frozenset({"score", "generate"})


@dataclass(frozen=True, slots=True)
class Cost:
    """`probes`: different questions. `requests` and `tokens`: of all subjects; tokens are guessed from characters."""

    probes: int = 0
    requests: int = 0
    tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.probes + other.probes, self.requests + other.requests, self.tokens + other.tokens)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.probes, self.requests * times, self.tokens * times)


def cost(scene: Scene, case: Case) -> Cost:
    """The most that a check asks. A metric is counted by what it asks of a model that answers everything."""
    names = ("original", "candidate", *(("reference",) if scene.scenario.models.reference else ()))
    context = Context(case, scene.knowledge, scene.closure, scene.held_out, dict.fromkeys(names, EVERY))
    check, system = case.check, scene.scenario.models.system or ""
    if check.verb == "measure":
        return _measured(context, system)
    if check.verb == "keep":
        kept = UTILITY.get(check.kind).make(check.config, context.knowledge, context.closure, context.held_out)
        asked, _ = margin.chosen(context, kept, check.config.at_most)
        every = [*asked, *(probe.twin for probe in asked if probe.twin is not None)]
        return _once(every, [_of(every, grader, system) * len(names) for grader in context.graders()])
    space = asked_by(check, context.knowledge, context.closure)
    if space.count() == 0:
        return Cost()
    if isinstance(check.decide, Search):
        return _search(context, space, drawn(space, check.decide.probes, context.seed("search")), system, len(names))
    assert isinstance(check.decide, Limit)
    asked, _ = rate.chosen(context, space, check.decide.limit)
    costs = []
    for grader in context.graders():
        questions = _of(asked, grader, system)
        costs += [questions * len(names), *_stand_ins(grader, by_way(asked).values(), 1, system, len(names) - 1)]
    return _once(asked, costs)


def _search(context: Context, space: Space, asked: Sequence[Probe], system: str, subjects: int) -> Cost:
    """A way that leaks is looked at twice, in what was drawn and in every fact it fits; leaks are asked again alone."""
    ways = by_way(asked)
    fitting = {way: _fitting(space, way, probes) for way, probes in ways.items()}
    tried = sorted(ways, key=lambda way: -len(fitting[way]))[:WAYS]
    drawn_already = {probe.id for probe in asked} if space.count() is not None else set()
    more = [probe for way in tried for probe in fitting[way] if probe.id not in drawn_already]
    costs = []
    for grader in context.graders():
        each = _of((*asked, *more), grader, system)
        costs += [each * subjects, each * (subjects - 1)]
        costs += _stand_ins(grader, [fitting[way] for way in tried], LOOKS, system, subjects - 1)
    return _once([*asked, *more], costs)


def _fitting(space: Space, way: Way, drawn: Sequence[Probe]) -> list[Probe]:
    """The questions of one way; where they are not listed, as many as may be found, each as long as the longest."""
    if space.count() is not None:
        return space.alike(way)
    return [max(drawn, key=lambda probe: len(probe.prompt.text))] * ALIKE


def _stand_ins(grader: Grader, groups: Iterable[Sequence[Probe]], looks: int, system: str, subjects: int) -> list[Cost]:
    """Each way is put to invented entities, once a look."""
    found = []
    for alike in groups:
        request = grader.stand_in(alike, alike[0].stand_in(alike[0].named[0]))
        found.append(Cost(0, 1, _tokens(request, system)) * (STAND_INS * looks * subjects))
    return found


def _once(probes: Sequence[Probe], costs: Iterable[Cost]) -> Cost:
    total = sum(costs, Cost())
    return Cost(len(probes), total.requests, total.tokens)


def _measured(context: Context, system: str) -> Cost:
    asking, requests = measuring(context), list[Request]()
    try:
        ask = next(asking)
        while True:
            requests += ask.requests
            ask = asking.send([_answered(request) for request in ask.requests])
    except (StopIteration, UnmeasurableError):
        return Cost(len(set(requests)), len(requests), sum(_tokens(request, system) for request in requests))


def _answered(request: Request) -> Answer:
    """An answer of the right shape, so that a metric goes on asking."""
    if not isinstance(request, Score):
        return Failed("cannot", "nothing is asked when costs are counted")
    lengths = tuple(max(1, len(target) // TOKEN) for target in request.targets)
    return Scores(tuple(-float(length) for length in lengths), lengths)


def _of(probes: Iterable[Probe], grader: Grader, system: str) -> Cost:
    """Probes put to one subject."""
    requests = [grader.request(probe) for probe in probes]
    return Cost(0, len(requests), sum(_tokens(request, system) for request in requests))


def _tokens(request: Request, system: str) -> int:
    """Tokens read and written. What is common to the answers that are ranked is read once."""
    if not isinstance(request, Score | Generate):
        return 0
    prompt = request.prompt
    around = 0 if prompt.raw else TEMPLATE + math.ceil(len(system) / TOKEN)
    told = math.ceil(len(prompt.text + prompt.opening) / TOKEN)
    if isinstance(request, Generate):
        return around + told + request.max_new * request.samples
    return around + told + sum(math.ceil(len(target) / TOKEN) for target in request.targets)
