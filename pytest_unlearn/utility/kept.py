"""Questions whose answers must survive: retained facts, asked directly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from annotated_types import Ge

from pytest_unlearn.knowledge.closure import Closure, gold
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.scenario.model import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfig:
    """Options of every utility check.

    `relation`: only facts of these relations, e.g. `[capital]`
    `at_most`: questions; beyond it a seeded sample is asked
    """

    relation: tuple[str, ...] = ()
    at_most: Annotated[int, Ge(1)] = 200


def kept(config: KeepConfig, knowledge: Knowledge, closure: Closure, facts: Iterable[Fact]) -> list[Probe]:
    """Direct questions about facts; true answers lose the forgotten ones, and no forgotten entity is named."""
    chosen = [fact for fact in facts if not config.relation or fact.relation in config.relation]
    stay = frozenset(closure.retained)
    found = []
    for side in sides(knowledge, chosen, forward=True):
        answers = tuple(knowledge.entities[name].names for name in gold(closure, side.named, side.relation.name))
        if side.named in closure.entities or not answers:
            continue
        asked = fact_probes(knowledge, [side], stay, kind="direct", wordings=slice(1))
        found += [replace(probe, gold=answers, secret=answers) for probe in asked if probe is not None]
    return found


def utility(name: str, *, level: Part | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a utility check: `(config, knowledge, closure, held_out) -> probes`.

    `level`: the part of a hierarchy that it is about; then the request must name a place in one.
    """
    return UTILITY.register(name, level=level)
