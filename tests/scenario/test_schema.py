"""The JSON Schema refuses the keys that the loader refuses, and reads what the loader reads."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.graph import Entity, Relation, TypeInfo
from pytest_unlearn.scenario.border import keys_of
from pytest_unlearn.scenario.keys import EntityKeys, FileKeys, RelationKeys, TypeKeys
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.nodes import document_of, read_yaml
from pytest_unlearn.scenario.schema import schema

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "scenarios").rglob("*.unlearn.yaml"))
FULL = """\
version: 1
name: full
tags: nightly
seeds: {data: 1}
model:
  original: smollm2-135m-instruct
  reference: ./never
  system: {file: system.txt}
  candidate:
    {method: npo, lr: 1e-4, trainable: {layers: [1, 2]}, lora: {rank: 2}, wrap: [blur_bilevel, {task_arithmetic: {}}]}
knowledge:
  entities: {Ann: {type: person, aliases: Annie}, Bob: person, Rome: city, Oslo: city}
  types: {city: {closed: true}}
  levels: [city, person]
  relations:
    lives_in:
      ask: ["Where does {subject} live?", "Where is {subject}?"]
      inverse: "Who lives in {object}?"
      within: true
  facts: {lives_in: {Ann: Rome, Bob: [Oslo]}}
forget:
  ann: Ann
  rome: {level: city, at: Rome}
  homes: [{relation: lives_in, where: {lives_in: Rome}}, {fact: [Bob, lives_in, Oslo]}]
defaults: {confidence: 95%, hops: 2, search: 20, grade: [text, {rank: 5}]}
checks:
  direct: {ask: direct, level: below, limit: 5%, grade: {rank: {rivals: 5}}, xfail: later}
  chains: {ask: multi_hop, position: start, tags: [slow]}
  others: {keep: far, margin: 0.1, relation: lives_in, min_known: 1}
  prose: {measure: perplexity_ratio, between: [90%, 1.2], statements: 3}
gate: {require: forget}
"""


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    Draft7Validator.check_schema(schema())
    return Draft7Validator(schema())


def refused(data: Any, folder: Path) -> bool:
    """Whether the loader, or the reader of the knowledge in the file, refuses it."""
    path = folder / "a.unlearn.yaml"
    path.write_text(json.dumps(data), encoding="utf-8")
    (folder / "system.txt").touch()
    try:
        build(load_scenario(path, folder).knowledge, folder)
    except ScenarioError:
        return True
    return False


def mappings(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, dict):
        yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from mappings(value, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def test_it_is_draft_7_without_what_an_editor_does_not_know() -> None:
    text = json.dumps(schema())
    assert schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert not any(word in text for word in ("$defs", "unevaluatedProperties", "prefixItems"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_is_valid(validator: Draft7Validator, path: Path) -> None:
    assert list(validator.iter_errors(read_yaml(path).data)) == []


def test_a_scenario_with_every_form_is_valid(validator: Draft7Validator, tmp_path: Path) -> None:
    data = document_of(FULL, tmp_path).data
    assert not refused(data, tmp_path)
    assert list(validator.iter_errors(data)) == []


FULL_DATA = document_of(FULL, Path("full")).data


@pytest.mark.parametrize("path", list(mappings(FULL_DATA)), ids=lambda path: ".".join(map(str, path)))
def test_an_unknown_key_is_refused_wherever_the_loader_refuses_it(
    validator: Draft7Validator, tmp_path: Path, path: tuple[Any, ...]
) -> None:
    data = copy.deepcopy(FULL_DATA)
    at(data, path)["zzz"] = 1
    assert not validator.is_valid(data)
    assert refused(data, tmp_path)


@pytest.mark.parametrize(
    "key", [one.name for one in fields(FileKeys) if {one.default, one.default_factory} == {MISSING}]
)
def test_a_missing_section_is_refused(validator: Draft7Validator, key: str) -> None:
    assert not validator.is_valid({name: value for name, value in FULL_DATA.items() if name != key})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("checks", "direct"), {}),
        (("checks", "direct"), {"limit": "5%"}),
        (("checks", "direct"), {"ask": "dirct", "limit": "5%"}),
        (("checks", "direct"), {"ask": "far", "limit": "5%"}),
        (("checks", "direct"), {"ask": "direct", "keep": "far", "limit": "5%"}),
        (("checks", "direct"), {"ask": "direct", "limit": "5%", "search": 3}),
        (("checks", "direct"), {"ask": "direct", "limit": "five"}),
        (("checks", "direct"), {"ask": "direct", "limit": 5}),
        (("checks", "direct"), {"ask": "direct", "margin": "5%"}),
        (("checks", "direct"), {"ask": "direct", "hops": 2, "search": 3}),
        (("checks", "direct"), {"ask": "direct", "after": "x", "search": 3}),
        (("checks", "direct"), {"ask": "direct", "search": "5%"}),
        (("checks", "chains"), {"ask": "multi_hop", "hops": 1}),
        (("checks", "chains"), {"ask": "multi_hop", "position": "strat"}),
        (("checks", "direct", "grade"), []),
        (("checks", "direct", "grade"), "rnak"),
        (("checks",), {}),
        (("checks",), {"two hops": {"ask": "direct", "search": 3}}),
        (("model", "candidate"), {"steps": 3}),
        (("model", "candidate"), {"method": "noop"}),
        (("model", "candidate"), {"method": "none", "beta": 1}),
        (("forget",), {"relation": "lives_in", "wher": {}}),
        (("forget",), {"where": {"lives_in": "Rome"}, "entity": "Ann"}),
        (("forget",), []),
        (("knowledge",), {}),
        (("knowledge", "source"), "countrys"),
        (("knowledge", "facts"), [["Ann", "lives_in"]]),
        (("defaults", "confidence"), 1.5),
        (("gate", "require"), ["forgetting"]),
    ],
)
def test_a_mistake_is_refused_by_both(
    validator: Draft7Validator, tmp_path: Path, path: tuple[Any, ...], value: Any
) -> None:
    data = copy.deepcopy(FULL_DATA)
    at(data, path[:-1])[path[-1]] = value
    assert not validator.is_valid(data)
    assert refused(data, tmp_path)


def test_a_kind_of_a_plug_in_is_part_of_it() -> None:
    validator = Draft7Validator(schema())  # made anew: the kinds are registered for each test
    data = copy.deepcopy(FULL_DATA)
    data["checks"]["walk"] = {"ask": "toy_walk", "hops": 3, "search": 3}
    assert validator.is_valid(data)
    data["checks"]["walk"]["hops"] = 9
    assert not validator.is_valid(data)


@pytest.mark.parametrize(
    ("keys", "thing", "more"),
    [(EntityKeys, Entity, []), (RelationKeys, Relation, ["within"]), (TypeKeys, TypeInfo, [])],
)
def test_the_keys_of_knowledge_are_those_that_are_read(keys: type, thing: Any, more: list[str]) -> None:
    assert keys_of(keys) == [field.name for field in fields(thing) if field.name != "name"] + more
