"""Far: retained facts that share no entity with any fact that must be gone."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure, Kept, far_facts
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("far")
def far(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Direct questions about them."""
    held = frozenset(held_out.facts)
    return kept(config, knowledge, closure, (fact for fact in far_facts(closure) if fact in held))
