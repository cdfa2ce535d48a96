"""How well a scenario's checks tell planted leaks from models that never learned the target.

Three kinds of models are put to the checks as candidates: the original, which must fail; models that never learned the
target, which must pass; and the zoo, of which each entry must be caught by a check that is meant for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.registry import METHODS, ZOO, Entry
from pytest_unlearn.runner.judged import Share, judged
from pytest_unlearn.runner.make import RETRAINED, recipe_of
from pytest_unlearn.runner.session import Session
from pytest_unlearn.scenario.model import PLANTED, Candidate, Case, Check, MethodUse, ModelName, Scenario, Target
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict
from pytest_unlearn.zoo.leak import unfit

Role = Literal["original", "honest", "leak", "open"]


class CalibrationError(UnlearnError):
    """A scenario that cannot be calibrated: it could not tell a leak from an honest model whatever they say."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model that is put to the checks, and what must come of it. Without `entry` it is not from the zoo."""

    candidate: Candidate
    role: Role
    entry: Entry[Any] | None = None

    @property
    def family(self) -> str:
        """What models that differ in their seed alone have in common."""
        return self.candidate.label.split("#")[0]


@dataclass(frozen=True, slots=True)
class Row:
    """A model, the verdict of each check about it, in their order, and how many times a model was called."""

    scenario: str
    target: str
    model: Model
    verdicts: tuple[tuple[Check, Verdict], ...]
    calls: int
    seconds: float

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that failed."""
        return tuple(check.id for check, verdict in self.verdicts if verdict.outcome is Outcome.FAIL)

    @property
    def caught(self) -> tuple[str, ...]:
        """The checks that failed and are meant for what is planted; of the original every check about the target."""
        return tuple(check.id for check, verdict in self.verdicts if self._catching(check, verdict))

    @property
    def facts(self) -> tuple[int, int]:
        """How many planted facts the best of the catching checks found leaking, and how many it asked about."""
        found = [
            (tally.unit_leaks, tally.units)
            for check, verdict in self.verdicts
            for tally in self._catching(check, verdict)
            if tally.units
        ]
        return max(found, key=lambda pair: pair[0] / pair[1], default=(0, 0))

    def problems(self) -> Iterator[str]:
        """What is not as it must be."""
        name, role = self.model.candidate.label, self.model.role
        facts = self.model.entry.facts if self.model.entry else {}
        for check, verdict in self.verdicts:
            if verdict.outcome in (Outcome.ERROR, Outcome.VACUOUS) and not (role == "leak" and self.caught):
                yield f"{name}: {check.id} says nothing: {verdict.outcome}, {verdict.reason}"
            elif role == "original" and check.claim == "forget" and verdict.outcome is not Outcome.FAIL:
                yield f"{name}: {check.id} does not see that nothing was forgotten: {verdict.reason}"
            elif role == "original" and check.claim != "forget" and verdict.outcome is not Outcome.PASS:
                yield f"{name}: {check.id} does not pass although nothing changed: {verdict.reason}"
            elif role == "honest" and verdict.outcome is not Outcome.PASS:
                does = "flags" if verdict.outcome is Outcome.FAIL else "cannot pass"
                yield f"{name}: {check.id} {does} a model that never learned the target: {verdict.reason}"
            elif role == "open" and verdict.outcome is Outcome.FAIL:
                yield f"{name}: open until `{facts['until']}`, but {check.id} catches it: {verdict.reason}"
            elif _unforeseen(check, verdict, facts.get("missed_by", frozenset())):
                yield f"{name}: {check.id} is declared to miss it and catches it: {verdict.reason}"
        if role == "leak" and not self.caught:
            told = [check for check, _ in self.verdicts]
            meant = [c.id for c in told if (_meant(c, facts["caught_by"]) if facts else c.claim == "forget")]
            wanted = ", ".join(sorted(facts.get("caught_by", ())))
            if not meant:
                yield f"{name}: no check of this scenario is meant for it; it takes one of {wanted}"
            else:
                yield f"{name}: not caught by {', '.join(meant)}"

    @property
    def undecided(self) -> bool:
        """Whether nothing failed, and something did not pass."""
        return not self.failed and any(verdict.outcome is not Outcome.PASS for _, verdict in self.verdicts)

    def _catching(self, check: Check, verdict: Verdict) -> list[Tally]:
        if verdict.outcome is not Outcome.FAIL or self.model.role not in ("original", "leak"):
            return []
        failed = [tally for tally in verdict.tallies if tally.outcome is Outcome.FAIL]
        if self.model.entry is None:
            return failed if check.claim == "forget" else []
        wanted = self.model.entry.facts["caught_by"]
        return [t for t in failed if any({aim, f"{aim}/{t.grader}"} & wanted for aim in (*aims(check), *wide(check)))]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Every model that was tried."""

    rows: tuple[Row, ...]

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks of all scenarios, by id."""
        return tuple(dict.fromkeys(check.id for row in self.rows for check, _ in row.verdicts))

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it must be, with where."""
        return tuple(f"{row.scenario}/{row.target}: {text}" for row in self.rows for text in row.problems())

    def of(self, check: str, roles: Sequence[Role]) -> Share:
        """Of the models of some roles that a check is asked about, how many fail it."""
        told = [row for row in self.rows if row.model.role in roles]
        failed = [row for row in told if check in row.failed]
        return Share(len(failed), len(told))

    def meant(self, check: str) -> tuple[Share, Share]:
        """Of the planted leaks that a check is meant for: the models it catches, and of the facts it asks the found."""
        caught = models = found = asked = 0
        told = [(one, *each) for one in self.rows for each in one.verdicts if each[0].id == check]
        for row, known, verdict in told:
            entry = row.model.entry
            if row.model.role != "leak" or entry is None or not _meant(known, entry.facts["caught_by"]):
                continue
            models += 1
            caught += check in row.caught
            failed = [tally for tally in verdict.tallies if tally.outcome is Outcome.FAIL]
            best = max(failed or verdict.tallies, key=lambda tally: tally.unit_leaks, default=Tally(""))
            found, asked = found + best.unit_leaks, asked + best.units
        return Share(caught, models), Share(found, asked)


