"""Siblings: retained facts of what lies beside a forgotten thing in its hierarchy, and below that."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("sibling", level="sibling")
def sibling(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Direct questions about them."""
    held = frozenset(held_out.facts)
    return kept(config, knowledge, closure, (fact for fact in closure.part("sibling") if fact in held))
