"""A scenario as the rest of the package sees it: frozen, complete, without pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt, MinLen

from pytest_unlearn.errors import Mark
from pytest_unlearn.registry import Use

Claim = Literal["forget", "utility", "robustness", "privacy"]
Part = Literal["at", "below", "sibling", "ancestor"]
"""Where in a hierarchy something stands, seen from what is forgotten."""
Seed = Annotated[int, Ge(0), Lt(2**63)]
NamedFiles: TypeAlias = tuple[tuple[Path, Mark], ...]  # each with the place that names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """Three independent seeds.

    `data`: of the order of data, and of what is trained on and what is held out
    `method`: of the method that makes the candidate
    `probe`: of the questions that are drawn
    """

    data: Seed = 0
    method: Seed = 0
    probe: Seed = 0


PLANTED = "zoo:"  # before the name of a model of the zoo


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model as the file names it: bundled name, folder, hub id `@revision`, `fixture:RECIPE`, or `retrained`.

    A candidate may also be `zoo:NAME`, a planted leak.

    With `adapter`, the folder of an adapter that is put on it.
    """

    text: str
    at: Mark
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class MethodUse:
    """A candidate to be made: a method's registered name and its config dataclass."""

    name: str
    config: Any
    at: Mark


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that claims to have forgotten. `made` is None when it must come from the command line.

    `label` tells several apart and is empty where there is one; `seed` is added to the scenario's seed for methods.
    """

    label: str = ""
    made: ModelName | MethodUse | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Models:
    """The subjects of a scenario; there is at least one candidate."""

    original: ModelName
    candidates: tuple[Candidate, ...]
    reference: ModelName | None
    system: str | None
    trust_remote_code: bool
    remote: bool
    at: Mark


@dataclass(frozen=True, slots=True)
class KnowledgeUse:
    """Where the knowledge comes from, still unread: `body` is the inline mapping with its marks.

    `marks` maps a path inside `body` (keys and indices) to its place in the file.
    """

    body: dict[str, Any]
    marks: Mapping[tuple[str | int, ...], Mark]
    include: NamedFiles
    source: str | None
    relations: tuple[str, ...] | None  # a list in the file restricts the relations that are used
    at: Mark


@dataclass(frozen=True, slots=True)
class Material:
    """Files to forget or to keep, still unread: question-answer pairs, documents."""

    questions: NamedFiles = ()
    documents: NamedFiles = ()


NO_MATERIAL = Material()


@dataclass(frozen=True, slots=True)
class Selector:
    """What to forget: at most one of entity, relation, fact and node, and material beside it.

    `where` stands only with relation; `node` is a level and the name of a thing of that level.
    """

    at: Mark
    entity: str | None = None
    relation: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    fact: tuple[str, str, str] | None = None
    node: tuple[str, str] | None = None
    material: Material = NO_MATERIAL

    @property
    def of_facts(self) -> bool:
        """Whether it selects facts."""
        return not (self.entity is None and self.relation is None and self.fact is None and self.node is None)


@dataclass(frozen=True, slots=True)
class Target:
    """One forget request: a label that is a slug, and what it selects."""

    label: str
    selectors: tuple[Selector, ...]
    at: Mark


@dataclass(frozen=True, slots=True)
class Search:
    """Deciding key `search: N`: at most N probes are put to the candidate."""

    probes: int


@dataclass(frozen=True, slots=True)
class Limit:
    """Deciding key `limit: x`: a rate or a measured number must stay at or below x."""

    limit: float


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Deciding key `at_least: x`: a measured number must reach x."""

    limit: float


@dataclass(frozen=True, slots=True)
class Between:
    """Deciding key `between: [a, b]`: a measured number must lie inside."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Margin:
    """Deciding key `margin: x`: at most this share of what the original knows may be lost."""

    margin: float


@dataclass(frozen=True, slots=True)
class TransformUse:
    """A transform's registered name and its config dataclass."""

    name: str
    config: Any
    at: Mark