def aims(check: Check) -> frozenset[str]:
    """What a check looks for, as zoo entries name it: `alias`, `multi_hop.bridge`, `keep.far`, `measure.m`.

    In samples it is `decode.alias`. One that asks at a level says so: `direct.below`. One whose questions are put by
    transforms looks for what each of them brings out, `transform.base64`.
    """
    if check.verb == "ask" and check.transforms is None and check.level is not None:
        return frozenset(f"{aim}.{check.level}" for aim in wide(check))
    return wide(check)


def wide(check: Check) -> frozenset[str]:
    """The same at whatever level: an entry that names no level means all of them."""
    if check.transforms is not None:
        return frozenset(f"transform.{use.name}" for use in check.transforms.uses)
    if check.verb != "ask":
        return frozenset((f"{check.verb}.{check.kind}",))
    kind = check.kind if check.decode is None else f"decode.{check.kind}"
    positions = getattr(check.config, "position", ())
    return frozenset(f"{kind}.{position}" for position in positions) or frozenset((kind,))


def models(
    scenario: Scenario,
    zoo: Iterable[str] | None = None,
    references: int = 10,
    seeds: int = 1,
    leaky: Iterable[str] = (),
    honest: Iterable[str] = (),
) -> list[Model]:
    """What is put to the checks of a scenario; raises UnknownNameError for a zoo entry that does not exist and
    CalibrationError for one that cannot grow on the scenario's original.

    zoo         names of entries; without it all that can grow on the original
    references  how many models a recipe trains without the target, besides the scenario's own reference
    seeds       how many models of each zoo entry
    leaky, honest  paths of models of the user's own
    """
    at = scenario.models.at
    entries = [ZOO.get(name) for name in (ZOO.names() if zoo is None else zoo)]
    recipe = recipe_of(scenario)
    levelled = all(any(one.node for one in target.selectors) for target in scenario.targets)
    found = [Model(Candidate("original", _made("none", scenario)), "original")]
    reference = scenario.models.reference
    if reference is not None and reference.text != RETRAINED:
        found.append(Model(Candidate("reference", reference), "honest"))
    if recipe is not None:
        for seed in range(references):
            found.append(Model(Candidate(f"reference#{seed}", _made("retrain", scenario), seed), "honest"))
    own: tuple[tuple[Role, Iterable[str]], ...] = (("honest", honest), ("leak", leaky))
    found += [Model(Candidate(path, ModelName(path, at)), role) for role, paths in own for path in paths]
    for entry in entries:
        if (why := unfit(entry, recipe, levelled)) is not None:
            if zoo is None:
                continue
            raise CalibrationError(f"{scenario.path}: {why}")
        role: Role = "leak" if entry.facts["caught_by"] else "open" if entry.facts["until"] else "honest"
        for seed in range(seeds):
            label = entry.name if seeds == 1 else f"{entry.name}#{seed}"
            found.append(Model(Candidate(label, ModelName(f"{PLANTED}{entry.name}", at), seed), role, entry))
    return found


