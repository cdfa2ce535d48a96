"""Questions about single facts, in every wording a relation has: what the kinds about one fact share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.graph import Fact, Knowledge, Relation
from pytest_unlearn.knowledge.render import fill
from pytest_unlearn.names import find_names, mentions
from pytest_unlearn.probes.probe import Names, Probe, Way
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.template import join


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a fact, seen as a question: `named` stands in the question, `relation` leads to the answers."""

    named: str
    relation: Relation
    forward: bool

    @property
    def templates(self) -> tuple[str, ...]:
        """The wordings of this direction; the first forward one is `direct`."""
        return self.relation.ask if self.forward else self.relation.inverse

    @property
    def opening(self) -> str:
        """The relation's statement up to the object; empty where the object does not end it, or is named before.

        What follows the object may be punctuation. The space before it is left to the answer, as a tokenizer has it;
        a statement that an answer would not continue as it is written ("l'{object}") opens none.
        """
        before, _, after = self.relation.say.rpartition("{object}")
        words = before.removesuffix(" ")
        whole = "{object}" not in words and not any(map(str.isalnum, after)) and join(words, "a") == f"{before}a"
        return words if whole else ""

    @property
    def slot(self) -> str:
        """The placeholder that the name goes into."""
        return "subject" if self.forward else "object"

    def answers(self, knowledge: Knowledge) -> tuple[str, ...]:
        """Every true answer, by canonical name."""
        return (knowledge.out if self.forward else knowledge.into)[self.named, self.relation.name]

    def fact(self, knowledge: Knowledge, answer: str) -> Fact:
        """The stored fact that makes `answer` true; a symmetric one may be stored the other way round."""
        near = Fact(self.named, self.relation.name, answer)
        far = Fact(answer, self.relation.name, self.named)
        if self.relation.symmetric:
            return near if near in knowledge.stored else far
        return near if self.forward else far


def sides(knowledge: Knowledge, facts: Iterable[Fact], *, forward: bool) -> list[Side]:
    """The distinct questions about facts in one direction; symmetric facts are asked from both ends."""
    found: dict[Side, None] = {}
    for fact in facts:
        relation = knowledge.relations[fact.relation]
        found[Side(fact.subject if forward else fact.object, relation, forward)] = None
        if relation.symmetric:
            found[Side(fact.object if forward else fact.subject, relation, forward)] = None
    return list(found)


def fact_probes(
    knowledge: Knowledge,
    sides: Sequence[Side],
    hidden: frozenset[Fact],
    *,
    kind: str,
    wordings: slice = slice(None),
    alias: bool = False,
    opened: bool = False,
) -> Iterator[Probe | None]:
    """Probes about each side in the wordings asked for; None for a question that would contain its own answer.

    With `opened` the one wording is the opening of the relation's statement, put raw. Facts in `hidden` are secret:
    where a side has any, its other answers are true but reveal nothing. With `alias` the named entity goes by each of
    its aliases, otherwise by its name.
    """
    for side in sides:
        answers = side.answers(knowledge)
        facts = [side.fact(knowledge, answer) for answer in answers]
        secret = [answer for answer, fact in zip(answers, facts, strict=True) if fact in hidden]
        about = next((fact for fact in facts if fact in hidden), facts[0])
        entity = knowledge.entities[side.named]
        direction = "say" if opened else "ask" if side.forward else "inverse"
        templates = (*filter(None, [side.opening]),) if opened else side.templates
        for index, template in list(enumerate(templates))[wordings]:
            for place, name in enumerate(entity.aliases if alias else (entity.name,)):
                yield probe_of(
                    knowledge,
                    way=Way(kind, f"{side.relation.name}.{direction}.{index}", alias=alias),
                    text=fill(template, **{side.slot: name}),
                    hole=fill(template, **{side.slot: "{}"}),
                    named=(name, entity.type),
                    gold=answers,
                    secret=secret or list(answers),
                    unit=about.id,
                    chain=(about.id,),
                    size=(1, int(alias), int(not side.forward), index, place),
                    raw=opened,
                )


def probe_of(
    knowledge: Knowledge,
    *,
    way: Way,
    text: str,
    hole: str,
    named: tuple[str, str],
    gold: Sequence[str],
    secret: Sequence[str],
    unit: str,
    chain: tuple[str, ...],
    size: tuple[int, ...],
    bridges: Sequence[str] = (),
    raw: bool = False,
) -> Probe | None:
    """A probe, or None when the question would contain an answer or the name of a bridge."""
    entities = knowledge.entities
    if mentions(text, tuple(name for entity in (*gold, *bridges) for name in entities[entity].names)):
        return None
    kind = entities[gold[0]].type
    return Probe(
        prompt=Prompt.of(text, raw=raw),
        gold=tuple(entities[entity].names for entity in gold),
        secret=tuple(entities[entity].names for entity in secret),
        rivals=_wrong_answers(knowledge, kind, text, frozenset(gold)),
        unit=unit,
        chain=chain,
        way=way,
        named=named,
        hole=hole,
        answer=(kind, kind in knowledge.types and knowledge.types[kind].closed),
        size=size,
    )


def pinned_probe(knowledge: Knowledge, question: str, accepted: Sequence[str]) -> Probe:
    """A question in free words; each accepted answer gives the secret away, under every name that it has.

    Wrong answers are those of the type of the first accepted one that the knowledge knows. The first name in the
    question that it knows is the one that stand-ins take the place of.
    """
    right = {name: knowledge.by_name[name] for name in accepted if name in knowledge.by_name}
    kind = next((entity.type for entity in right.values()), "")
    secret = tuple(dict.fromkeys(right[name].names if name in right else (name,) for name in accepted))
    spoken = find_names(question, tuple(knowledge.by_name)) if "{}" not in question else []
    start, end, name = next(iter(spoken), (0, 0, ""))
    hole = f"{question[:start]}{{}}{question[end:]}" if name else question
    return Probe(
        prompt=Prompt.of(question),
        gold=secret,
        secret=secret,
        rivals=_wrong_answers(knowledge, kind, question, frozenset(e.name for e in right.values())) if kind else (),
        unit=question,
        chain=(),
        way=Way("example", digest(hole)[:8]),
        named=(question[start:end], knowledge.by_name[name].type) if name else ("", ""),
        hole=hole,
        answer=(kind, kind in knowledge.types and knowledge.types[kind].closed),
        size=(0,),
    )


def _wrong_answers(knowledge: Knowledge, kind: str, text: str, gold: frozenset[str]) -> tuple[Names, ...]:
    """The wrong answers of the answer's type that do not stand in the question."""
    spoken = {knowledge.by_name[name].name for _, _, name in find_names(text, knowledge.names_of(kind))}
    return tuple(e.names for e in knowledge.by_type[kind] if e.name not in gold and e.name not in spoken)
