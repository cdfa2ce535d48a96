from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.scenario.border import keys_of
from pytest_unlearn.scenario.keys import DefaultKeys, FileKeys, KnowledgeKeys, ModelKeys, SelectorKeys
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Gate, Material, MethodUse, ModelName, Scenario, Search, Seeds

Load = Callable[[str], Scenario]
Around = Callable[..., str]
Complaints = Callable[[str], list[str]]

COUNTRIES = """\
version: 1
model:
  original: smollm2-135m-instruct
  candidate: {method: npo, steps: 60, lr: 1e-4, trainable: lora}
  system: Answer with one short phrase.
knowledge: {source: countries, relations: [capital, continent, currency, neighbour]}
forget: France
checks:
  direct:     {ask: direct, limit: 5%}
  paraphrase: {ask: paraphrase, search: 200}
  alias:      {ask: alias, search: 100}
  inverse:    {ask: inverse, search: 100}
  two-hop:    {ask: multi_hop, hops: 2, position: [start, bridge, answer], search: 300}
  neighbours: {keep: neighbours, margin: 10%}
  far-facts:  {keep: far, margin: 5%}
  fluency:    {measure: perplexity_ratio, limit: 1.1}
"""

LATER = """\
version: 1
model:
  original: a
  reference: {endpoint: https://example.org, name: x, key: KEY}
  candidate: {method: toy_step, steps: 80}
knowledge: {source: toy_map}
forget:
  others: [{class: cat}, {interactions: c.csv}]
checks:
  disguised: {ask: toy_walk, search: {strategy: guided, budget: 600}}
  relearned: {after: {relearn: {steps: 50}}, ask: toy_walk, limit: 10%}
  facts: {ask: toy_walk, limit: 2%, budget: 3}
"""


def test_the_sample_of_the_grammar_is_read_whole(load: Load, tmp_path: Path) -> None:
    scenario = load(COUNTRIES)
    path = tmp_path / "a.unlearn.yaml"
    assert (scenario.path, scenario.name, scenario.confidence) == (path, "a", 0.99)
    assert (scenario.tags, scenario.seeds, scenario.gate) == ((), Seeds(), Gate())
    assert scenario.models.original == ModelName("smollm2-135m-instruct", Mark(path, 3, 13))
    (only,) = scenario.models.candidates
    candidate = only.made
    assert isinstance(candidate, MethodUse)
    assert (candidate.name, candidate.config.steps, candidate.config.lr) == ("npo", 60, 1e-4)
    assert (scenario.models.system, scenario.models.reference) == ("Answer with one short phrase.", None)
    assert (scenario.models.remote, scenario.models.trust_remote_code) == (False, False)
    assert scenario.models.at == Mark(path, 2, 1)
    assert scenario.knowledge.source == "countries"
    assert scenario.knowledge.relations == ("capital", "continent", "currency", "neighbour")
    assert scenario.knowledge.body == {}
    assert [check.id for check in scenario.checks] == [
        "direct", "paraphrase", "alias", "inverse", "two-hop", "neighbours", "far-facts", "fluency"
    ]  # fmt: skip
    assert scenario.checks[4].decide == Search(300)
    assert scenario.checks[4].at == Mark(path, 13, 3)


def test_what_this_version_cannot_run_is_told_key_by_key(complaints: Complaints) -> None:
    late = " is part of the scenario grammar, but this version cannot run it yet"
    told = complaints(LATER)
    assert all(line.endswith(late) for line in told)
    assert [line.split("`")[1] for line in told] == [
        "endpoint", "class", "interactions", "strategy", "budget", "after", "budget",
    ]  # fmt: skip


def test_optional_sections_are_read(load: Load, around: Around) -> None:
    scenario = load(
        around(
            name="name: my scenario",
            tags="tags: [nightly, geo]",
            seeds="seeds: {data: 1, method: 2, probe: 3}",
            gate="gate: {require: forget, on_inconclusive: warn, max_waived: 2}",
            model="model: {original: a, candidate: b, reference: retrained, remote: allowed, trust_remote_code: true}",
        )
    )
    assert (scenario.name, scenario.tags) == ("my scenario", ("nightly", "geo"))
    assert scenario.seeds == Seeds(data=1, method=2, probe=3)
    assert scenario.gate == Gate(("forget",), "warn", 2)
    (only,) = scenario.models.candidates
    assert isinstance(only.made, ModelName)
    assert isinstance(scenario.models.reference, ModelName)
    assert (only.made.text, scenario.models.reference.text) == ("b", "retrained")
    assert (scenario.models.remote, scenario.models.trust_remote_code) == (True, True)


