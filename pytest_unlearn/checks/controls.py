"""The controls of a forget check: known before, unknown to the reference, more than guessing explains."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.digest import digest
from pytest_unlearn.graders.grade import Grade, Grader, UnansweredError
from pytest_unlearn.knowledge.render import invented
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.subjects.answers import Answer, Outputs
from pytest_unlearn.subjects.ask import Ask, Asking, together
from pytest_unlearn.subjects.requests import Prompt, Request
from pytest_unlearn.verdict.outcomes import Outcomes, packed
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict, worst

Unstable: TypeAlias = frozenset[tuple[str, str]]  # answers, each by its subject and the id of its probe
Role = Literal["leak", "smallest", "worst", "pinned", "lost"]
LUCKY = 0.05  # of the questions put by a transform: so many answers are luck
STAND_INS = 20  # invented entities that a question is put to


@dataclass(frozen=True, slots=True)
class Leak:
    """A probe that the candidate answers although it must not, or no longer answers although it should.

    `said`: its answer, `original`: that of the original. `score`: how right the answer is, in [0, 1]. `role`: what it
    is shown as. `rounds`: how many rounds of questions led to the smallest. `parts`: of the smallest, where it is about
    several facts, whether each of them is answered by itself too. `often`: in how many of several samples.
    """

    probe: Probe
    grader: str
    said: str
    original: str
    score: float = 1.0
    role: Role = "leak"
    rounds: int = 0
    parts: tuple[bool, ...] = ()
    often: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Probes that count: the original answers them and the reference does not.

    `said` is the original's answer by probe id; `guessed` are probes that the reference answers too. `unstable`: the
    answers of the two that are read otherwise in a batch.
    """

    probes: tuple[Probe, ...]
    said: dict[str, str]
    guessed: tuple[Probe, ...]
    unstable: Unstable = frozenset()

    def among(self, probes: Sequence[Probe]) -> Known:
        """Those of them that are among `probes`, in the order of these."""
        known, guessed = ({probe.id for probe in some} for some in (self.probes, self.guessed))
        return Known(
            tuple(probe for probe in probes if probe.id in known),
            self.said,
            tuple(probe for probe in probes if probe.id in guessed),
            self.unstable,
        )

    @property
    def units(self) -> int:
        """How many facts they are about."""
        return len({probe.unit for probe in self.probes})


def by_graders(context: Context, part: Callable[[Grader], Asking[tuple[Tally, Sequence[Leak]]]]) -> Asking[Verdict]:
    """Judge with every grader of a check, side by side; the worst decides."""
    found = yield from together([part(grader) for grader in context.graders()])
    tallies = tuple(_told(_listed(tally, leaks)) for tally, leaks in found)
    return worst(tallies, tuple(leak for _, leaks in found for leak in leaks))


def _listed(tally: Tally, leaks: Sequence[Leak]) -> Tally:
    """Where it fails, with the fingerprints of the leaks that are shown beside those that it has."""
    if tally.outcome is not Outcome.FAIL:
        return replace(tally, leaked=())
    return replace(tally, leaked=tuple(sorted({*tally.leaked, *(leak.probe.fingerprint for leak in leaks)})))


def outcomes(probes: Sequence[Probe], bad: Iterable[bool], *, drawn: bool = False) -> Outcomes:
    """What came of each of some probes, for a record. `drawn`: another run may need more of them."""
    return packed([probe.unit for probe in probes], bad, "" if drawn else digest([probe.id for probe in probes])[:12])


