"""Words, and documents in pieces of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.knowledge.documents import PIECE, Document, read_document
from pytest_unlearn.names import plain_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane  lives\nin Lyon.", ["Jane", "lives", "in", "Lyon."]),
        ("a - b -- c", ["a", "b", "c"]),
        ("don't (stop) 3.5%", ["don't", "(stop)", "3.5%"]),
        ("東京に。", ["東", "京", "に"]),
        ("in 東京 now", ["in", "東", "京", "now"]),
        (" .. ", []),
    ],
)
def test_a_word_is_what_white_space_separates_or_one_character_of_a_script_without(
    text: str, expected: list[str]
) -> None:
    assert [text[start:end] for start, end in words(text)] == expected


def test_words_are_compared_without_case_accents_and_punctuation_around_them() -> None:
    assert plain_words("“Élan”, she said: don’t!") == ["elan", "she", "said", "don't"]


def test_pieces_hold_the_whole_document_in_order() -> None:
    text = "\n".join(f"word{i}," for i in range(2 * PIECE + 5))
    pieces = Document(text).pieces()
    assert [len(words(piece)) for piece in pieces] == [PIECE, PIECE, 5]
    assert "\n".join(pieces) == text


def test_words_between_two_places_are_given_as_they_are_written() -> None:
    assert Document("“One,  two”\n three").between(0, 2) == "“One,  two”"
    assert Document("one").between(1, 5) == ""


def test_a_document_without_a_word_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(" ...\n")
    with pytest.raises(ScenarioError, match=r"a.txt:1:1: the document is empty"):
        read_document(tmp_path / "a.txt", "")