def test_a_model_may_be_a_base_with_an_adapter_on_it(load: Load, around: Around) -> None:
    models = load(
        around(model="model: {original: {base: a, adapter: b}, candidate: {base: a, adapter: c}, reference: d}")
    ).models
    assert (models.original.text, models.original.adapter) == ("a", "b")
    (only,) = models.candidates
    assert isinstance(only.made, ModelName)
    assert (only.made.text, only.made.adapter, models.reference.adapter) == ("a", "c", None)  # type: ignore[union-attr]


def test_a_candidate_has_a_label_and_a_seed_where_there_are_several(load: Load, around: Around) -> None:
    def told(model: str) -> list[tuple[str, int]]:
        return [(one.label, one.seed) for one in load(around(model=f"model: {model}")).models.candidates]

    assert told("{original: a}") == [("", 0)]
    assert told("{original: a, candidate: {method: toy_step, seeds: 1}}") == [("", 0)]
    assert told("{original: a, candidate: {method: toy_step, seeds: 2}}") == [("toy_step-1", 0), ("toy_step-2", 1)]
    several = "{strong: {method: toy_step, seeds: 2}, given: ./b, last: {method: toy_step}}"
    assert told(f"{{original: a, candidates: {several}}}") == [
        ("strong-1", 0), ("strong-2", 1), ("given", 0), ("last", 0),
    ]  # fmt: skip


def test_the_error_level_of_a_file_is_shared_by_its_candidates(load: Load, around: Around) -> None:
    one, three = (load(around(model=f"model: {{original: a, candidate: {c}}}")).checks[0].alpha for c in (
        "{method: toy_step}", "{method: toy_step, seeds: 3}",
    ))  # fmt: skip
    assert one == pytest.approx(3 * three)


def test_knowledge_in_the_file_stays_raw_and_placed(load: Load, around: Around, tmp_path: Path) -> None:
    text = "knowledge:\n  entities:\n    Lyon: {type: city}\n  relations: {in: {say: x}}\n  facts: [[Lyon, in, Lyon]]"
    use = load(around(knowledge=text)).knowledge
    assert use.body == {
        "entities": {"Lyon": {"type": "city"}},
        "relations": {"in": {"say": "x"}},
        "facts": [["Lyon", "in", "Lyon"]],
    }
    assert (use.relations, use.source, use.include) == (None, None, ())
    path = tmp_path / "a.unlearn.yaml"
    assert use.marks["entities", "Lyon"] == Mark(path, 5, 5)
    assert use.marks["facts", 0, 2] == Mark(path, 7, 22)
    assert use.at == Mark(path, 3, 1)


def test_a_file_without_a_mapping_is_told_what_it_lacks(complaints: Complaints) -> None:
    assert complaints("") == [
        "1:1 this file is empty: a scenario has the keys version, model, knowledge, forget and checks"
    ]
    assert complaints("- a") == [
        "1:1 expected a mapping, got a list: a scenario has the keys version, model, knowledge, forget and checks"
    ]


@pytest.mark.parametrize(
    ("version", "at", "got"),
    [("2", 10, "2"), ("true", 10, "true"), ("'1'", 10, "'1'"), ("1.5", 10, "1.5"), ("", 9, "nothing")],
)
def test_another_version_is_the_only_complaint(complaints: Complaints, version: str, at: int, got: str) -> None:
    assert complaints(f"version: {version}\nnonsense: 1") == [
        f"1:{at} version must be 1, got {got}: this release reads no other grammar"
    ]


def test_required_keys_are_told_together(complaints: Complaints) -> None:
    assert complaints("name: x") == [
        "1:1 missing required key 'checks'",
        "1:1 missing required key 'forget'",
        "1:1 missing required key 'knowledge'",
        "1:1 missing required key 'model'",
        "1:1 missing required key 'version': write `version: 1`",
    ]


def test_a_misspelt_key_is_not_missing_too(complaints: Complaints, around: Around) -> None:
    assert complaints(around(version="verison: 1")) == ["1:1 unknown key 'verison' - did you mean 'version'?"]


