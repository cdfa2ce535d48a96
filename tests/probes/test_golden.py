"""The sample of questions that a person has read: it still comes out, reads well, and lists every right answer."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_unlearn.checks.flaws import ambiguous, flaws
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.transform import words

TOOL = Path(__file__).parents[2] / "tools" / "make_golden.py"


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_golden", TOOL)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


making = tool()
NAMES = {path.name.removesuffix(".unlearn.yaml"): path for path in making.SCENARIOS}


@cache
def drawn(name: str) -> list[Any]:
    found: list[Any] = making.sample(NAMES[name])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_sample_still_comes_out(name: str) -> None:
    kept = (making.GOLDEN / f"{name}.txt").read_text("utf-8")
    assert kept == making.text(NAMES[name]), f"run `python tools/make_golden.py --write {name}` and read what changed"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_fifty_questions_of_every_check_that_asks(name: str) -> None:
    scenario = drawn(name)[0].view.scenario
    assert len(drawn(name)) == making.SAMPLE
    assert {one.check.id for one in drawn(name)} == {check.id for check in scenario.checks if check.verb != "measure"}


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_it_reads_well(name: str) -> None:
    for one in drawn(name):
        said = words(one.probe.prompt)
        assert list(flaws(one.probe)) == [], said
        assert one.probe.options or not any(mentions(said, names) for names in one.probe.rivals), said
        assert said.lstrip()[:1].isupper() or said.lstrip()[:1] in "¿¡", said
    assert list(ambiguous(one.probe for one in drawn(name) if one.check.verb == "ask")) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_right_answer_of_it_is_listed(name: str) -> None:
    for one in drawn(name):
        assert unlisted(one.probe, one.view.knowledge, gone(one)) == set(), words(one.probe.prompt)


def gone(one: Any) -> frozenset[str]:
    """What need not be listed: the forgotten answers to a question whose retained ones count."""
    if one.check.verb == "ask":
        return frozenset()
    return frozenset(name for fact in one.view.closure.hidden for name in (fact.subject, fact.object))


def unlisted(probe: Probe, knowledge: Knowledge, besides: frozenset[str] = frozenset()) -> set[str]:
    """Right answers that a question does not list, by walking along the facts as the file has them.

    The thing that the question names is no answer to it; of a choice those count that it offers.
    """
    plain = probe.plain or probe
    ahead: dict[tuple[str, str, bool], set[str]] = defaultdict(set)
    for fact in knowledge.facts:
        for forward in (True, False):
            near, far = (fact.subject, fact.object) if forward else (fact.object, fact.subject)
            ahead[near, fact.relation, forward].add(far)
            if knowledge.relations[fact.relation].symmetric:
                ahead[near, fact.relation, not forward].add(far)
    start = knowledge.by_name[plain.named[0]].name
    ends = {start}
    for relation, forward in steps(plain):
        ends = {far for near in ends for far in ahead[near, relation, forward]}
    assert ends, "the walk finds at least what the question was made from"
    if probe.options:
        ends &= set(probe.options)
    return ends - {start} - besides - {names[0] for names in plain.gold}


def steps(probe: Probe) -> list[tuple[str, bool]]:
    """The relations that a question leads along, and whether forwards."""
    if probe.way.hops == 1:
        relation, direction, *_ = probe.way.template.split(".")
        return [(relation, direction != "inverse")]
    hops = probe.way.template.split(" > ")
    return [(hop.removesuffix(" back"), not hop.endswith(" back")) for hop in hops]


@pytest.mark.parametrize(("name", "check"), [("europe", "multi-hop"), ("world", "inverse"), ("rwku_style", "simple")])
def test_an_answer_that_is_missing_is_noticed(name: str, check: str) -> None:
    several = [one for one in drawn(name) if one.check.id == check and len(one.probe.gold) > 1]
    assert several
    for one in several:
        (first, *rest) = one.probe.gold
        assert unlisted(replace(one.probe, gold=tuple(rest)), one.view.knowledge) == {first[0]}


def test_the_tool_tells_what_would_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(making, "GOLDEN", tmp_path / "golden")
    monkeypatch.setattr(sys, "argv", ["make_golden.py", "japan"])
    assert making.main() == 1
    assert "+Which city is the capital of Japan?" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["make_golden.py", "--write", "japan"])
    assert making.main() == 0
    assert (tmp_path / "golden" / "japan.txt").read_text("utf-8") == making.text(NAMES["japan"])
    monkeypatch.setattr(sys, "argv", ["make_golden.py", "japan"])
    assert making.main() == 0