def calibrate(
    scenarios: Sequence[Scenario],
    tried: Sequence[Sequence[Model]],
    session: Session,
    told: Callable[[Row], None] = lambda row: None,
) -> Calibration:
    """Put every model to every check; `told` hears of each as it is done.

    Raises CalibrationError before anything of the zoo is trained where the original does not know what is asked, where
    the reference knows it too, or where there is nothing to ask.
    """
    pairs = [(s, target, some) for s, some in zip(scenarios, tried, strict=True) for target in s.targets]
    for scenario, target, _ in pairs:
        _askable(scenario, target, session)
    cases = {
        (i, model.candidate.label): [Case(scenario, target, check, model.candidate) for check in scenario.checks]
        for i, (scenario, target, some) in enumerate(pairs)
        for model in some
    }
    session.begin([case for some in cases.values() for case in some], 0)
    rows: list[Row] = []
    for i, (scenario, target, some) in enumerate(pairs):
        for model in some:
            row = _row(model, cases[i, model.candidate.label], scenario, target, session)
            if model.role == "original":
                _able(row)
            rows.append(row)
            told(row)
    return Calibration(tuple(rows))


def _row(model: Model, cases: Sequence[Case], scenario: Scenario, target: Target, session: Session) -> Row:
    found = judged(cases, session)
    return Row(scenario.name, target.label, model, found.verdicts, found.calls, found.seconds)


def _askable(scenario: Scenario, target: Target, session: Session) -> None:
    """Raises CalibrationError where a check has nothing to ask."""
    if not any(check.claim == "forget" for check in scenario.checks):
        raise CalibrationError(f"{scenario.path}: no check of this scenario asks about the target")
    scene = session.scene(Case(scenario, target, scenario.checks[0]))
    for check in scenario.checks:
        if check.verb == "ask" and asked_by(check, scene.knowledge, scene.closure).count() == 0:
            raise CalibrationError(
                f"{check.at}: there is nothing to ask by `{check.kind}` about '{target.label}': the knowledge is "
                "too small for it, or has no words for it"
            )


def _able(row: Row) -> None:
    """Raises CalibrationError where the original knows too little, or the reference too much."""
    for check, verdict in row.verdicts:
        if verdict.outcome in (Outcome.VACUOUS, Outcome.ERROR):
            raise CalibrationError(f"{check.at}: {check.id} cannot be calibrated: {verdict.outcome}, {verdict.reason}")


def _made(name: str, scenario: Scenario) -> MethodUse:
    return MethodUse(name, METHODS.get(name).config(), scenario.models.at)


def _meant(check: Check, wanted: frozenset[str]) -> bool:
    """Whether a check looks for what is planted, by some grader."""
    return not (aims(check) | wide(check)).isdisjoint(name.split("/")[0] for name in wanted)


def _unforeseen(check: Check, verdict: Verdict, missed: frozenset[str]) -> bool:
    """Whether a check, or one grader of it, fails that is declared to miss what is planted."""
    if verdict.outcome is not Outcome.FAIL:
        return False
    if aims(check) <= missed or wide(check) <= missed:
        return True
    failed = [tally.grader for tally in verdict.tallies if tally.outcome is Outcome.FAIL]
    every = (aims(check), wide(check))
    return any({f"{aim}/{grader}" for aim in some} <= missed for grader in failed for some in every)
