"""One run: what is loaded and cached, how a case is judged, what is recorded."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.records import Writer
from pytest_unlearn.runner.drive import drive
from pytest_unlearn.runner.make import Maker, Subjects
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.runner.world import world_of
from pytest_unlearn.scenario.model import Case, Scenario, Target
from pytest_unlearn.subjects.devices import Placement, pick
from pytest_unlearn.verdict.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says about a run. `candidates` maps a forget label, or "" for any, to a path."""

    root: Path
    folder: Path  # everything the run writes, but models
    run: str
    worker: str = "main"
    argv: tuple[str, ...] = ()
    device: str = "auto"
    candidates: Mapping[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    network: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """What a verdict cost. Probes are counted by the tallies; requests answered from the memo cost nothing."""

    requests: int
    memoised: int
    batches: int
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """A judged case."""

    case: Case
    verdict: Verdict
    effort: Effort
    digests: dict[str, str]
    seed: int


class Session:
    """Judges cases, sharing subjects, knowledge and memo among them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.placement: Placement = pick(settings.device)
        self._records = Writer(settings.folder, settings.run, settings.worker)
        self._residency = Residency()
        self._maker = Maker(settings, self.placement)
        self._counts: dict[Outcome, int] = {}

    def judge(self, case: Case) -> Result:
        """The verdict of one case; what goes wrong on the way is the verdict `error`. Writes the record."""
        started, clock = datetime.now(UTC), time.monotonic()
        subjects: Subjects = {}
        before = _Meter()
        try:
            context, subjects = self.prepare(case)
            before = _Meter(subjects)
            verdict = drive(judge(context), subjects, self._residency)
        except UnlearnError as error:
            verdict = Verdict(Outcome.ERROR, str(error))
        spent = _Meter(subjects)
        result = Result(
            case=case,
            verdict=verdict,
            effort=Effort(*(now - then for now, then in zip(spent, before, strict=True)), time.monotonic() - clock),
            digests={
                "scenario": case.scenario.digest,
                **{name: subject.digest for name, subject in subjects.items()},
            },
            seed=case.scenario.seeds.probe,
        )
        self._counts[verdict.outcome] = self._counts.get(verdict.outcome, 0) + 1
        self._records.write("check", **record(result, started))
        return result
