"""Ancestors: retained facts of what a forgotten thing lies within, all the way up its hierarchy."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("ancestor", level="ancestor")
def ancestor(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Direct questions about them."""
    held = frozenset(held_out.facts)
    return kept(config, knowledge, closure, (fact for fact in closure.part("ancestor") if fact in held))
