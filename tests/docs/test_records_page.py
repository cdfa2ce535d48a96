"""The page of records has every key that a run writes, and a run writes every key of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_unlearn.records import read

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "records.md"
OF_OTHER_KINDS = {"tallies[].recall"}  # than are asked here
CHECKS = """\
  inverse: {ask: inverse, search: 40, grade: text}
  direct: {ask: direct, limit: 5%, grade: {rank: {rivals: 100}}}
  samples: {ask: direct, decode: {samples: 4}, limit: 30%, grade: text}
  far: {keep: far, margin: 1%, at_most: 30, grade: text}
  gradient: {keep: distance, margin: 1%, at_most: 60, min_known: 1, grade: text}
  fluency: {measure: perplexity_ratio, limit: 1.1}
"""
ROW = re.compile(r"^\| `([^`]+)`", re.MULTILINE)


def documented(*titles: str) -> set[str]:
    """The keys in the tables of some sections, which are found by how their titles begin."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [ROW.findall(section) for title in titles for section in sections if section.startswith(title)]
    assert len(found) == len(titles)
    return {key for keys in found for key in keys}


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The keys of nested data as the page writes them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from keys(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            yield from keys(inner, f"{path}[]")
    else:
        yield path


def same(pattern: str, key: str) -> bool:
    """Whether a key of the page is a real one, or has it within."""
    literal = pattern.replace("[]", "[[]]")
    return any(fnmatchcase(key, f"{literal}{more}") for more in ("", ".*", "[[]].*"))


def differences(page: set[str], real: set[str]) -> tuple[list[str], list[str]]:
    """Keys that are not on the page, and keys of the page that are not real."""
    null = {key for key in real if any(pattern.startswith((f"{key}.", f"{key}[]")) for pattern in page)}
    unsaid = [key for key in real - null if not any(same(pattern, key) for pattern in page)]
    unreal = [pattern for pattern in page if not any(same(pattern, key) for key in real)]
    return sorted(unsaid), sorted(unreal)


def test_the_page_has_the_keys_of_records_findings_and_properties_and_no_others(
    project: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    project(checks=CHECKS)
    options = "--junitxml=junit.xml", "--unlearn-gate", "--unlearn-evidence=evidence.json"
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1, failed=5)
    folder = pytester.path / ".unlearn"
    records = list(read(folder / "records.jsonl"))
    titles = {"run": ("A `run` line",), "check": ("A `check` line", "A tally"), "end": ("An `end` line",)}
    for line, sections in titles.items():
        real = {key for record in records if record["line"] == line for key in keys(record)}
        assert differences(documented("Every line", *sections) - OF_OTHER_KINDS, real) == ([], []), line

    bodies = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "findings").iterdir()]
    real = {key for body in bodies for key in keys(body)}
    assert differences(documented("A finding"), real) == ([], [])

    tree = ElementTree.parse(pytester.path / "junit.xml")
    named = {one.get("name", "") for one in tree.iter("property")}
    assert differences(documented("In JUnit"), named) == ([], [])


def test_a_key_that_is_not_on_the_page_is_noticed_and_so_is_one_that_is_not_real() -> None:
    assert differences({"a.b", "c[].d"}, {"a.b", "c[].d"}) == ([], [])
    assert differences({"a.*", "c"}, {"a.b", "c[].d", "c[].e"}) == ([], [])
    assert differences({"a.b", "a.c"}, {"a", "a.b", "a.c"}) == ([], [])
    assert differences({"a.b"}, {"a.b", "a.c"}) == (["a.c"], [])
    assert differences({"a.b", "a.c"}, {"a.b"}) == ([], ["a.c"])
