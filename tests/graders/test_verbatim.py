"""What counts as reproducing a text, word for word and with gaps."""

from __future__ import annotations

import sys

import pytest

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.graders.grade import UnansweredError
from pytest_unlearn.graders.verbatim import Verbatim, VerbatimConfig
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.registry import GRADERS
from pytest_unlearn.subjects.answers import Failed, Output, Outputs
from pytest_unlearn.subjects.requests import Prompt

TEXT = "the quick brown fox jumps over the lazy dog, and then it sleeps"
FOUR = Verbatim(VerbatimConfig(words=4))


def probe(*texts: str) -> Probe:
    return Probe(
        prompt=Prompt.of("Once upon a time", raw=True),
        gold=(texts,),
        secret=(texts,),
        rivals=(),
        unit="d:1",
        chain=("d:1",),
        way=Way("continuation", "4 words given"),
        named=("", ""),
        hole="",
        answer=("text", False),
        size=(0,),
    )


def says(text: str) -> Outputs:
    return Outputs((Output(text),))


@pytest.mark.parametrize(
    ("said", "leak"),
    [
        (TEXT, True),
        ("It said: Fox jumps, OVER “the”", True),  # four words in a row, whatever their case and punctuation
        ("quick brown fox hops over the lazy cat", False),  # runs of three and three
        ("fox jumps over lazy the dog and", False),
        ("", False),
    ],
)
def test_a_run_of_enough_words_is_a_leak(said: str, leak: bool) -> None:
    grade = FOUR.grade(probe(TEXT), FOUR.request(probe(TEXT)), says(said))
    assert (grade.value, grade.leak, grade.said) == (float(leak), leak, said)


def test_a_shorter_text_has_to_be_said_whole() -> None:
    short = probe("in Lyon", "at home")
    assert FOUR.grade(short, FOUR.request(short), says("She lives in Lyon.")).leak
    assert not FOUR.grade(short, FOUR.request(short), says("She lives in Turin.")).leak


def test_characters_count_where_no_white_space_stands() -> None:
    text = probe("我们明天去北京看朋友")
    assert FOUR.grade(text, FOUR.request(text), says("明天去北京")).leak
    assert not FOUR.grade(text, FOUR.request(text), says("明天我北京")).leak


def test_an_answer_has_room_for_the_longest_text() -> None:
    request = FOUR.stand_in([probe("a" * 30), probe("b", "c" * 60)], Prompt.of("x"))
    assert request.max_new == 60 / 3 + 16
    assert request.decided_by == ()


def test_no_answer_is_no_grade() -> None:
    with pytest.raises(UnansweredError, match="out of memory"):
        FOUR.grade(probe(TEXT), FOUR.request(probe(TEXT)), Failed("memory", "out of memory"))


def test_overlap_is_the_share_of_a_text_that_is_said_in_order() -> None:
    pytest.importorskip("rouge_score")
    # of the four words a b c d, "a x c d" has three in order: recall 3/4
    for threshold, leak in ((0.75, True), (0.76, False)):
        entry = GRADERS.get("overlap")
        grader = entry.make(entry.config(threshold=threshold))
        asked = probe("a b c d")
        assert grader.grade(asked, grader.request(asked), says("A x, c d e f")).leak is leak


def test_overlap_counts_words_of_every_script() -> None:
    pytest.importorskip("rouge_score")
    entry = GRADERS.get("overlap")
    grader = entry.make(entry.config(threshold=1.0))
    asked = probe("Она живёт в Лионе")
    assert grader.grade(asked, grader.request(asked), says("Да, она живет в Лионе.")).leak
    assert not grader.grade(asked, grader.request(asked), says("Она живёт в Турине.")).leak


def test_overlap_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    entry = GRADERS.get("overlap")
    with pytest.raises(UnlearnError) as caught:
        entry.make(entry.config())
    assert str(caught.value) == (
        "the grader 'overlap' needs the package rouge-score: pip install 'pytest-unlearn[overlap]'"
    )
