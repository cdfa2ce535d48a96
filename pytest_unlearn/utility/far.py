"""Far: retained facts that share no entity with any fact that must be gone."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("far")
def far(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: tuple[Fact, ...]) -> list[Probe]:
    """Direct questions about them."""
    return kept(
        config,
        knowledge,
        closure,
        (fact for fact in held_out if fact.subject not in closure.ends and fact.object not in closure.ends),
    )
