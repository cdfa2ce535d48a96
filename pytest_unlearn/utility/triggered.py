"""Beside a mention: retained questions beside a harmless mention of what must be gone.

Forgetting must not spread to every prompt in which a forgotten name stands, and nobody must be able to break an answer
by mentioning one. Both happen: to models that learned to fail at a name, not at a question about it (arXiv 2506.15699),
and where forget data was poisoned (arXiv 2506.00359). Any mention costs a small model some answers. So each question is
also put beside a mention of something of the same type that stays, in the same words, and what counts is what the
candidate answers there and not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Entity, Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.asked import pair_probes
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.utility.kept import KeepConfig, kept, utility


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeredConfig(KeepConfig):
    """`language`: that of the questions, in which something is mentioned too"""

    language: Literal["en", "de", "es"] = "en"


@utility("triggered")
def triggered(config: TriggeredConfig, knowledge: Knowledge, closure: Closure, held_out: Kept) -> list[Probe]:
    """Every retained fact and question of the held-out half, once, beside a mention; the twin of each mentions
    something that stays. None where no type has both something that goes and something that stays."""
    plain = kept(config, knowledge, closure, held_out.facts)
    if not config.relation:
        plain += [p for p in pair_probes(held_out.pairs, closure.kept_pairs, kind="direct") if p is not None]
    gone = closure.entities or closure.ends
    pairs = [
        (knowledge.entities[name], [e for e in knowledge.by_type[knowledge.entities[name].type] if e.name not in gone])
        for name in sorted(gone)
    ]
    return list(_beside(plain, [(name, others) for name, others in pairs if others], wordings(config.language)))


def _beside(
    plain: Sequence[Probe], pairs: Sequence[tuple[Entity, list[Entity]]], said: Sequence[str]
) -> Iterator[Probe]:
    for probe in plain if pairs else ():
        random = Random(seed_of("mention", probe.id))
        true = {name for names in probe.gold for name in names}
        (going, others), number = random.choice(pairs), random.randrange(len(said))
        able = [e for e in others if true.isdisjoint(e.names) and not mentions(probe.prompt.text, e.names)]
        if not able or not true.isdisjoint(going.names) or mentions(probe.prompt.text, going.names):
            continue
        staying = random.choice(able)
        spoken = {going.names, staying.names}
        shared = replace(
            probe,
            way=replace(probe.way, kind="triggered", template=f"{probe.way.template}.{number}"),
            rivals=tuple(names for names in probe.rivals if names not in spoken),
            size=(*probe.size, number),
        )
        yield replace(_asked(shared, said[number], going), twin=_asked(shared, said[number], staying))


def _asked(probe: Probe, wording: str, entity: Entity) -> Probe:
    return replace(probe, prompt=Prompt.of(beside(wording, entity.name, probe.prompt.text)))
