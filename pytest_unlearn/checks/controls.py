"""The controls of a forget check: known before, unknown to the reference, more than guessing explains."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.graders.grade import Grade, Grader, UnansweredError
from pytest_unlearn.knowledge.render import invented
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.subjects.ask import Ask, Asking, together
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.verdict.verdict import Tally, Verdict, worst

Role = Literal["leak", "smallest", "worst", "pinned", "lost"]
STAND_INS = 20  # invented entities that a question is put to


@dataclass(frozen=True, slots=True)
class Leak:
    """A probe that the candidate answers although it must not, or no longer answers although it should.

    `said`: its answer, `original`: that of the original. `score`: how right the answer is, in [0, 1]. `role`: what it
    is shown as. `rounds`: how many rounds of questions led to the smallest.
    """

    probe: Probe
    grader: str
    said: str
    original: str
    score: float = 1.0
    role: Role = "leak"
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """Probes that count: the original answers them and the reference does not.

    `said` is the original's answer by probe id; `guessed` are probes that the reference answers too.
    """

    probes: tuple[Probe, ...]
    said: dict[str, str]
    guessed: tuple[Probe, ...]

    def among(self, probes: Sequence[Probe]) -> Known:
        """Those of them that are among `probes`, in the order of these."""
        known, guessed = ({probe.id for probe in some} for some in (self.probes, self.guessed))
        return Known(
            tuple(probe for probe in probes if probe.id in known),
            self.said,
            tuple(probe for probe in probes if probe.id in guessed),
        )

    @property
    def units(self) -> int:
        """How many facts they are about."""
        return len({probe.unit for probe in self.probes})


def by_graders(context: Context, part: Callable[[Grader], Asking[tuple[Tally, Sequence[Leak]]]]) -> Asking[Verdict]:
    """Judge with every grader of a check, side by side; the worst decides."""
    found = yield from together([part(grader) for grader in context.graders()])
    return worst(tuple(tally for tally, _ in found), tuple(leak for _, leaks in found for leak in leaks))


def graded(
    grader: Grader,
    subject: str,
    probes: Sequence[Probe],
    *,
    alone: bool = False,
    silence: bool = False,
    careful: bool = True,
) -> Asking[list[Grade]]:
    """Put probes to a subject and read its answers; raises CheckError when one is no answer.

    Who is silent does not know: neither the original nor a reference leaks then, and a candidate has lost what had to
    stay. But a candidate's silence about what had to go (`silence` false) is no forgetting: a model that has broken
    down is silent too. `careful=False`: nor is any other missing answer an error, where nothing rests on it.
    """
    if not probes:
        return []
    requests = tuple(grader.request(probe) for probe in probes)
    answers = yield Ask(subject, requests, alone)
    grades = []
    for probe, request, answer in zip(probes, requests, answers, strict=True):
        try:
            grades.append(grader.grade(probe, request, answer))
        except UnansweredError as error:
            if careful and (not error.silent or (subject == "candidate" and not silence)):
                raise _unanswered(subject, probe, error) from None
            grades.append(Grade(0.0, False, ""))
    return grades


def _unanswered(subject: str, probe: Probe, error: UnansweredError) -> CheckError:
    return CheckError(
        f"the {subject} gave no answer to probe {probe.id} ({probe.way}): {error}. "
        "A missing answer is never counted as forgotten"
    )


def known(grader: Grader, probes: Sequence[Probe], context: Context, *, careful: bool = True) -> Asking[Known]:
    """The probes whose secret the original gives away, by its twin too, and the reference does not."""
    before = yield from graded(grader, "original", probes, careful=careful)
    kept = [probe for probe, grade in zip(probes, before, strict=True) if grade.leak]
    twins = {probe.id: probe.twin for probe in kept if probe.twin}
    again = yield from graded(grader, "original", list(twins.values()))
    lucky = {id for id, grade in zip(twins, again, strict=True) if not grade.leak}
    kept = [probe for probe in kept if probe.id not in lucky]
    said = {probe.id: grade.said for probe, grade in zip(probes, before, strict=True)}
    if not context.has_reference:
        return Known(tuple(kept), said, ())
    never = yield from graded(grader, "reference", kept, careful=careful)
    guessed = {probe.id for probe, grade in zip(kept, never, strict=True) if grade.leak}
    return Known(
        tuple(probe for probe in kept if probe.id not in guessed),
        said,
        tuple(probe for probe in kept if probe.id in guessed),
    )


def chances(grader: Grader, subject: str, probes: Sequence[Probe], context: Context) -> Asking[dict[str, float]]:
    """By probe id, the chance that guessing gives the secret away.

    The largest of blind choice and how often the subject gives the same answer about invented entities, or where a
    question names none, to other questions. Probes that differ in the name alone share their stand-ins.
    """
    found = {probe.id: grader.chance(probe) for probe in probes}
    shared: dict[tuple[Way, str], list[Probe]] = defaultdict(list)
    for probe in probes:
        shared[probe.way, probe.hole].append(probe)
    for alike in shared.values():
        prompts = _elsewhere(alike, context)
        requests = tuple(grader.stand_in(alike, prompt) for prompt in prompts)
        answers = (yield Ask(subject, requests)) if requests else []
        for probe in alike:
            hits, asked = 0, frozenset(probe.others or prompts)
            for prompt, request, answer in zip(prompts, requests, answers, strict=True):
                if prompt not in asked:
                    continue
                try:
                    hits += grader.grade(probe, request, answer).leak
                except UnansweredError as error:
                    if not error.silent:
                        raise _unanswered(subject, probe, error) from None
            found[probe.id] = max(found[probe.id], hits / max(1, len(asked)))
    return found


def _elsewhere(alike: Sequence[Probe], context: Context) -> tuple[Prompt, ...]:
    """What the same answers may be given to by luck: the question about invented entities, else the others' prompts."""
    kind = alike[0].named[1]
    if not kind:
        return tuple(dict.fromkeys(prompt for probe in alike for prompt in probe.others))
    names = invented(context.knowledge, kind, STAND_INS, context.seed("stand-ins"))
    return tuple(alike[0].stand_in(name) for name in names)


def by_way(probes: Iterable[Probe]) -> dict[Way, list[Probe]]:
    """Probes grouped by how they ask, in order of first appearance."""
    found: dict[Way, list[Probe]] = defaultdict(list)
    for probe in probes:
        found[probe.way].append(probe)
    return dict(found)


def by_unit(probes: Iterable[Probe]) -> dict[str, list[Probe]]:
    """Probes grouped by the fact they are about, in order of first appearance."""
    found: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        found[probe.unit].append(probe)
    return dict(found)


def any_of(chances: Iterable[float]) -> float:
    """The chance that at least one of several independent guesses hits."""
    return 1.0 - math.prod(1.0 - chance for chance in chances)
