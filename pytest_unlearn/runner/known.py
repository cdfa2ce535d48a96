"""How much of some knowledge a model has, asked in the ways that checks ask.

A scenario can only show that something was forgotten where it was known. What is asked here is remembered, so that a
run of a scenario about the same facts does not ask it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from pytest_unlearn.checks.context import DEFAULT_GRADERS
from pytest_unlearn.checks.rate import CENSUS
from pytest_unlearn.graders.grade import Grader, UnansweredError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import GRADERS, PROBES
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.verdict.binomial import upper

KINDS = ("direct", "paraphrase", "alias", "inverse")


@dataclass(frozen=True, slots=True)
class Share:
    """What one kind of question found by one grader. Units are facts; one is known when any question about it is.

    `probes`: how many there are; `asked`: of these; `silent`: questions that got no answer, which count as not known.
    `right`: the units that are known.
    """

    kind: str
    grader: str
    probes: int
    asked: int
    units: int
    right: frozenset[str]
    silent: int

    @property
    def known(self) -> int:
        """How many units are known."""
        return len(self.right)

    def least_limit(self, alpha: float) -> float:
        """The smallest leak rate that as many independent draws as are known can rule out, if none of them leaks."""
        return upper(0, self.known, alpha)


def known(
    knowledge: Knowledge, closure: Closure, subject: Subject, kinds: Iterable[str] = KINDS, seed: int = 0
) -> list[Share]:
    """Put every question of some kinds about what `closure` hides to a model, with each grader that it allows.

    Of more than 2,000 questions of a kind a seeded sample is asked. Raises SubjectError.
    """
    graders: list[Grader] = [(entry := GRADERS.get(name)).make(entry.config()) for name in DEFAULT_GRADERS]
    found = []
    for kind in kinds:
        entry = PROBES.get(kind)
        space: Space = entry.make(entry.config(), knowledge, closure)
        probes = list(space.all())
        asked = probes if len(probes) <= CENSUS else Random(seed).sample(probes, CENSUS)
        found += [_share(kind, grader, len(probes), asked, subject) for grader in graders if grader.verb in subject.can]
    return found


def _share(kind: str, grader: Grader, probes: int, asked: Sequence[Probe], subject: Subject) -> Share:
    requests = [grader.request(probe) for probe in asked]
    right, silent = set(), 0
    for probe, request, answer in zip(asked, requests, subject.answer(requests), strict=True):
        try:
            if grader.grade(probe, request, answer).leak:
                right.add(probe.unit)
        except UnansweredError:
            silent += 1
    return Share(kind, grader.name, probes, len(asked), len({probe.unit for probe in asked}), frozenset(right), silent)
