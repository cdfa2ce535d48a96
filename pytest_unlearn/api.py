"""What plug-ins may import and rely on, and for how long it stays as it is.

Import from `pytest_unlearn.api` and from nowhere else: every other module may change in any release, but for
`pytest_unlearn.methods`, which has `unlearn` too. Stable are

- the names below, with their parameters, fields and methods. What is added has a default, so that what is written today
  goes on working;
- the entry-point groups, and what a function that registers in one of them is called with;
- grammar version 1 of scenario files ([keys](scenario.md));
- schema 1 of records and findings ([keys](records.md));
- the options, ini keys, marks, fixtures, environment variables and exit codes of the plugin ([list](options.md));
- the commands and options of `unlearn` ([list](cli.md)). What they print for people is not stable.

Not stable are numbers: a release may ask other questions, draw them differently or grade an answer better, and the
changelog says so. Whoever compares numbers of two runs compares runs of one version.

What is to go is first deprecated. For at least one minor version it works as before and gives a `DeprecationWarning`
that names what to use instead and the version that removes it; the changelog has the same sentence. A scenario file
names its grammar (`version: 1`) and a record its schema (`"schema": 1`). A key that is added keeps the number. A key
that goes, or means something else, raises it; the release that raises it still reads the number before, and one that
does not know a number refuses it with a message.

`pytest_unlearn.worlds`, recipes that train models from scratch, and `pytest_unlearn.zoo`, planted leaks, are groups
too, but may still change.
"""

from __future__ import annotations

from pytest_unlearn.asserting import UnderTest, VacuousError, assert_forgotten, assert_retained
from pytest_unlearn.errors import (
    Mark,
    MethodError,
    Problem,
    ScenarioError,
    SubjectError,
    TemplateWarning,
    UnlearnError,
)
from pytest_unlearn.graders.grade import Grade, Grader, UnansweredError, grader, spoken
from pytest_unlearn.knowledge.build import source
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Entity, Fact, Knowledge, Relation, TypeInfo
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError, metric
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Built, Names, Probe, Put, Way
from pytest_unlearn.probes.question import Side, fact_probes, sides
from pytest_unlearn.probes.space import Listed, Space, probe_kind
from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope, Told
from pytest_unlearn.probes.transforms.transform import Stage, Transform, reworded, transform
from pytest_unlearn.probes.transforms.wording import Language, Wordings, filled
from pytest_unlearn.registry import Use
from pytest_unlearn.strategies import given_probes, probes
from pytest_unlearn.subjects.answers import Answer, Episode, Failed, Output, Outputs, Reason, Scores, States, Tokens
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.subjects.protocol import Batch, Opened, Reach, Subject
from pytest_unlearn.subjects.requests import (
    Generate,
    Media,
    Part,
    Prompt,
    Read,
    Ref,
    Request,
    Role,
    Rollout,
    Score,
    Text,
    Verb,
)
from pytest_unlearn.training.data import (
    Band,
    Data,
    Example,
    Layers,
    LoopConfig,
    LoraConfig,
    Modules,
    Need,
    WatchConfig,
    method,
)
from pytest_unlearn.training.frozen import Frozen, View
from pytest_unlearn.training.library import Given, unlearn
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.partners import Beside
from pytest_unlearn.training.plug import Gradients, PlugIn, Weights, plug_in
from pytest_unlearn.training.retain import RetainConfig, kl_term, retain_term, retain_terms, retain_views
from pytest_unlearn.training.terms import (
    Objective,
    Pair,
    Rows,
    SetName,
    Term,
    nll_term,
    sequence_logp,
    site_states,
    token_logp,
)
from pytest_unlearn.utility.kept import KeepConfig, kept, utility
from pytest_unlearn.verdict.verdict import Outcome

__all__ = [
    "Answer",
    "Ask",
    "Asking",
    "Band",
    "Batch",
    "Beside",
    "Built",
    "Closure",
    "Data",
    "Document",
    "Entity",
    "Episode",
    "Example",
    "Fact",
    "Failed",
    "Frozen",
    "Generate",
    "Given",
    "Grade",
    "Grader",
    "Gradients",
    "KeepConfig",
    "Kept",
    "Knowledge",
    "Language",
    "Layers",
    "Listed",
    "LoopConfig",
    "LoraConfig",
    "Mark",
    "Measured",
    "Media",
    "MethodError",
    "Modules",
    "Names",
    "Need",
    "Objective",
    "Opened",
    "Outcome",
    "Output",
    "Outputs",
    "Pair",
    "Part",
    "PlugIn",
    "Probe",
    "Problem",
    "Prompt",
    "Put",
    "Reach",
    "Read",
    "Reason",
    "Ref",
    "Relation",
    "Request",
    "RetainConfig",
    "Role",
    "Rollout",
    "Rows",
    "ScenarioError",
    "Scope",
    "Score",
    "Scores",
    "SetName",
    "Side",
    "Sight",
    "Space",
    "Stage",
    "States",
    "Subject",
    "SubjectError",
    "TemplateWarning",
    "Term",
    "Text",
    "Tokens",
    "Told",
    "Transform",
    "TypeInfo",
    "UnansweredError",
    "UnderTest",
    "UnlearnError",
    "UnmeasurableError",
    "Use",
    "VacuousError",
    "Verb",
    "View",
    "WatchConfig",
    "Way",
    "Weights",
    "Wordings",
    "assert_forgotten",
    "assert_retained",
    "fact_probes",
    "filled",
    "framed",
    "given_probes",
    "grader",
    "kept",
    "kl_term",
    "mentions",
    "method",
    "metric",
    "nll_term",
    "plug_in",
    "probe_kind",
    "probes",
    "retain_term",
    "retain_terms",
    "retain_views",
    "reworded",
    "sequence_logp",
    "sides",
    "site_states",
    "source",
    "spoken",
    "token_logp",
    "train",
    "transform",
    "unlearn",
    "utility",
]
