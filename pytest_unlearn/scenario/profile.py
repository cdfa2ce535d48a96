"""Profiles: how hard one run looks, without another word in the file of a scenario.

A profile changes which questions are drawn and how many a search draws at least, never a limit, a claim or the policy
of a gate: a check means the same in each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pytest_unlearn.scenario.model import Check, Scenario, Search

DEFAULT = "pr"


@dataclass(frozen=True, slots=True)
class Profile:
    """`probes`: what every search draws at least. `dated`: without a seed of its own a run takes that of the day."""

    means: str
    probes: int = 0
    dated: bool = False


PROFILES = {
    DEFAULT: Profile("what the file says, the same questions in every run"),
    "nightly": Profile("searches of at least 4,096 questions, others every day", probes=4_096, dated=True),
    "audit": Profile("every question that a search can ask, as long as there are at most 100,000", probes=100_000),
}


def seed_of_profile(name: str, today: date | None = None) -> int:
    """The seed of a run that was given none: 0, or the day in UTC, 20260301, so that it can be given again."""
    if not PROFILES[name].dated:
        return 0
    return int(f"{today or datetime.now(UTC).date():%Y%m%d}")


def profiled(scenario: Scenario, name: str, seed: int) -> Scenario:
    """The scenario as a profile asks it; `seed` is added to the scenario's own for questions, `seeds: {probe: ...}`."""
    least = PROFILES[name].probes
    return replace(
        scenario,
        profile=name,
        seeds=replace(scenario.seeds, probe=scenario.seeds.probe + seed),
        checks=tuple(_widened(check, least) for check in scenario.checks),
    )


def _widened(check: Check, least: int) -> Check:
    """A search that draws at least so many questions; any other check as it is."""
    if not isinstance(check.decide, Search):
        return check
    return replace(check, decide=Search(max(check.decide.probes, least)))
