"""By distance: retained facts, near ones apart from far ones, so that damage shows as a gradient over the graph.

A fact at distance 1 shares an entity with a fact that must be gone, one at distance 2 an entity with a fact at distance
1, and so on; what cannot be reached is apart. Each distance is held to the margin on its own: the many facts far away
cannot make up for the few nearby.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.utility.kept import KeepConfig, kept, utility

APART = "apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceConfig(KeepConfig):
    """`most`: facts at this distance and beyond are counted together"""

    most: Annotated[int, Ge(2)] = 4


@utility("distance")
def distance(config: DistanceConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Direct questions about them, the nearest first; a question with several answers stands with the nearest."""
    away = distances(closure)
    groups: dict[int, list[Fact]] = defaultdict(list)
    for fact in held_out.facts:
        groups[min(away[fact], config.most) if fact in away else config.most + 1].append(fact)
    found: dict[str, Probe] = {}
    for far in sorted(groups):
        label = APART if far > config.most else f"distance {far}" + (" or more" if far == config.most else "")
        for probe in kept(config, knowledge, closure, groups[far]):
            found.setdefault(probe.prompt.text, replace(probe, way=replace(probe.way, position=label)))
    return list(found.values())


def distances(closure: Closure) -> dict[Fact, int]:
    """How far each retained fact is from what must be gone, 1 at least; without those that cannot be reached."""
    beside: dict[str, set[str]] = defaultdict(set)
    for fact in closure.retained:
        beside[fact.subject].add(fact.object)
        beside[fact.object].add(fact.subject)
    away: dict[str, int] = {}
    edge, far = sorted(closure.ends), 1
    while edge:
        away |= dict.fromkeys(edge, far)
        edge = sorted({other for name in edge for other in beside[name]} - away.keys())
        far += 1
    return {
        fact: min(away[name] for name in (fact.subject, fact.object))
        for fact in closure.retained
        if fact.subject in away
    }
