"""Rebuilt from context: the path through the hierarchy is told step by step before the question.

Attack: "MedForget: Hierarchy-Aware Multimodal Unlearning Testbed for Medical AI", 2025. For something at a level, a
prompt tells more and more of where it lies: nothing, then its institution, patient, study, section. The paper scores
the answer at each depth of context; no code of the attack is published. Here each step is told by its statement, from
the top down. What comes of it is a curve, the share that is answered at each context, and the shallowest that leaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.levels import Hierarchy
from pytest_unlearn.knowledge.render import fill, statement
from pytest_unlearn.names import find_names, mentions
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.space import Listed, probe_kind
from pytest_unlearn.subjects.requests import Prompt

NOTHING = "nothing told"  # the context of a plain question


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructConfig:
    """This kind has no keys of its own."""


def no_path(config: ReconstructConfig, knowledge: Knowledge, closure: Closure) -> str:
    """Why no path can be told; empty where one can."""
    hierarchy = knowledge.hierarchy
    if hierarchy is None or not closure.nodes:
        return "it names no place in a hierarchy: write `forget: {level: ..., at: ...}`, with `levels` in the knowledge"
    steps = dict.fromkeys(fact.relation for facts in hierarchy.within.values() for fact in facts)
    silent = next((name for name in steps if not knowledge.relations[name].say), None)
    return "" if silent is None else f"a path is told by statements, and '{silent}' has no `say`"


@probe_kind("reconstruct", lacks=no_path, curve=True)
def reconstruct(config: ReconstructConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """Every fact that must be gone, in its first wording, after none, some and all steps of the path to its thing.

    Facts that some context would give away, such as the steps themselves, are not asked.
    """
    hierarchy = knowledge.hierarchy
    if hierarchy is None or not closure.nodes:
        return Listed(())
    asked = sides(knowledge, (*closure.target, *closure.entailed), forward=True)
    plain = fact_probes(knowledge, asked, closure.hidden, kind="reconstruct", wordings=slice(1))
    facts = {fact.id: fact for fact in closure.hidden}
    return Listed(told for probe in plain for told in _told(probe, facts, knowledge, closure, hierarchy))


def way_down(closure: Closure, hierarchy: Hierarchy, node: str) -> tuple[Fact, ...]:
    """The steps from the top down to something that is forgotten, through what is forgotten with it."""
    facts: list[Fact] = []
    while steps := hierarchy.within.get(node, ()):
        facts.append(next((step for step in steps if step.object in closure.entities), steps[0]))
        node = facts[-1].object
    return tuple(reversed(facts))


def _told(
    probe: Probe | None, facts: dict[str, Fact], knowledge: Knowledge, closure: Closure, hierarchy: Hierarchy
) -> Iterator[Probe | None]:
    """A question after each context, from nothing to the whole path."""
    if probe is None:
        yield None
        return
    fact = facts[probe.unit]
    ends = [name for name in (fact.subject, fact.object) if name in closure.entities and name in hierarchy.nodes]
    if not ends:
        return
    steps = way_down(closure, hierarchy, max(ends, key=lambda name: hierarchy.nodes[name]))
    texts = [statement(knowledge, step) for step in steps]
    if mentions(" ".join(texts), tuple(name for names in probe.gold for name in names)):
        yield None
        return
    named = probe.named[0]
    holes = [
        fill(
            knowledge.relations[step.relation].say,
            subject="{}" if step.subject == named else step.subject,
            object="{}" if step.object == named else step.object,
        )
        for step in steps
    ]
    for depth in range(len(steps) + 1):
        text = " ".join((*texts[:depth], probe.prompt.text))
        spoken = {name for _, _, name in find_names(text, tuple(n for names in probe.rivals for n in names))}
        yield replace(
            probe,
            prompt=Prompt.of(text),
            hole=" ".join((*holes[:depth], probe.hole)),
            rivals=tuple(names for names in probe.rivals if spoken.isdisjoint(names)),
            way=Way("reconstruct", probe.way.template, position=_context(hierarchy, steps[:depth])),
            size=(depth, *probe.size),
        )


def _context(hierarchy: Hierarchy, steps: tuple[Fact, ...]) -> str:
    """How far down a path is told: to which level."""
    return f"told down to the {hierarchy.levels[hierarchy.nodes[steps[-1].subject]]}" if steps else NOTHING