def _told(tally: Tally) -> Tally:
    """With a reason that names what is unstable."""
    if not tally.unstable:
        return tally
    answers = "1 answer is" if tally.unstable == 1 else f"{tally.unstable} answers are"
    reason = f"{tally.reason}; {answers} numerically unstable: read otherwise in a batch than alone"
    return replace(tally, reason=reason)


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
    down is silent too. Who cannot read a question that was made longer does not know either. `careful=False`: nor is
    any other missing answer an error, where nothing rests on it.

    What is so near to another reading that a batch could tip it is asked again alone, in float32, and that counts.
    """
    if not probes:
        return []
    requests = tuple(grader.request(probe) for probe in probes)
    answers = yield Ask(subject, requests, alone)
    grades, close = [], []
    for i, (probe, request, answer) in enumerate(zip(probes, requests, answers, strict=True)):
        try:
            grades.append(grader.grade(probe, request, answer))
        except UnansweredError as error:
            deaf = error.unreadable and probe.plain is not None and subject != "candidate"
            if careful and not deaf and (not error.silent or (subject == "candidate" and not silence)):
                raise _unanswered(subject, probe, error) from None
            grades.append(Grade(0.0, False, ""))
        if not alone and near(grades[i], answer):
            close.append(i)
    near_ones = [probes[i] for i in close]
    again = yield from graded(grader, subject, near_ones, alone=True, silence=silence, careful=careful)
    for i, new in zip(close, again, strict=True):
        old = grades[i]
        grades[i] = replace(new, unstable=(new.leak, new.right) != (old.leak, old.right))
    return grades


def near(grade: Grade, answer: Answer) -> bool:
    """Whether an answer could be read otherwise if it were asked alone."""
    gap = min(grade.gap, answer.near_tie) if isinstance(answer, Outputs) else grade.gap
    return gap < getattr(answer, "noise", 0.0)


def unstable(subject: str, probes: Sequence[Probe], grades: Sequence[Grade]) -> Unstable:
    """The answers that are read otherwise in a batch."""
    return frozenset((subject, probe.id) for probe, grade in zip(probes, grades, strict=True) if grade.unstable)


def _unanswered(subject: str, probe: Probe, error: UnansweredError) -> CheckError:
    return CheckError(
        f"the {subject} gave no answer to probe {probe.id} ({probe.way}): {error}. "
        "A missing answer is never counted as forgotten"
    )


def known(grader: Grader, probes: Sequence[Probe], context: Context, *, careful: bool = True) -> Asking[Known]:
    """The probes whose secret the original gives away, by its twin too, and the reference does not."""
    before = yield from graded(grader, "original", probes, careful=careful)
    kept = [probe for probe, grade in zip(probes, before, strict=True) if grade.known]
    twins = {probe.id: probe.twin for probe in kept if probe.twin}
    again = yield from graded(grader, "original", list(twins.values()))
    lucky = {id for id, grade in zip(twins, again, strict=True) if not grade.known}
    kept = [probe for probe in kept if probe.id not in lucky]
    said = {probe.id: grade.said for probe, grade in zip(probes, before, strict=True)}
    tipped = unstable("original", probes, before) | unstable("original", list(twins.values()), again)
    if not context.has_reference:
        return Known(tuple(kept), said, (), tipped)
    never = yield from graded(grader, "reference", kept, careful=careful)
    guessed = {probe.id for probe, grade in zip(kept, never, strict=True) if grade.known}
    return Known(
        tuple(probe for probe in kept if probe.id not in guessed),
        said,
        tuple(probe for probe in kept if probe.id in guessed),
        tipped | unstable("reference", kept, never),
    )


def chances(grader: Grader, subject: str, probes: Sequence[Probe], context: Context) -> Asking[dict[str, float]]:
    """By probe id, the chance that guessing gives the secret away.

    The largest of blind choice and how often the subject gives the same answer about invented entities, or where a
    question names none, to other questions. Probes that differ in the name alone share their stand-ins.
    """
    found = {probe.id: grader.chance(probe) for probe in probes}
    shared: dict[tuple[Way, str | Prompt], list[Probe]] = defaultdict(list)
    for probe in probes:
        shared[probe.way, probe.hole if probe.plain is None else probe.stand_in("{}")].append(probe)
    counted = yield from together([_hits(grader, subject, alike, context) for alike in shared.values()])
    for id, rate in (item for rates in counted for item in rates.items()):
        found[id] = max(found[id], rate)
    return found


def _hits(grader: Grader, subject: str, alike: Sequence[Probe], context: Context) -> Asking[dict[str, float]]:
    """By probe id, the share of the answers to their stand-ins that give its secret away."""
    prompts = _elsewhere(alike, context)
    requests = tuple(grader.stand_in(alike, prompt) for prompt in prompts)
    answers = (yield Ask(subject, requests)) if requests else []
    hits, close = _read(grader, subject, alike, prompts, requests, answers)
    if close:
        again = yield Ask(subject, tuple(requests[i] for i in close), alone=True)
        exact = dict(zip(close, again, strict=True))
        answers = [exact.get(i, answer) for i, answer in enumerate(answers)]
        hits, _ = _read(grader, subject, alike, prompts, requests, answers)
    return {probe.id: hits[probe.id] / max(1, len(frozenset(probe.others or prompts))) for probe in alike}


def _read(
    grader: Grader,
    subject: str,
    probes: Sequence[Probe],
    prompts: Sequence[Prompt],
    requests: Sequence[Request],
    answers: Sequence[Answer],
) -> tuple[dict[str, float], list[int]]:
    """How many answers give the secret of each probe away, by its id, and which of them a batch could tip."""
    hits, close = dict.fromkeys((probe.id for probe in probes), 0.0), set()
    for probe in probes:
        asked = frozenset(probe.others or prompts)
        for i, (prompt, request, answer) in enumerate(zip(prompts, requests, answers, strict=True)):
            if prompt not in asked:
                continue
            try:
                grade = grader.grade(probe, request, answer)
            except UnansweredError as error:
                if not error.silent:
                    raise _unanswered(subject, probe, error) from None
            else:
                hits[probe.id] += grade.share
                if near(grade, answer):
                    close.add(i)
    return hits, sorted(close)


def _elsewhere(alike: Sequence[Probe], context: Context) -> tuple[Prompt, ...]:
    """What the same answers may be given to by luck: the question about invented entities, else the others' prompts."""
    kind = alike[0].named[1]
    if not kind:
        return tuple(dict.fromkeys(prompt for probe in alike for prompt in probe.others))
    names = invented(context.knowledge, kind, STAND_INS, context.seed("stand-ins"))
    return tuple(alike[0].stand_in(name) for name in names)


