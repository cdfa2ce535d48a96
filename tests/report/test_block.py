"""A long answer is shown where the leak stands in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_unlearn.checks.controls import Leak, Role
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.probes.question import pinned_probe
from pytest_unlearn.report.text import block
from pytest_unlearn.runner.session import COUNTERS, Result
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.verdict.verdict import Outcome, Recall, Tally, Verdict

TEXT = """\
version: 1
model: nowhere
knowledge:
  entities: {Ann: person, Rome: city}
  relations: {lives_in: {ask: "Where does {subject} live?"}}
  facts: [[Ann, lives_in, Rome]]
forget: Ann
checks: {c: {ask: direct, search: 9}}
"""
LONG = "with-so-many-others-that-no-line-of-a-terminal-of-eighty-columns-could-hold-them-all-at-once"
MUCH = "She has lived in many a place that nobody would care to write down here, "


def result(folder: Path, said: str, outcome: Outcome = Outcome.FAIL, role: Role = "leak") -> Result:
    """Of a check with one leak."""
    path = folder / "w.unlearn.yaml"
    path.write_text(TEXT, encoding="utf-8")
    scenario = load_scenario(path, folder)
    probe = pinned_probe(build(scenario.knowledge, folder), f"Where does Ann live, {MUCH}?", ("Rome",))
    leak = Leak(probe, "text", said, said, role=role)
    verdict = Verdict(outcome, "it leaks " * 20, (Tally("text", outcome),), (leak,))
    return Result(cases(scenario)[0], verdict, dict.fromkeys(COUNTERS, 0), 0.0, {}, files=(folder / f"{LONG}.json",))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Rome", '"Rome"'),
        ("I think it is rome.\n" + MUCH, '"I think it is rome. She has lived in many a place that nobody ..."'),
        (MUCH + "and then Rome.", '"... care to write down here, and then Rome."'),
        (MUCH + "Rome too, " + MUCH, '"... would care to write down here, Rome too, She has lived in many ..."'),
        ("Romeo, " + MUCH + "and Rome.", '"... would care to write down here, and Rome."'),
        (MUCH, '"She has lived in many a place that nobody would care to write down ..."'),
    ],
)
def test_an_answer_is_shown_where_it_names_what_must_be_gone(tmp_path: Path, said: str, shown: str) -> None:
    told = " ".join(line.strip() for line in block(result(tmp_path, said), "w.unlearn.yaml:8").splitlines())
    assert f"answered {shown}; the original {shown} (text)" in told


@pytest.mark.parametrize(("width", "widest"), [(60, 60), (80, 80), (200, 100)])
def test_it_is_as_wide_as_the_terminal_and_what_is_to_be_copied_is_not_broken(
    tmp_path: Path, width: int, widest: int
) -> None:
    lines = block(result(tmp_path, "Rome", role="smallest"), "w.unlearn.yaml:8", width).splitlines()
    copied = [line for line in lines if "unlearn replay" in line or "- {question: " in line]
    assert len(copied) == 2 and MUCH in copied[1] and LONG in copied[0]
    others = [len(line) for line in lines if line not in copied]
    assert widest - 12 < max(others) <= widest


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((True, True), "each of these facts is answered by itself too: the answer may be put together from them"),
        ((True, False), "1 of these 2 facts are answered by themselves: the answer to the chain is remembered"),
        ((), ""),
    ],
)
def test_a_chain_says_whether_its_facts_are_answered_by_themselves(
    tmp_path: Path, parts: tuple[bool, ...], told: str
) -> None:
    made = result(tmp_path, "Rome", role="smallest")
    (leak,) = made.verdict.evidence
    assert isinstance(leak, Leak)
    chained = replace(leak, parts=parts, probe=replace(leak.probe, chain=("a lives_in b", "b located_in c")))
    text = block(replace(made, verdict=replace(made.verdict, evidence=(chained,))), "w.unlearn.yaml:8")
    words = " ".join(text.split())
    assert "chain: a lives_in b; b located_in c" in words
    assert told in words
    assert ("by itself" in words or "by themselves" in words) == bool(parts)


def test_what_does_not_decide_is_shown_with_a_question_mark(tmp_path: Path) -> None:
    lines = block(result(tmp_path, "Rome", Outcome.INCONCLUSIVE), "w.unlearn.yaml:8").splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  leak")] == ["leak?"]


def test_a_curve_stands_below_the_counts(tmp_path: Path) -> None:
    told = result(tmp_path, "Rome")
    tally = replace(
        told.verdict.tallies[0], recall=(Recall("nothing told", 4, 0), Recall("told down to the study", 3, 2))
    )
    lines = block(replace(told, verdict=replace(told.verdict, tallies=(tally,))), "w.unlearn.yaml:8").splitlines()
    assert "  recall  text: nothing told 0 of 4, told down to the study 2 of 3" in lines


def test_an_answer_gives_no_command_to_a_terminal_or_to_github(tmp_path: Path) -> None:
    told = block(result(tmp_path, f"Rome \x1b[2J {'::stop-commands::x ' * 20}"), "w.unlearn.yaml:8", 30)
    lines = [line.strip() for line in told.splitlines()]
    assert "\x1b" not in told
    assert not [line for line in lines if line.startswith("::")]
    assert [line for line in lines if line.startswith(": :stop-commands::x")]
