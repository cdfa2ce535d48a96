"""The keys of a scenario file: which there are, of what type, in which range, and which of them have to wait."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Lt, MinLen
from pydantic import AfterValidator

from pytest_unlearn.scenario.model import Decode, Example, Gate, Seeds

Verb = Literal["ask", "keep", "measure"]

LATER: dict[str, frozenset[str]] = {
    "model name": frozenset({"endpoint"}),
    "selector": frozenset({"class", "interactions"}),
    "check": frozenset({"after", "budget"}),
    "search": frozenset({"strategy", "budget"}),
}
"""Keys of grammar version 1 that this release cannot run yet, by the mapping they stand in."""

DECIDES: dict[Verb, tuple[str, ...]] = {
    "ask": ("search", "limit"),
    "keep": ("margin",),
    "measure": ("limit", "at_least", "between"),
}
"""The keys by which a check of each verb can decide; a check has exactly one."""

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


_SLUG = re.compile(r"[A-Za-z0-9_.-]+")


def is_slug(text: str) -> bool:
    """Whether a label or the id of a check can be part of a node id, a file name and a mark."""
    return _SLUG.fullmatch(text) is not None and text.strip(".") != ""


def not_a_slug(text: str) -> str:
    """The message for one that cannot."""
    return f"'{text}' cannot be an id: use letters, digits, `_`, `.` and `-`"


def _line(text: str) -> str:
    if not text or not text.isprintable() or "/" in text:
        raise ValueError("a name is one line without `/`")
    return text


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise ValueError(f"'{text}' is not a tag: start with a letter, then letters, digits, `_`, `.` and `-`")
    return text


Name = Annotated[str, AfterValidator(_line)]
Tags = tuple[Annotated[str, AfterValidator(_tag)], ...]
Share = Annotated[float, Ge(0), Lt(1)]
Floor = Annotated[int, Ge(1)]
NotEmpty = Annotated[str, MinLen(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKeys:
    """The keys of a scenario. Those of type Any are read further on their own.

    `version`: the version of the grammar, e.g. `1`
    `name`: what the scenario is called in ids and records; the name of the file unless given, e.g. `europe`
    `tags`: words that become marks of every check, to select by with `-m`, e.g. `[nightly]`
    `seeds`: three independent seeds, e.g. `{method: 1}`
    `model`: the models: a name, which is that of the original, or a mapping, e.g. `smollm2-135m-instruct`
    `knowledge`: what there is to know; needed where facts are forgotten, e.g. `{source: countries}`
    `forget`: what must be gone: a selector, or a mapping of labels to selectors, each a request and a candidate of its
    own, e.g. `{france: France, euro: {relation: currency, where: {currency: euro}}}`
    `retain`: more that must stay, beside every fact that is not forgotten, e.g. `{questions: data/keep.jsonl}`
    `checks`: a mapping of ids to checks; each is one pytest item a request, e.g. `{direct: {ask: direct, limit: 5%}}`
    `defaults`: the confidence of the file, and keys that its checks take unless they say otherwise, e.g.
    `{confidence: 95%, min_known: 3}`
    `gate`: the policy of a release gate, e.g. `{on_inconclusive: warn}`
    """

    version: Any
    name: Name = ""
    tags: Tags = ()
    seeds: Seeds = field(default_factory=Seeds)
    model: Any
    knowledge: Any = None
    forget: Any
    retain: Any = None
    checks: Any
    defaults: Any = None
    gate: Gate = field(default_factory=Gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKeys:
    """The keys of `model`.

    A model is a bundled name, a folder, a hub id `org/name@revision`, or `fixture:RECIPE`, trained from scratch; a
    candidate may also be `zoo:NAME`, a model with a planted leak.

    `original`: the model before unlearning, e.g. `smollm2-135m-instruct`
    `candidate`: the model that claims to have forgotten: a model, or `{method: NAME}` with the keys of the method,
    which makes it; where it is absent, `--unlearn-candidate` gives it, e.g. `{method: npo, steps: 20}`
    `candidates`: several in place of one, by label, each judged on its own, e.g. `{short: {method: npo, steps: 10}}`
    `reference`: a model that never learned the target; `retrained` trains one by the recipe of the original, e.g.
    `retrained`
    `system`: the system prompt, as text or `{file: PATH}`, e.g. `Answer with one short phrase.`
    `remote`: whether questions, which hold what must be forgotten, may leave this machine, e.g. `allowed`
    `trust_remote_code`: run Python code that comes with a model; the command line must allow it as well
    """

    original: Any
    candidate: Any = None
    candidates: Any = None
    reference: Any = None
    system: Any = None
    remote: Literal["allowed"] | None = None
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterKeys:
    """`{base: NAME, adapter: FOLDER}` in the place of a model's name.

    `base`: the model that a PEFT adapter was trained on, e.g. `smollm2-135m-instruct`
    `adapter`: its folder, relative to the scenario, e.g. `./forgot-lora`
    """

    base: NotEmpty
    adapter: NotEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodKeys:
    """The keys of a candidate that is made, beside those of its method.

    `method`: the method that makes it, e.g. `npo`
    `seeds`: so many candidates, which differ in their seed; the worst decides, e.g. `3`
    """

    method: NotEmpty
    seeds: Annotated[int, Ge(1), Le(100)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFile:
    """`system: {file: PATH}`.

    `file`: a text file, relative to the scenario, e.g. `prompts/support.txt`
    """

    file: NotEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeKeys:
    """The keys of `knowledge`; at least one of `source`, `include`, `entities` and `facts`.

    `entities`: the things there are, by name: a type or a mapping, e.g. `{Lyon: city}`
    `relations`: a mapping defines relations and their wordings, a list restricts those that are used, e.g.
    `[capital, currency]`
    `facts`: a list of `[subject, relation, object]`, `{relation: {subject: object}}`, or `{file: PATH}`, a CSV table
    with the columns subject, relation and object, e.g. `[[Ann, lives_in, Lyon]]`
    `types`: what is said about types of entities, e.g. `{city: {closed: true}}`
    `levels`: types of entities that lie within each other, from the top down, e.g. `[clinic, patient, study]`
    `include`: knowledge files, relative to the scenario, e.g. `world.knowledge.yaml`
    `source`: knowledge that comes with the package or a plug-in, e.g. `countries`
    """

    entities: Any = None
    relations: Any = None
    facts: Any = None
    types: Any = None
    levels: Any = None
    include: Annotated[tuple[NotEmpty, ...], MinLen(1)] = ()
    source: NotEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKeys:
    """An entity: its type alone, or these keys.

    `type`: what kind of thing it is; wrong answers are drawn from the same type, e.g. `city`
    `aliases`: other names of it; no two entities share one, e.g. `[customer 4711]`
    `private`: whether it is a person or a secret, whose names must not appear in public outputs
    """

    type: NotEmpty
    aliases: tuple[NotEmpty, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationKeys:
    """A relation between two types of things, and how it is asked and said.

    `ask`: questions about the object, with `{subject}`; the first is trained on and `direct`, the others are
    `paraphrase`, e.g. `["Where does {subject} live?", "In which city is {subject}'s home?"]`
    `inverse`: questions about the subject, with `{object}`, e.g. `["Who lives in {object}?"]`
    `say`: a statement with `{subject}` and `{object}`, e.g. `"{subject} lives in {object}."`
    `answer`: how an answer is worded, with `{object}` and perhaps `{subject}`; methods train on it, e.g. `"{object}"`
    `noun`: a noun phrase for the object, with `{subject}`, from which chains are built, e.g.
    `the home town of {subject}`
    `inverse_noun`: a noun phrase for the subject, with `{object}`, e.g. `the country whose capital is {object}`
    `many`: whether one subject may have several objects
    `symmetric`: whether a fact holds both ways
    `inverse_of`: the relation that says the same the other way round, e.g. `capital_of`
    `via`: relations whose composition this one is: facts that follow from forgotten ones go with them, e.g.
    `[lives_in, located_in]`
    `within`: whether the subject lies within the object, one or more `levels` further up
    """

    ask: tuple[NotEmpty, ...] = ()
    inverse: tuple[NotEmpty, ...] = ()
    say: str = ""
    answer: str = "{object}"
    noun: str = ""
    inverse_noun: str = ""
    many: bool = False
    symmetric: bool = False
    inverse_of: NotEmpty | None = None
    via: tuple[NotEmpty, ...] = ()
    within: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeKeys:
    """What is said about a type.

    `closed`: whether the knowledge lists every possible answer of this type, so that guessing can hit
    """

    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialKeys:
    """Files that say what to forget or to keep, relative to the scenario.

    `questions`: files of questions with their answers, `.jsonl` or `.csv`, e.g. `data/forget.jsonl`
    `documents`: text files, by name or by pattern, e.g. `data/4711/*.txt`
    """

    questions: Annotated[tuple[NotEmpty, ...], MinLen(1)] = ()
    documents: Annotated[tuple[NotEmpty, ...], MinLen(1)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorKeys(MaterialKeys):
    """The keys of a selector.

    `entity`: a thing, with every fact that touches it, e.g. `France`
    `relation`: every fact of a relation, e.g. `capital`
    `where`: only facts whose subject has these in other relations, e.g. `{continent: Europe}`
    `fact`: one fact, e.g. `[France, capital, Paris]`
    `level`: the level of a thing that goes with everything below it, e.g. `patient`
    `at`: the name of that thing, e.g. `Jane Roe`
    """

    entity: NotEmpty = ""
    relation: NotEmpty = ""
    where: Annotated[dict[str, str], MinLen(1)] | None = None
    fact: tuple[NotEmpty, NotEmpty, NotEmpty] | None = None
    level: NotEmpty = ""
    at: NotEmpty = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKeys:
    """The keys of every check.

    `min_known`: how many facts the original must know for the check to mean anything; below it the verdict is `vacuous`
    `grade`: the graders: a name, `{name: {key: value}}`, or a list of these; text and rank unless given, and the worse
    decides, e.g. `[text, {rank: {rivals: 50}}]`
    `tags`: words that become marks of the check, e.g. `[slow]`
    `xfail`: why the check is expected to fail, for now, e.g. `leaks until release 2.1`
    """

    min_known: Floor = 5
    grade: Any = None
    tags: Tags = ()
    xfail: NotEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeys(CheckKeys):
    """The keys of a check that asks: what must be gone is not answered.

    `ask`: the kind of question, e.g. `direct`
    `search`: no way of asking may leak more than guessing explains; this many probes are tried at most, e.g. `200`
    `limit`: at most this share of the known facts may leak, beyond chance, e.g. `5%`
    `level`: only what is known of the thing that is forgotten itself, or only of what lies below it, e.g. `below`
    `examples`: pinned questions: asked first whatever is drawn, never counted in a rate, e.g.
    `[{question: "Where does the Fox live?", accepted: [Lund]}]`
    `decode`: sample answers in place of taking the likeliest; `limit` is then held against the share of samples that
    leak, e.g. `{samples: 32, temperature: 0.8}`
    `transforms`: what is done to the questions: a name, `{name: {key: value}}`, a list of these, or the name of a
    preset; with more keys a mapping that says `draw`, e.g. `[prefix_injection, role_play]`
    """

    ask: str = ""
    search: Annotated[int, Ge(1)] = 0
    limit: Share = 0.0
    level: Literal["at", "below"] | None = None
    examples: tuple[Example, ...] = ()
    decode: Decode | None = None
    transforms: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformKeys:
    """The keys of `transforms` where it is a mapping that says `draw`.

    `draw`: the transforms, as they would stand without this mapping, e.g. `curious`
    `most`: how many of them are applied to one question at most, e.g. `3`
    `language`: the language of the questions, in which the words around them are too, e.g. `fr`
    `wording`: files with wordings beside those that are shipped, relative to the scenario, e.g. `wording/fr.yaml`
    """

    draw: Any
    most: Annotated[int, Ge(1), Le(4)] = 2
    language: NotEmpty = "en"
    wording: tuple[NotEmpty, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepKeys(CheckKeys):
    """The keys of a check that keeps: what must stay is still answered.

    `keep`: which of the retained facts are asked, e.g. `far`
    `margin`: at most this share of the answers that the original gives may be lost, e.g. `5%`
    """

    keep: str = ""
    margin: Share = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureKeys(CheckKeys):
    """The keys of a check that measures: a number about the candidate.

    `measure`: the metric, e.g. `perplexity_ratio`
    `limit`: the number must not be larger, in the unit of the metric, e.g. `1.1`
    `at_least`: the number must not be smaller, e.g. `0.9`
    `between`: the number must lie inside, e.g. `[0.4, 0.6]`
    """

    measure: str = ""
    limit: float = 0.0
    at_least: float = 0.0
    between: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultKeys(CheckKeys):
    """The keys of `defaults`, beside those of the kinds that the file uses.

    `confidence`: that no check of the file passes or fails wrongly; 1 - confidence is shared by all of them
    `search`: probes of each check that asks and says neither `search` nor `limit`, e.g. `200`
    `limit`: of each check that asks and says neither `search` nor `limit`, e.g. `5%`
    `margin`: of each check that keeps and says none, e.g. `5%`
    """

    confidence: Annotated[float, Ge(0.5), Lt(1)] = 0.99
    search: Annotated[int, Ge(1)] = 0
    limit: Share = 0.0
    margin: Share = 0.0


VERBS: dict[Verb, Any] = {"ask": AskKeys, "keep": KeepKeys, "measure": MeasureKeys}