def unfollowed(asked: Sequence[Probe], right: Iterable[Probe], floor: int) -> str:
    """The transforms that the original cannot follow, each with how many of its questions are answered.

    Put by them it knows fewer than `floor` facts, and answers at most one question in twenty, as luck does.
    """
    total: dict[str, int] = defaultdict(int)
    heard: dict[str, list[Probe]] = defaultdict(list)
    answered = {probe.id for probe in right}
    for probe in asked:
        for name in dict.fromkeys(label.split(".")[0] for label in probe.way.transforms):
            total[name] += 1
            heard[name] += [probe] if probe.id in answered else []
    deaf = [
        f"{name} ({len(heard[name])} of {count})"
        for name, count in sorted(total.items())
        if len(heard[name]) <= LUCKY * count and len(by_unit(heard[name])) < floor
    ]
    return f"the original cannot follow {', '.join(deaf)}" if deaf else ""


def aside(deaf: str) -> str:
    """What is not followed as the end of a sentence about the rest."""
    return f"; {deaf}: these show nothing" if deaf else ""


def too_few(units: int, floor: int, asked: int, deaf: str = "") -> str:
    """Why nothing can be said: the original knows too little of what is asked; what it cannot follow comes first."""
    begun = f"{deaf}: it" if deaf else "the original"
    return f"{begun} knows {units} of the facts behind {asked} probes; at least {floor} are needed (`min_known`)"


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
