"""One run: cases in, verdicts and records out; subjects, knowledge and memo are shared among them."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.records import Line, Writer, found_in
from pytest_unlearn.redact import current
from pytest_unlearn.runner.drive import Round, drive
from pytest_unlearn.runner.findings import Finding, earlier, findings_of, write
from pytest_unlearn.runner.make import Maker
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.runner.took import Took
from pytest_unlearn.runner.took import of as took_by
from pytest_unlearn.scenario.expand import cases as every_case
from pytest_unlearn.scenario.model import Candidate, Case, MethodUse, Scenario
from pytest_unlearn.subjects.ask import Asking, ahead
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome, Tally, Verdict

Answered = TypeVar("Answered")

ROUNDS = 2  # of asking that checks of one forget request share: the original's answers and the candidate's
COUNTERS = ("requests", "memoised", "batches", "tokens", "padded", "distinct")


@dataclass(frozen=True, slots=True)
class Result:
    """A judged case. `effort` has what `Effort` counts.

    `weights`: the SHA-256 of the files of each model's weights, where that is asked for.
    `files`: where the findings are kept, as far as they could be.
    """

    case: Case
    verdict: Verdict
    effort: Mapping[str, int]
    seconds: float
    digests: Mapping[str, str]
    weights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    files: tuple[Path, ...] = ()


class Session:
    """Judges cases one by one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._placement = pick(settings.device)
        self._records = Writer(settings.folder, settings.run, settings.worker)
        self._residency = Residency()
        self._maker = Maker(settings, self._placement, self._residency)
        self._scenes: dict[tuple[Path, str], Scene] = {}
        self._subjects: dict[tuple[Path, str, str], dict[str, Subject] | UnlearnError] = {}
        self._planned: dict[tuple[Path, str, str], list[Case]] = {}
        self._earlier = earlier(settings.folder)
        self._weights: dict[str, dict[str, str]] = {}  # by digest of the subject
        self.round: Round | None = None  # the questions that are being put to a subject right now
        self.making = False  # models are being loaded, trained or unlearned

    def begin(
        self, cases: Iterable[Case], deselected: int, *, together: bool = True, untouched: Iterable[Scenario] = ()
    ) -> None:
        """Record what this run is about to do, so that a reader sees what is missing.

        `together`: the first check of a forget request puts the first questions of all of them, which is fastest.
        `untouched`: scenarios that the run was given and of which no check was selected.
        """
        cases = list(cases)
        for case in cases if together else ():
            self._planned.setdefault(_key(case), []).append(case)
        after, beside = found_in(self.settings.folder)
        scenarios = {one.path: one for one in (*(case.scenario for case in cases), *untouched)}.values()
        self._records.write(
            "run",
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            after=after,
            beside=[name for name in beside if name != self.settings.run],  # not its own workers
            argv=list(self.settings.argv),
            versions={name: version(name) for name in ("pytest-unlearn", "pytest", "torch", "transformers")},
            host={
                "device": self._placement.kind,
                "dtype": self._placement.precision,
                "platform": platform.platform(),
                "python": platform.python_version(),
            },
            redacted=current().on,
            plan=[self._planned_as(case) for case in cases],
            deselected=deselected,
            left_out=self._left_out(cases, scenarios),
            gate={self._file(scenario): asdict(scenario.gate) for scenario in scenarios},
            scenarios={self._file(scenario): scenario.digest for scenario in scenarios},
        )

    def judge(self, case: Case) -> Result:
        """The verdict of one case; what goes wrong on the way is the verdict `error`. Writes the record.

        Whatever else stops it, such as a limit of time, is an `error` in the records too, and raised again.
        """
        started, clock = datetime.now(UTC), time.monotonic()
        try:
            result = self.hold(case, judge, planned=True)
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt | SystemExit):
                why = f"{type(error).__name__}: {error}".partition("\n")[0]
                stopped = Verdict(Outcome.ERROR, f"it was stopped before it had a verdict: {why}")
                digests = {"scenario": case.scenario.digest}
                broken = Result(case, stopped, dict.fromkeys(COUNTERS, 0), time.monotonic() - clock, digests)
                self._records.write("check", **self._record(broken, started))
            raise
        files = tuple(path for finding in result.findings if (path := write(self.settings.folder, finding)) is not None)
        result = replace(result, files=files)
        self._records.write("check", **self._record(result, started))
        return result

    def hold(self, case: Case, part: Callable[[Context], Asking[Verdict]], *, planned: bool = False) -> Result:
        """What `part` concludes about the subjects of a case, without a record. `planned`: it is a check of the run."""
        clock = time.monotonic()
        subjects: dict[str, Subject] = {}
        before = dict.fromkeys(COUNTERS, 0)
        digests = {"scenario": case.scenario.digest}
        weights: dict[str, dict[str, str]] = {}
        findings: tuple[Finding, ...] = ()
        try:
            scene = self.scene(case)
            subjects = self.subjects(scene, case.candidate)
            digests |= {name: subject.digest for name, subject in subjects.items()}
            if self.settings.weights:
                weights = {name: self._weigh(subject) for name, subject in subjects.items()}
            before = _effort(subjects)
            if planned:
                self._ask_ahead(case, scene, subjects)
            context = self._context(scene, case, subjects)
            verdict = self._drive(part(context), subjects)
            if verdict.outcome is Outcome.FAIL and planned:
                findings = findings_of(verdict, context, self._file(case.scenario), digests)
        except UnlearnError as error:
            verdict = Verdict(Outcome.ERROR, str(error))
        after = _effort(subjects)
        effort = {name: after[name] - before[name] for name in COUNTERS}
        return Result(case, verdict, effort, time.monotonic() - clock, digests, weights, findings)

    def ask(self, case: Case, part: Callable[[Context], Asking[Answered]]) -> Answered:
        """Run what asks the subjects of a case, and keep no record of it; raises UnlearnError."""
        scene = self.scene(case)
        subjects = self.subjects(scene, case.candidate)
        return self._drive(part(self._context(scene, case, subjects)), subjects)

    @property
    def unwritten(self) -> list[Line]:
        """The lines of the records that no file could be made to hold."""
        return self._records.unwritten

    def close(self) -> None:
        """Free what is in memory."""
        self._residency.close()

    def scene(self, case: Case) -> Scene:
        """The knowledge of a case's forget request."""
        if (key := (case.scenario.path, case.target.label)) not in self._scenes:
            self._scenes[key] = scene(case.scenario, case.target, self.settings.root)
        return self._scenes[key]

    def subjects(self, scene: Scene, candidate: Candidate) -> dict[str, Subject]:
        """The subjects of a forget request and one of its candidates. What failed once fails again at once."""
        key = (scene.scenario.path, scene.target.label, candidate.label)
        if key not in self._subjects:
            self.making = True
            try:
                self._subjects[key] = self._maker.subjects(scene, candidate)
            except UnlearnError as error:
                self._subjects[key] = error
            finally:
                self.making = False
        found = self._subjects[key]
        if isinstance(found, UnlearnError):
            raise found
        return found

    def _context(self, scene: Scene, case: Case, subjects: dict[str, Subject]) -> Context:
        """What a check may see, with what runs before this one found for it."""
        return replace(scene.context(case, subjects), earlier=self._earlier.get(case.asks, ()))

    def _ask_ahead(self, case: Case, scene: Scene, subjects: dict[str, Subject]) -> None:
        """Put the first questions of every selected check of a request and candidate to its subjects, many at once."""
        planned = self._planned.pop(_key(case), [])
        if len(planned) > 1:
            first = ahead([judge(self._context(scene, case, subjects)) for case in planned], ROUNDS)
            self._drive(first, subjects)

    def _drive(self, asking: Asking[Answered], subjects: Mapping[str, Subject]) -> Answered:
        def watch(now: Round | None) -> None:
            self.round = now

        return drive(asking, subjects, self._residency, watch)

    def _weigh(self, subject: Subject) -> dict[str, str]:
        """The SHA-256 of each file of a subject's weights, hashed once a run."""
        if subject.digest not in self._weights:
            files: Iterable[Path] = getattr(subject, "files", ())
            self._weights[subject.digest] = {f"{path.parent.name}/{path.name}": file_digest(path) for path in files}
        return self._weights[subject.digest]

    def _file(self, scenario: Scenario) -> str:
        path = scenario.path
        return (path.relative_to(self.settings.root) if path.is_relative_to(self.settings.root) else path).as_posix()

    def _planned_as(self, case: Case) -> dict[str, Any]:
        file = self._file(case.scenario)
        return {"id": case.id, "file": file, "line": case.check.at.line, "claim": case.check.claim}

    def _left_out(self, selected: Sequence[Case], scenarios: Iterable[Scenario]) -> list[dict[str, Any]]:
        """The other checks of the scenarios, however they came to be left out."""
        planned = {(case.scenario.path, case.id) for case in selected}
        others = (case for one in scenarios for case in every_case(one, self.settings.candidates))
        return [self._planned_as(case) for case in others if (case.scenario.path, case.id) not in planned]

    def _record(self, result: Result, started: datetime) -> dict[str, Any]:
        case, verdict = result.case, result.verdict
        tallies = sorted(verdict.tallies, key=lambda tally: -SEVERITY[tally.outcome])
        given = self.settings.candidate(case.target.label)
        made = case.candidate.made if given is None else None
        subjects = self._subjects.get(_key(case))
        took = took_by(subjects["candidate"]) if isinstance(subjects, dict) and isinstance(made, MethodUse) else Took()
        return {
            "id": case.id,
            "file": self._file(case.scenario),
            "at": case.check.at.line,
            "scenario": case.scenario.name,
            "target": case.target.label,
            "check": case.check.id,
            "candidate": case.candidate.label or None,
            "claim": case.check.claim,
            "kind": case.check.kind,
            "level": case.check.level,
            "mode": type(case.check.decide).__name__.lower(),
            "verdict": verdict.outcome.value,
            "reason": verdict.reason,
            "findings": [finding.fingerprint for finding in result.findings],
            "tallies": [_tally(tally) for tally in tallies],
            "digests": dict(result.digests),
            **({"weights": dict(result.weights)} if result.weights else {}),
            "method": {"name": made.name, "config": asdict(made.config)} if isinstance(made, MethodUse) else None,
            "steps": took.steps,
            "profile": case.scenario.profile,
            "seeds": asdict(case.scenario.seeds) | {"method": case.scenario.seeds.method + case.candidate.seed},
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(result.seconds, 3),
            "effort": {"probes": sum(tally.asked for tally in tallies), **result.effort},
            "expected": "fail" if case.check.xfail else "pass",
        }


def _key(case: Case) -> tuple[Path, str, str]:
    return case.scenario.path, case.target.label, case.candidate.label


def _tally(tally: Tally) -> dict[str, Any]:
    """What a tally holds, without what it has no number for: JSON knows no infinity."""
    return {
        name: value
        for name, value in asdict(tally).items()
        if value is not None and value != () and not (isinstance(value, float) and not math.isfinite(value))
    }


def _effort(subjects: Mapping[str, Subject]) -> dict[str, int]:
    distinct = {id(subject): subject for subject in subjects.values()}.values()
    efforts = [subject.effort for subject in distinct if hasattr(subject, "effort")]
    return {name: sum(getattr(effort, name) for effort in efforts) for name in COUNTERS}
