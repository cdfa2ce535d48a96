"""`unlearn methods`: the list, one in full, and the lines of a scenario that it gives."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Gt

from pytest_unlearn.cli.app import main
from pytest_unlearn.cli.methods import plain, snippet
from pytest_unlearn.registry import METHODS
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import MethodUse
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.training.data import FORGET, ORIGINAL, REFERENCE, RETAIN, Data, LoopConfig, method, passes

REST = """\
knowledge: {source: countries}
forget: France
checks: {direct: {ask: direct, limit: 5%}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarConfig(LoopConfig):
    """`far`: how far, e.g. `3`"""

    far: Annotated[int, Gt(2)]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `unlearn` says to some words, in 80 columns."""

    def run(*words: str, code: int = 0) -> str:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["unlearn", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        assert (stop.value.code or 0) == code
        out, err = capsys.readouterr()
        return err if code else out

    return run


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method of a plug-in that says little about itself, with a key that must be given."""
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))

    @method("far", needs={FORGET, ORIGINAL}, cost=4 / 3)
    def go(subject: Subject, data: Data, config: FarConfig, seed: int) -> Subject:
        return subject


def load(text: str, folder: Path) -> MethodUse:
    """The candidate of a scenario that says `text` below `model:`."""
    (folder / "pytest.ini").touch()
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    (folder / "s.unlearn.yaml").write_text(f"version: 1\nmodel:\n  original: m\n{lines}{REST}", encoding="utf-8")
    (candidate,) = load_scenario(folder / "s.unlearn.yaml", folder).models.candidates
    assert isinstance(candidate.made, MethodUse)
    return candidate.made


def test_the_list_has_every_method_with_what_it_needs_reaches_costs_and_rests_on(say: Callable[..., str]) -> None:
    lines = say("methods").splitlines()
    assert [match[1] for line in lines if (match := re.match(r"  (\w+)", line))] == METHODS.names()
    assert max(map(len, lines)) <= 80
    flat = " ".join(" ".join(lines).split())
    assert "needs: forget, original, retain; reach: weights; cost: 2; paper: arXiv:2404.05868" in flat
    assert "needs: nothing; reach: weights; cost: no steps; paper: none" in flat


def test_the_list_as_json_is_plain_data(say: Callable[..., str]) -> None:
    told = {one["name"]: one for one in json.loads(say("methods", "--json"))}
    assert list(told) == METHODS.names()
    assert {**told["grad_diff"], "paper": None} == {
        "name": "grad_diff",
        "about": "Gradient difference: ascend on the forget set, descend on the retain set.",
        "needs": ["forget", "retain"],
        "reach": "weights",
        "cost": 2.0,
        "band": {"recall": [0.0, 0.2], "retention": [0.2, 0.8]},
        "paper": None,
    }
    assert told["grad_diff"]["paper"].startswith('Liu et al., "Continual Learning and Private Unlearning", CoLLAs 2022')
    assert told["none"]["cost"] is None


def test_one_is_told_with_its_docstring_its_keys_their_ranges_and_a_snippet(say: Callable[..., str]) -> None:
    text = say("methods", "npo")
    doc = sys.modules["pytest_unlearn.methods.npo"].__doc__ or ""
    assert text.startswith(doc.strip())
    assert "\non a small world: recalled of what must go 0% to 20%, kept of the rest 10% to 70%\n" in text
    assert "barely forgets" not in text
    assert "kept of the rest 60% to 100%; barely forgets\n" in say("methods", "ceu")
    keys = text.partition("\nkeys:\n")[2].splitlines()
    assert "  steps: a whole number from 1 or null" in keys
    assert "  beta: a number above 0, default 0.1" in keys
    assert "  lora: {rank: a whole number from 1, alpha: a number above 0, keep: true or" in keys
    assert "  clip: a number above 0 or null, default 1.0" in keys
    assert keys[keys.index("  retain_weight: a number from 0, default 1.0") + 1] == (
        "      alpha, the weight of the retain term; 0 for none"
    )


def test_every_key_of_every_method_is_told_with_a_meaning(say: Callable[..., str]) -> None:
    for name in METHODS.names():
        told = json.loads(say("methods", name, "--json"))
        assert list(told["keys"]) == [field.name for field in dataclasses.fields(METHODS.get(name).config)]
        assert all(key["description"] for key in told["keys"].values())


@pytest.mark.parametrize("name", METHODS.names())
def test_the_snippet_that_is_printed_loads_and_means_the_defaults(
    name: str, tmp_path: Path, say: Callable[..., str]
) -> None:
    printed = say("methods", name).partition("unless given:\n\n")[2]
    made = load(printed.replace("\n  ", "\n").removeprefix("  "), tmp_path)
    assert (made.name, made.config) == (name, METHODS.get(name).config())


@pytest.mark.usefixtures("far")
def test_a_key_without_a_default_stands_there_with_its_example(tmp_path: Path, say: Callable[..., str]) -> None:
    assert load(snippet(METHODS.get("far")), tmp_path).config == FarConfig(far=3)
    assert "  far: a whole number above 2, required\n      how far\n" in say("methods", "far")
    assert plain(METHODS.get("far"))["paper"] is None


@pytest.mark.usefixtures("far")
def test_the_list_leaves_out_a_paper_that_is_not_named(say: Callable[..., str]) -> None:
    assert "needs: forget, original; reach: weights; cost: 1.33333\n" in say("methods")


def test_without_a_declared_cost_each_set_that_is_needed_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))

    def go(subject: Subject, data: Data, config: LoopConfig, seed: int) -> Subject:
        return subject

    needs: Any = {FORGET, RETAIN, ORIGINAL, REFERENCE}
    method("two_sets", needs=needs)(go)
    assert passes(METHODS.get("two_sets")) == 2


def test_a_method_that_is_not_there_is_told_with_the_nearest(say: Callable[..., str]) -> None:
    assert say("methods", "np", code=2) == "unknown method 'np' - did you mean 'npo'?\n"
