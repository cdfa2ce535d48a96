"""What the page about releases says is what the gate does."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from pytest_unlearn.gate.verdict import MEANINGS, SEVERITY
from pytest_unlearn.gate.waivers import read_waivers
from pytest_unlearn.scenario.policy import policy

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "gate-a-release.md").read_text(encoding="utf-8")


def block(head: str) -> str:
    return PAGE.split(f"```{head}\n")[1].split("```")[0]


def test_the_table_of_exit_codes_has_each_code_and_what_it_means() -> None:
    rows = re.findall(r"^\| `(\d+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert [(int(code), meaning) for code, meaning in rows] == sorted(MEANINGS.items())
    (order,) = re.findall(r"the most severe is the code: ([^.]*)\.", PAGE)
    assert [int(code) for code in re.findall(r"\d+", order)] == list(reversed(SEVERITY))[:-1]


def test_the_waivers_of_the_page_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "unlearn-waivers.yaml"
    path.write_text(block("yaml release/unlearn-waivers.yaml"), encoding="utf-8")
    found = read_waivers(path, date(2026, 1, 10))
    assert (len(found.waivers), len(found.quarantine)) == (1, 1)


def test_the_policy_of_the_page_names_every_key_but_that_of_one_scenario(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block("toml"), encoding="utf-8")
    made = policy({}, tmp_path)
    assert (made.require, made.max_waived, made.on_no_reference) == (("forget", "utility", "privacy"), 2, "warn")
    told = set(re.findall(r"^(\w+) =", block("toml"), re.MULTILINE))
    assert told == set(made.__dataclass_fields__) - {"not_applicable"}
