"""Claims of papers about checks: the whole suite is run on each arm, in worlds of their own.

What is kept of a check is its verdict and what its decisive grader counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from claims import Claim, moved

from pytest_unlearn.runner.judged import judged
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.verdict.verdict import Tally, Verdict


def run(
    claim: Claim, world: int, told: Callable[[str], None] = lambda line: None, only: Sequence[str] = ()
) -> dict[str, Any]:
    """What the checks say of each arm in one world, `{arm: {check: {"verdict": ..., "leaks": k, "of": n}}}`."""
    wanted = set(only) or claim.arms
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        root = Path(folder)
        scenario = load_scenario(moved(claim, world, root), root)
        session = Session(Settings(root=root, folder=root / ".unlearn", device="cpu"))
        for candidate in scenario.models.candidates:
            if candidate.label in wanted:
                some = [case for case in cases(scenario) if case.candidate is candidate]
                session.begin(some, 0)
                found[candidate.label] = {check.id: _said(verdict) for check, verdict in judged(some, session).verdicts}
                told(f"{claim.name}, world {world}: {candidate.label}: {_short(found[candidate.label])}")
        session.close()
    return found


def _said(verdict: Verdict) -> dict[str, Any]:
    """The verdict of a check, with the facts that leak or are lost, and those that were asked about."""
    tally = next((one for one in verdict.tallies if one.outcome is verdict.outcome), Tally(""))
    counts = {} if tally.estimate is not None and not tally.units else {"leaks": tally.unit_leaks, "of": tally.units}
    value = {} if tally.estimate is None else {"value": round(tally.estimate, 4)}
    return {"verdict": verdict.outcome.value, **counts, **value}


def _short(arm: dict[str, Any]) -> str:
    return ", ".join(f"{check} {told['verdict']}" for check, told in arm.items())