def test_all_mistakes_of_a_file_are_told_with_their_lines(load: Load, around: Around, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(around(model="model: {original: 5}", checks="checks: {a: {ask: toy_walk, serach: 200}}"))
    assert str(caught.value) == (
        f"{tmp_path}/a.unlearn.yaml:2:19: expected the name of a model, got 5\n"
        "    model: {original: 5}\n"
        "                      ^\n"
        f"{tmp_path}/a.unlearn.yaml:5:29: unknown key 'serach' - did you mean 'search'?\n"
        "    checks: {a: {ask: toy_walk, serach: 200}}\n"
        "                                ^"
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("model:", "2:7 expected the name of a model, got nothing"),
        ("model: [a]", "2:8 expected the name of a model, got a list"),
        ("model: {candidate: x}", "2:1 missing required key 'original'"),
        ("model: {original: a, orignal: b}", "2:22 unknown key 'orignal' - did you mean 'original'?"),
        ("model: {original: a, candidate: {}}", "2:22 missing required key 'method'"),
        ("model: {original: a, candidate: {metod: x}}", "2:34 unknown key 'metod' - did you mean 'method'?"),
        (
            "model: {original: a, candidate: {method: toy_stop}}",
            "2:42 unknown method 'toy_stop' - did you mean 'toy_step'?",
        ),
        ("model: {original: a, candidate: {method: toy_step, beta: 0}}", "2:58 must be above 0"),
        (
            "model: {original: a, candidate: {method: toy_step, bta: 1}}",
            "2:52 unknown key 'bta' - did you mean 'beta'?",
        ),
        ("model: {original: {base: a}}", "2:9 missing required key 'adapter'"),
        ("model: {original: {base: a, adapter: ''}}", "2:38 must not be empty"),
        ("model: {original: {base: a, adaptr: b}}", "2:29 unknown key 'adaptr' - did you mean 'adapter'?"),
        ("model: {original: a, candidates: {}}", "2:34 expected a mapping of labels to candidates, got nothing"),
        ("model: {original: a, candidates: [b]}", "2:34 expected a mapping of labels to candidates, got a list"),
        ("model: {original: a, candidates: {a b: c}}", "2:35 'a b' cannot be an id: use letters, digits, `_`, `.`"),
        (
            "model: {original: a, candidate: b, candidates: {c: d}}",
            "2:36 `candidates` beside `candidate`: write one of them",
        ),
        (
            "model: {original: a, candidates: {a-1: b, a: {method: toy_step, seeds: 2}}}",
            "2:43 two candidates would be called 'a-1': rename one",
        ),
        ("model: {original: a, candidate: {method: toy_step, seeds: 0}}", "2:59 must be at least 1"),
        ("model: {original: a, reference: 5}", "2:33 expected the name of a model, got 5"),
        ("model: {original: a, remote: true}", "2:30 expected 'allowed', got true"),
        ("model: {original: a, trust_remote_code: yes}", "2:41 expected true or false, got 'yes'"),
        ("model: {original: a, system: 5}", "2:30 expected text or {file: PATH}, got 5"),
        ("model: {original: a, system: {fil: x}}", "2:31 unknown key 'fil' - did you mean 'file'?"),
        ("model: {original: a, system: {file: no.txt}}", "2:37 there is no file 'no.txt' beside a.unlearn.yaml"),
        ("knowledge: countries", "3:12 expected a mapping such as {source: countries}, got 'countries'"),
        ("knowledge: {}", "3:1 knowledge needs `source`, `include`, `entities` or `facts`"),
        ("knowledge: {relations: [a]}", "3:1 knowledge needs `source`, `include`, `entities` or `facts`"),
        ("knowledge: {source: toy_mpa}", "3:21 unknown knowledge source 'toy_mpa' - did you mean 'toy_map'?"),
        ("knowledge: {source: 5}", "3:21 expected text, got 5: put it in quotes"),
        ("knowledge: {sorce: toy_map, facts: []}", "3:13 unknown key 'sorce' - did you mean 'source'?"),
        (
            "knowledge: {source: toy_map, relations: []}",
            "3:41 expected a list of names or a mapping of definitions, got an empty list",
        ),
        ("knowledge: {source: toy_map, relations: [5]}", "3:42 expected the name of a relation, got 5"),
        (
            "knowledge: {source: toy_map, relations: in}",
            "3:41 expected a list of names or a mapping of definitions, got 'in'",
        ),
        ("knowledge: {include: no.yaml}", "3:22 there is no file 'no.yaml' beside a.unlearn.yaml"),
        ("knowledge: {include: [no.yaml]}", "3:23 there is no file 'no.yaml' beside a.unlearn.yaml"),
        ("knowledge: {include: []}", "3:22 must not be empty"),
        ("knowledge: {include: .}", "3:22 there is no file '.' beside a.unlearn.yaml"),
        ('knowledge: {include: "a\\0b"}', "3:22 'a\\x00b' is not a path that can be read"),
        (
            f"knowledge: {{include: {'x' * 5000}}}",
            f"3:22 '{'x' * 40}...' is not a path that can be read: File name too",
        ),
        ("seeds: {data: -1}", "6:15 must be at least 0"),
        ("seeds: {data: true}", "6:15 expected a whole number, got true"),
        ("gate: {require: [forgot]}", "6:18 expected 'forget', 'utility', 'robustness' or 'privacy', got 'forgot'"),
        ("gate: {max_waived: -1}", "6:20 must be at least 0"),
        ("tags: [a b]", "6:8 'a b' is not a tag: start with a letter, then letters, digits, `_`, `.` and `-`"),
        ("name: a/b", "6:7 a name is one line without `/`"),
        ("name: 1.10", "6:7 expected text, got 1.1: put it in quotes"),
    ],
)
def test_a_mistaken_section_is_placed(complaints: Complaints, around: Around, line: str, found: str) -> None:
    (complaint,) = complaints(around(**{line.split(":")[0]: line}))
    assert complaint.startswith(found)


