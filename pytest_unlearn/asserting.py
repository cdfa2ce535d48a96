"""Assertions for tests of one's own: what must be gone is gone, what must stay is there.

They are decided as the checks of a scenario are: by what the original knows and the reference does not, beyond what
guessing explains, and a failure tells the same.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_unlearn.errors import UnlearnError, did_you_mean

if TYPE_CHECKING:
    from pytest_unlearn.checks.context import Context
    from pytest_unlearn.probes.probe import Probe, Way
    from pytest_unlearn.probes.space import Space
    from pytest_unlearn.runner.session import Result, Session
    from pytest_unlearn.scenario.model import Case
    from pytest_unlearn.subjects.ask import Asking
    from pytest_unlearn.verdict.verdict import Verdict


class VacuousError(AssertionError):
    """The original knows too little of what is asked, so that nothing can be seen to be gone or kept."""


class UnderTest:
    """A candidate, with the original, the reference and the knowledge that it is held to; see `unlearn_subject`."""

    def __init__(self, session: Session, case: Case) -> None:
        self._session, self._case = session, case
        self._ways: dict[tuple[Way, float, int], Result] = {}

    @property
    def name(self) -> str:
        """The scenario, the forget request, and where there are several the candidate."""
        label = self._case.candidate.label
        return f"{self._case.scenario.name}/{self._case.target.label}{f'[{label}]' if label else ''}"


def under_test(
    session: Session, path: Path, root: Path, given: Container[str] = (), *, target: str = "", candidate: str = ""
) -> UnderTest:
    """What a scenario is about, of the one forget request and candidate that are named or that there are.

    Raises ScenarioError for a scenario with mistakes and UnlearnError for a name that it does not have.
    """
    from pytest_unlearn.scenario.expand import cases
    from pytest_unlearn.scenario.load import load_scenario

    every = cases(load_scenario(path, root), given)
    found = [case for case in every if case.target.label == _one("forget request", target, _targets(every))]
    labels = list(dict.fromkeys(case.candidate.label for case in found))
    label = _one("candidate", candidate, labels)
    return UnderTest(session, next(case for case in found if case.candidate.label == label))


def assert_forgotten(
    subject: UnderTest,
    asked: str | Probe | Iterable[Probe],
    *,
    limit: float | None = None,
    search: int = 200,
    confidence: float = 0.99,
    min_known: int = 5,
    **options: Any,
) -> None:
    """Raise AssertionError where the candidate gives away what must be gone.

    asked  a kind of question (`alias`), whose own `options` may follow: then at most `search` questions are searched
           for one that leaks, or with `limit` (0.05) the rate of leaks is held against it
           one probe: fails where this probe leaks, and its way of asking, put to every fact that it fits, leaks more
           often than guessing explains
           several probes: fails where a way of asking among them leaks more often than guessing explains

    Numbers have the ranges that they have in a scenario; raises ScenarioError where one lies outside of them.
    Raises VacuousError, an AssertionError too, where the original knows fewer than `min_known` facts asked like this;
    for one probe inside of a test by hypothesis the example is rejected instead. What cannot be decided fails as well.
    """
    from pytest_unlearn.probes.probe import Probe

    if isinstance(asked, str):
        case = _check(subject, "ask", asked, options, confidence, min_known, limit=limit, search=search)
        from pytest_unlearn.checks.judge import judge

        return _raise(subject._session.hold(case, judge))
    probes = [asked] if isinstance(asked, Probe) else list(asked)
    if not probes:
        raise ValueError("there is no probe to ask")
    case = _check(subject, "ask", probes[0].way.kind, options, confidence, min_known, search=max(search, len(probes)))
    if isinstance(asked, Probe):
        return _one_probe(subject, case, asked)

    def part(context: Context) -> Asking[Verdict]:
        from pytest_unlearn.checks.search import searched

        return (yield from _careful(searched(context, _space(context), probes)))

    return _raise(subject._session.hold(case, part))


def assert_retained(
    subject: UnderTest,
    kept: str | Probe | Iterable[Probe] = "retained",
    *,
    margin: float = 0.05,
    confidence: float = 0.99,
    min_known: int = 5,
    **options: Any,
) -> None:
    """Raise AssertionError where the candidate has lost more than `margin` of what must stay and the original answers.

    kept  which facts: the name of a `keep` check (`neighbours`), whose own `options` may follow
          one probe, of `probes(scenario, keep=...)`: fails where it is lost, whatever the margin
          several probes

    Raises VacuousError as `assert_forgotten` does; one probe is enough where one is given.
    """
    __tracebackhide__ = True
    from pytest_unlearn.checks.judge import judge
    from pytest_unlearn.checks.margin import margin as judged
    from pytest_unlearn.probes.probe import Probe

    if isinstance(kept, str):
        case = _check(subject, "keep", kept, options, confidence, min_known, margin=margin)
        return _raise(subject._session.hold(case, judge))
    single = isinstance(kept, Probe)
    probes = [kept] if isinstance(kept, Probe) else list(kept)
    if not probes:
        raise ValueError("there is no probe to ask")
    known, lose = (1, 0.0) if single else (min_known, margin)
    case = _check(subject, "keep", "retained", options, confidence, known, margin=lose)

    def part(context: Context) -> Asking[Verdict]:
        return (yield from _careful(judged(context, probes, len(probes), lose)))

    return _raise(subject._session.hold(case, part), rejects=single)


def ahead(subject: UnderTest, probes: Sequence[Probe]) -> None:
    """Put questions to original and candidate, many at once; what is asked one by one later is then remembered."""
    from pytest_unlearn.checks.controls import graded, known
    from pytest_unlearn.subjects.ask import together

    def part(context: Context) -> Asking[None]:
        graders = context.graders()
        before = yield from together([known(grader, probes, context, careful=False) for grader in graders])
        both = [(grader, one.probes) for grader, one in zip(graders, before, strict=True)]
        yield from together([graded(grader, "candidate", some, careful=False) for grader, some in both])

    if probes:
        case = _check(subject, "ask", "direct", {}, 0.99, 1)
        subject._session.ask(case, part)


def _one_probe(subject: UnderTest, case: Case, probe: Probe) -> None:
    """By its way of asking, which is judged once; and by itself."""
    __tracebackhide__ = True
    key = probe.way, case.check.alpha, case.check.min_known

    def way(context: Context) -> Asking[Verdict]:
        from pytest_unlearn.checks.search import searched

        space = _space(context)
        alike = {one.id: one for one in (*space.alike(probe.way), probe)}
        return (yield from _careful(searched(context, space, list(alike.values()))))

    if key not in subject._ways:
        subject._ways[key] = subject._session.hold(case, way)
    result = subject._ways[key]
    from pytest_unlearn.verdict.verdict import Outcome

    if result.verdict.outcome is Outcome.FAIL:
        failed = {tally.grader for tally in result.verdict.tallies if tally.outcome is Outcome.FAIL}
        if not subject._session.ask(case, lambda context: _leaks(context, probe, failed)):
            return
    _raise(result, rejects=True)


def _leaks(context: Context, probe: Probe, graders: Container[str]) -> Asking[bool]:
    from pytest_unlearn.checks.controls import graded, known

    for grader in context.graders():
        if grader.name in graders:
            before = yield from known(grader, [probe], context)
            after = yield from graded(grader, "candidate", before.probes)
            if any(grade.leak for grade in after):
                return True
    return False


def _careful(judged: Asking[Verdict]) -> Asking[Verdict]:
    """What keeps it from being judged is an error, as in a check."""
    from pytest_unlearn.checks.context import CheckError
    from pytest_unlearn.verdict.verdict import Outcome, Verdict

    try:
        return (yield from judged)
    except CheckError as error:
        return Verdict(Outcome.ERROR, str(error))


def _space(context: Context) -> Space:
    from pytest_unlearn.checks.judge import space_of

    return space_of(context)


def _check(
    subject: UnderTest,
    verb: Literal["ask", "keep"],
    kind: str,
    options: dict[str, Any],
    confidence: float,
    min_known: int,
    *,
    limit: float | None = None,
    search: int = 200,
    margin: float = 0.0,
) -> Case:
    """The case of a check that stands in no file, at the place of the scenario's first."""
    from pytest_unlearn.registry import PROBES, UTILITY, Entry
    from pytest_unlearn.scenario.called import read_call
    from pytest_unlearn.scenario.keys import DefaultKeys
    from pytest_unlearn.scenario.model import Check, Limit, Margin, Search

    call = f"assert_{'forgotten' if verb == 'ask' else 'retained'}('{kind}')"
    decides = {"margin": margin} if verb == "keep" else {"search": search} if limit is None else {"limit": limit}
    keys = {**decides, "confidence": confidence, "min_known": min_known}
    read_call(Entry("decides", _check, DefaultKeys), keys, call)  # 5 is no share, and no number of probes is none
    entry = (PROBES if verb == "ask" else UTILITY).get(kind)
    asking = Search(search) if limit is None else Limit(limit)
    check = Check(
        id=kind,
        verb=verb,
        kind=kind,
        config=read_call(entry, options, call),
        decide=asking if verb == "ask" else Margin(margin),
        claim="forget" if verb == "ask" else "utility",
        graders=(),
        alpha=1.0 - confidence,
        min_known=min_known,
        tags=(),
        xfail=None,
        at=subject._case.scenario.models.at,
    )
    return replace(subject._case, check=check)


def _raise(result: Result, rejects: bool = False) -> None:
    """Anything but a pass, told as pytest tells a check of a scenario."""
    __tracebackhide__ = True
    from pytest_unlearn.report.text import block
    from pytest_unlearn.verdict.verdict import Outcome

    if result.verdict.outcome is Outcome.PASS:
        return
    text = block(result, result.case.scenario.path.name)
    if result.verdict.outcome is not Outcome.VACUOUS:
        raise AssertionError(text)
    if rejects:
        import hypothesis

        if hypothesis.currently_in_test_context():
            hypothesis.reject()
    raise VacuousError(text)


def _targets(cases: Iterable[Case]) -> list[str]:
    return list(dict.fromkeys(case.target.label for case in cases))


def _one(what: str, named: str, there: Sequence[str]) -> str:
    if named and named not in there:
        raise UnlearnError(f"there is no {what} '{named}'{did_you_mean(named, there)}")
    if not named and len(there) > 1:
        raise UnlearnError(f"there are {len(there)} of {what}, {', '.join(there)}: name one")
    return named or there[0]