@dataclass(frozen=True, slots=True)
class Transforms:
    """What is done to the questions of a check: at most `most` of these together.

    `wording`: files of wordings beside those that are shipped.
    """

    uses: tuple[TransformUse, ...]
    most: int
    language: str
    wording: NamedFiles
    at: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A pinned question: it is asked whatever is drawn.

    `question`: what is asked, e.g. `Where does the Fox live?`
    `accepted`: answers of which each gives the secret away, e.g. `[Lund]`
    `target`: the label of its forget request; may be left out where the file has one request only, e.g. `people`
    """

    question: Annotated[str, MinLen(1)]
    accepted: tuple[Annotated[str, MinLen(1)], ...]
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """Answers are sampled, several to each question.

    `samples`: how many answers to each question, e.g. `64`
    `temperature`: how freely tokens are drawn; 1 is as the model has it, e.g. `0.8`
    """

    samples: Annotated[int, Ge(2), Le(1000)] = 32
    temperature: Annotated[float, Gt(0), Le(10)] = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One check as written. `alpha` is its share of the file's error level, fixed at collection.

    `level`: the one part of a hierarchy that it is about; None where it is about all that must go or stay.
    """

    id: str
    verb: Literal["ask", "keep", "measure"]
    kind: str
    config: Any
    decide: Search | Limit | AtLeast | Between | Margin
    claim: Claim
    graders: tuple[Use, ...]  # empty: text and rank where every subject can
    alpha: float
    min_known: int
    tags: tuple[str, ...]
    xfail: str | None
    at: Mark
    examples: tuple[Example, ...] = ()
    decode: Decode | None = None  # None: the likeliest answer, once
    level: Part | None = None
    transforms: Transforms | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Policy of a release gate. What the file leaves out is taken from `[tool.unlearn.gate]` of pyproject.toml.

    `require`: claims of which a check must be there and pass
    `on_inconclusive`: what an inconclusive check does to the gate
    `max_waived`: how many checks may fail and be excused: by a waiver, a quarantine or `xfail`
    `on_vacuous`: what a check does to the gate for which the original knows too little
    `on_left_out`: what a check does to the gate that was not selected
    `on_no_reference`: what a check about the target does to the gate that is judged without a reference
    `on_no_baseline`: what a check does to the gate that has no baseline
    `not_applicable`: ids of checks that may be skipped as not applicable, e.g. `[two-hop]`
    """

    require: tuple[Claim, ...] = ("forget", "utility")
    on_inconclusive: Literal["fail", "warn"] = "fail"
    max_waived: Annotated[int, Ge(0)] = 0
    on_vacuous: Literal["fail", "warn"] = "fail"
    on_left_out: Literal["fail", "warn"] = "fail"
    on_no_reference: Literal["fail", "warn", "allow"] = "allow"
    on_no_baseline: Literal["fail", "warn", "allow"] = "allow"
    not_applicable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One `*.unlearn.yaml` file."""

    path: Path
    name: str
    tags: tuple[str, ...]
    seeds: Seeds
    models: Models
    knowledge: KnowledgeUse
    targets: tuple[Target, ...]
    checks: tuple[Check, ...]
    confidence: float
    gate: Gate
    digest: str  # of what the file says, not of its layout, its comments or its gate
    retain: Material = NO_MATERIAL
    profile: str = "pr"  # how hard a run looks


@dataclass(frozen=True, slots=True)
class Case:
    """One check of one forget request and one candidate: what becomes one pytest item."""

    scenario: Scenario = field(repr=False)
    target: Target
    check: Check
    candidate: Candidate = Candidate()

    @property
    def name(self) -> str:
        """The id of the check, with the candidate's label where there are several: `two-hop[npo-1]`."""
        return f"{self.check.id}[{self.candidate.label}]" if self.candidate.label else self.check.id

    @property
    def id(self) -> str:
        """`scenario/target/check[candidate]`, the key of records and findings."""
        return f"{self.scenario.name}/{self.target.label}/{self.name}"

    @property
    def asks(self) -> str:
        """`scenario/target/check`: what is asked depends on this, so that all candidates are asked the same."""
        return f"{self.scenario.name}/{self.target.label}/{self.check.id}"