def test_files_are_found_beside_the_scenario(load: Load, around: Around, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "support.txt").write_text("Be kind.\nAnswer in one line.\n")
    (tmp_path / "w.knowledge.yaml").write_text("facts: []")
    scenario = load(
        around(
            model="model: {original: a, system: {file: prompts/support.txt}}",
            knowledge="knowledge: {include: [w.knowledge.yaml]}",
        )
    )
    assert scenario.models.system == "Be kind.\nAnswer in one line."
    assert scenario.knowledge.include == ((tmp_path / "w.knowledge.yaml", Mark(tmp_path / "a.unlearn.yaml", 3, 23)),)


def test_material_to_keep_is_found_and_counts_in_the_digest(load: Load, around: Around, tmp_path: Path) -> None:
    for name in ("keep.jsonl", "b.txt", "a.txt"):
        (tmp_path / name).write_text("x")
    lines = "retain: {questions: keep.jsonl, documents: ['*.txt']}"
    scenario = load(around(retain=lines))
    here = tmp_path / "a.unlearn.yaml"
    assert scenario.retain == Material(
        questions=((tmp_path / "keep.jsonl", Mark(here, 6, 21)),),
        documents=((tmp_path / "a.txt", Mark(here, 6, 45)), (tmp_path / "b.txt", Mark(here, 6, 45))),
    )
    (tmp_path / "b.txt").write_text("y")
    assert load(around(retain=lines)).digest != scenario.digest


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("retain: keep.jsonl", "6:9 expected a mapping such as {questions: keep.jsonl}, got 'keep.jsonl'"),
        ("retain: {}", "6:1 `retain` needs `questions` or `documents`"),
        ("retain: {question: a.jsonl}", "6:10 unknown key 'question' - did you mean 'questions'?"),
        ("retain: {questions: []}", "6:21 must not be empty"),
        ("retain: {questions: no.jsonl}", "6:21 there is no file 'no.jsonl' beside a.unlearn.yaml"),
        ("retain: {documents: [no/*.txt]}", "6:22 no file matches 'no/*.txt' beside a.unlearn.yaml"),
        (
            "retain: {documents: /etc/*}",
            "6:21 '/etc/*' is not a pattern of files: Non-relative patterns are unsupported",
        ),
    ],
)
def test_mistaken_material_is_placed(complaints: Complaints, around: Around, line: str, found: str) -> None:
    assert complaints(around(retain=line)) == [found]


def test_a_pattern_finds_nothing_outside_of_the_project(tmp_path: Path, around: Around) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (root / "a.unlearn.yaml").write_text(around(retain="retain: {documents: ../*.txt}"))
    with pytest.raises(ScenarioError, match=r"6:21: '../secret.txt' lies outside of .*project: copy it into the"):
        load_scenario(root / "a.unlearn.yaml", root)


