"""All: every retained fact of the held-out half."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("retained")
def retained(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: tuple[Fact, ...]) -> list[Probe]:
    """Direct questions about them."""
    return kept(config, knowledge, closure, held_out)
