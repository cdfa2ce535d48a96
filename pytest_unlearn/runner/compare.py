"""Unlearning methods side by side: a candidate by each on one original, put to the same checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unlearn.errors import MethodError, UnlearnError, did_you_mean
from pytest_unlearn.registry import METHODS, Entry
from pytest_unlearn.runner.judged import Judged, Share, judged
from pytest_unlearn.runner.scene import Scene
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.took import Took, of
from pytest_unlearn.scenario.border import keys_of
from pytest_unlearn.scenario.model import Candidate, Case, Check, MethodUse, Scenario, Target
from pytest_unlearn.training.library import config_of
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict

Option = tuple[str, str, Any]  # method or "" for all that have it, key, value


@dataclass(frozen=True, slots=True)
class Made:
    """A candidate by a method, and what making it took."""

    target: Target
    use: MethodUse
    candidate: Candidate
    took: Took


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate and what the checks say about it."""

    made: Made
    judged: Judged

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that failed."""
        return tuple(check.id for check, verdict in self.judged.verdicts if verdict.outcome is Outcome.FAIL)

    def leaking(self, check: str) -> Share | None:
        """Of the facts that the original knows, those that leak by the grader that finds most; None if none were asked.

        Facts count, not questions: one that leaks in any of its questions leaks.
        """
        asked = [tally for tally in self._tallies(check) if tally.original is not None and tally.units]
        worst = max(asked, key=lambda tally: tally.unit_leaks / tally.units, default=None)
        return None if worst is None else Share(worst.unit_leaks, worst.units)

    def lost(self, check: str) -> Share | None:
        """Of what the original answers, what is lost by the grader that finds most; None if nothing was asked."""
        asked = [tally for tally in self._tallies(check) if tally.original is not None and tally.known]
        worst = max(asked, key=lambda tally: tally.leaks / tally.known, default=None)
        return None if worst is None else Share(worst.leaks, worst.known)

    def number(self, check: str) -> Tally | None:
        """What a measure came to; None where it came to nothing."""
        return next((tally for tally in self._tallies(check) if tally.estimate is not None), None)

    def verdict(self, check: str) -> Verdict:
        """What a check says."""
        return next(verdict for one, verdict in self.judged.verdicts if one.id == check)

    def _tallies(self, check: str) -> Sequence[Tally]:
        return self.verdict(check).tallies


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and each method that was not, with its forget request and why."""

    checks: tuple[Check, ...]
    rows: tuple[Row, ...]
    left: tuple[tuple[str, str, str], ...]  # forget request, method, why


@dataclass(frozen=True, slots=True)
class Tried:
    """The methods that are to be compared, each as it is used, and those that cannot be used, with why."""

    uses: tuple[MethodUse, ...]
    unusable: tuple[tuple[str, str], ...]


def tried(scenario: Scenario, methods: Iterable[str] | None, options: Sequence[Option] = ()) -> Tried:
    """Methods with their defaults and some options; all methods without `methods`.

    Raises UnknownNameError for a method that is not there, and MethodError for an option that no method has or that is
    out of its range. A method with a key that must be given and is not is unusable.
    """
    entries = [METHODS.get(name) for name in dict.fromkeys(METHODS.names() if methods is None else methods)]
    names = [entry.name for entry in entries]
    for name, key, _ in options:
        if name and name not in names:
            raise MethodError(f"--option {name}:{key}: '{name}' is not compared{did_you_mean(name, names)}")
        if not name and not any(key in keys_of(entry.config) for entry in entries):
            known = {one for entry in entries for one in keys_of(entry.config)}
            raise MethodError(f"--option {key}: no method that is compared has that key{did_you_mean(key, known)}")
    uses, unusable = [], []
    for entry in entries:
        given = _given(entry, options)
        try:
            config = config_of(entry, given, f"--option {entry.name}")
        except MethodError as error:
            if given:
                raise
            unusable.append((entry.name, str(error).partition("\n")[0]))
        else:
            uses.append(MethodUse(entry.name, config, scenario.models.at))
    return Tried(tuple(uses), tuple(unusable))


def compare(
    scenario: Scenario,
    methods: Tried,
    seeds: int,
    session: Session,
    made: Callable[[Made], None] = lambda made: None,
    told: Callable[[Row], None] = lambda row: None,
) -> Comparison:
    """Make a candidate by every method and seed for every forget request, then put all of them to every check.

    `made` and `told` hear of each as it is done. What cannot be made is left out, with the reason.
    """
    candidates: list[Made] = []
    left = [(target.label, name, why) for target in scenario.targets for name, why in methods.unusable]
    for target in scenario.targets:
        scene = session.scene(Case(scenario, target, scenario.checks[0]))
        for use in methods.uses:
            try:
                for seed in range(seeds):
                    candidates.append(_make(use, seed, scene, session))
                    made(candidates[-1])
            except UnlearnError as error:
                left.append((target.label, use.name, str(error).removeprefix(f"{use.at}: ").partition("\n")[0]))
    cases = [[Case(scenario, one.target, check, one.candidate) for check in scenario.checks] for one in candidates]
    session.begin([case for some in cases for case in some], 0)
    rows: list[Row] = []
    for one, some in zip(candidates, cases, strict=True):
        rows.append(Row(one, judged(some, session)))
        told(rows[-1])
    return Comparison(scenario.checks, tuple(rows), tuple(left))


def _given(entry: Entry[Any], options: Iterable[Option]) -> Mapping[str, Any]:
    """The options of a method: those for all that have the key, then its own."""
    known = keys_of(entry.config)
    shared = {key: value for name, key, value in options if not name and key in known}
    return {**shared, **{key: value for name, key, value in options if name == entry.name}}


def _make(use: MethodUse, seed: int, scene: Scene, session: Session) -> Made:
    candidate = Candidate(f"{use.name}#{seed}", use, seed)
    subject: Any = session.subjects(scene, candidate)["candidate"]
    took = of(subject) if use.name != "none" else Took(0.0, 0)
    return Made(scene.target, use, candidate, took)
