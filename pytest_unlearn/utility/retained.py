"""All: every retained fact and question of the held-out half."""

from __future__ import annotations

from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.asked import pair_probes
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@utility("retained")
def retained(config: KeepConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Direct questions about the facts, and the questions themselves unless only some relations are asked for."""
    pairs = () if config.relation else held_out.pairs
    asked = (probe for probe in pair_probes(pairs, closure.kept_pairs, kind="direct") if probe is not None)
    return [*kept(config, knowledge, closure, held_out.facts), *asked]