def test_knowledge_may_be_missing_where_no_fact_is_selected(load: Load, around: Around, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text("x")
    assert load(around(knowledge="", forget="forget: {questions: q.jsonl}")).knowledge.body == {}


def test_files_outside_of_the_project_are_refused(tmp_path: Path, around: Around) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "loop.txt").symlink_to(root / "loop.txt")
    for name in ("../secret.txt", "link.txt", str(tmp_path / "secret.txt"), "/etc/no-such-file"):
        (root / "a.unlearn.yaml").write_text(around(knowledge=f"knowledge: {{include: {name}}}"))
        with pytest.raises(ScenarioError, match=r"lies outside of .*project: copy it into the project"):
            load_scenario(root / "a.unlearn.yaml", root)
    (root / "a.unlearn.yaml").write_text(around(knowledge="knowledge: {include: loop.txt}"))
    with pytest.raises(ScenarioError):
        load_scenario(root / "a.unlearn.yaml", root)


def test_a_system_prompt_is_utf_8(complaints: Complaints, around: Around, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_bytes(b"\xff")
    assert complaints(around(model="model: {original: a, system: {file: s.txt}}")) == [
        "2:37 's.txt' is not UTF-8: save it as UTF-8"
    ]


def test_the_digest_is_of_what_is_said_and_in_named_files(load: Load, around: Around, tmp_path: Path) -> None:
    plain = load(around()).digest
    assert load("# a comment\n" + around(knowledge="knowledge:\n  source: toy_map")).digest == plain
    assert load(around(forget="forget: Spain")).digest != plain
    (tmp_path / "w.yaml").write_text("facts: []")
    one = load(around(knowledge="knowledge: {include: w.yaml}")).digest
    (tmp_path / "w.yaml").write_text("facts: [[a, b, c]]")
    assert load(around(knowledge="knowledge: {include: w.yaml}")).digest != one


def test_collection_loads_nothing_heavy(tmp_path: Path, around: Around) -> None:
    path = tmp_path / "a.unlearn.yaml"
    path.write_text(COUNTRIES)
    code = (
        "import sys; from pathlib import Path\n"
        "from pytest_unlearn.scenario.expand import cases\n"
        "from pytest_unlearn.scenario.load import load_scenario\n"
        f"assert len(cases(load_scenario(Path({str(path)!r}), Path({str(tmp_path)!r})))) == 8\n"
        "heavy = {'torch', 'pytest', 'hypothesis', 'networkx', 'numpy', 'scipy', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


KEYS = ["ask", "keep", "measure", "a", *keys_of(FileKeys, ModelKeys, KnowledgeKeys, SelectorKeys, DefaultKeys)]
KEYS += ["method", "hops", "position", "level", "after", "between", "at_least", "file", "endpoint", "version"]
WORDS = ["toy_walk", "toy_near", "toy_gap", "toy_step", "toy_map", "toy_letter", "5%", "France", "", "\0", "..", "/"]
leaves = st.sampled_from([*WORDS, None, True, 1, 0, -1, 0.5, 10**300, float("inf"), float("nan")])
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=15,
)
sections = st.fixed_dictionaries({"version": st.just(1)}, optional=dict.fromkeys(keys_of(FileKeys)[1:], anything))
checks = st.dictionaries(
    st.sampled_from(["a", "b", "c d"]),
    st.dictionaries(
        st.sampled_from(["ask", "keep", "measure", "search", "limit", "margin", "grade", "hops"]), anything
    ),
)
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(data=sections | st.builds(lambda file, checks: {**file, "checks": checks}, sections, checks))
def test_no_data_raises_anything_but_a_scenario_error(load: Load, data: object) -> None:
    with suppress(ScenarioError):
        load(_yaml(data))


@QUIET
@given(text=st.text(st.characters(codec="utf-8")))
@example(text="version: 1\nmodel: {original: &a [*a]}")
def test_no_text_raises_anything_but_a_scenario_error_when_loaded(load: Load, text: str) -> None:
    with suppress(ScenarioError):
        load(text)


def _yaml(data: object) -> str:
    return json.dumps(data).replace("Infinity", ".inf").replace("NaN", ".nan")
