"""The table of the page that helps to choose a method is what the comparison said."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_unlearn.registry import METHODS

FILE = Path(__file__).parents[2] / "tools" / "make_choice.py"


@pytest.fixture(scope="module")
def choice() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_choice", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_says_what_the_numbers_say(choice: ModuleType) -> None:
    assert choice.PAGE.read_text("utf-8") == choice.page(), "run `python tools/make_choice.py`"


def test_every_method_was_compared_with_the_budget_that_the_page_names(choice: ModuleType) -> None:
    found = json.loads(choice.NUMBERS.read_text("utf-8"))
    assert set(found) == set(choice.RATES)
    for rate, told in found.items():
        there = {row["method"] for row in told["candidates"]} | {one["method"] for one in told["not_compared"]}
        assert there == set(METHODS.names()), "run `python tools/make_choice.py --run`"
        for row in told["candidates"]:
            if row["steps"] is not None:
                assert (row["steps"], row["config"]["batch"], row["config"]["lr"]) == (60, 8, float(rate))


def test_a_row_tells_shares_with_their_intervals(choice: ModuleType) -> None:
    share = {"verdict": "fail", "leaking": 3, "of": 60, "low": 0.0104, "high": 0.139}
    checks = {**dict.fromkeys(choice.FORGET, share), "neighbours": {"verdict": "vacuous"}, "fluency": {"value": 1.25}}
    row = {"method": "npo", "steps": 60, "seconds": 4.2, "checks": checks}
    *_, line = choice.table({"1e-4": {"candidates": [row], "not_compared": []}})
    assert line == f"| npo | 1e-4 |{' 3/60 (1%-14%) |' * 4} vacuous | 1.25 | 4 |"


def test_what_the_page_says_in_words_holds_for_the_numbers(choice: ModuleType) -> None:
    found = json.loads(choice.NUMBERS.read_text("utf-8"))
    rows = [row for told in found.values() for row in told["candidates"] if row["steps"] is not None]

    def leaks(row: dict[str, Any], check: str) -> int:
        return int(row["checks"][check]["leaking"])

    def lost(row: dict[str, Any]) -> int:
        return int(row["checks"]["neighbours"]["lost"])

    gentle = [row for row in rows if leaks(row, "direct") <= 5 and lost(row) <= 7]
    assert {row["method"] for row in gentle} == {"pdu", "satimp", "undial", "wga"}
    assert all(leaks(row, "alias") >= 60 and leaks(row, "two-hop-bridge") == 28 for row in gentle)
    thorough = [row for row in rows if leaks(row, "alias") <= 62 / 4]
    assert len(thorough) >= 5
    assert all(lost(row) >= 71 / 2 for row in thorough)
    (retrained,) = (row for row in found["1e-4"]["candidates"] if row["method"] == "retrain")
    assert leaks(retrained, "alias") == lost(retrained) == 0
    best = {name: min(leaks(row, "direct") for row in rows if row["method"] == name) for name in METHODS.names() if
            any(row["method"] == name for row in rows)}  # fmt: skip
    assert sum(k <= 5 for k in best.values()) >= 0.7 * len(best)
