"""Files of questions: what they say, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.pairs import Pair, read_pairs

JSONL = """\
{"question": "Where does Jane live?", "answer": "Lyon", "paraphrases": ["Jane's home town?"], "entities": ["Jane"]}

{"question": "What is she called?", "answer": [" Jane Roe ", "Ms Roe", "Jane Roe"]}
"""
CSV = """\
answer,question,paraphrases
Lyon,Where does Jane live?,Jane's home town?|"In which city, then?"
Jane Roe | Ms Roe,"What is she
called?",
"""


def read(folder: Path, text: str, name: str = "q.jsonl") -> tuple[Pair, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_pairs(path, file_digest(path))


def complaints(folder: Path, text: str, name: str = "q.jsonl") -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(folder, text, name)
    assert all(one.mark.file == folder / name for one in caught.value.problems)
    return [f"{one.mark.line}:{one.mark.column} {one.message}" for one in caught.value.problems]


def test_an_object_a_line_is_a_pair(tmp_path: Path) -> None:
    one, two = read(tmp_path, JSONL)
    assert one == Pair("Where does Jane live?", ("Lyon",), ("Jane's home town?",), ("Jane",))
    assert two == Pair("What is she called?", ("Jane Roe", "Ms Roe"))
    assert (one.at, two.at) == (Mark(tmp_path / "q.jsonl", 1), Mark(tmp_path / "q.jsonl", 3))


def test_a_table_says_the_same_with_bars_between_several(tmp_path: Path) -> None:
    text = CSV.replace('"In which city, then?"', "In which city?")
    one, two = read(tmp_path, text, "q.csv")
    assert one == Pair("Where does Jane live?", ("Lyon",), ("Jane's home town?", "In which city?"))
    assert two == Pair("What is she\ncalled?", ("Jane Roe", "Ms Roe"))
    assert [one.at.line, two.at.line] == [2, 3]


def test_wrong_answers_may_stand_beside_the_right_ones(tmp_path: Path) -> None:
    line = '{"question": "Where does Jane live?", "answer": "Lyon", "alternates": ["Turin", "Oslo"]}'
    (one,) = read(tmp_path, line)
    (two,) = read(tmp_path, "question,answer,alternates\nWhere does Jane live?,Lyon,Turin|Oslo\n", "q.csv")
    assert one == two == Pair("Where does Jane live?", ("Lyon",), alternates=("Turin", "Oslo"))
    assert one.id == Pair("Where does Jane live?", ("Lyon",)).id


def test_a_unit_holds_no_word_of_the_question_and_depends_on_question_and_answer(tmp_path: Path) -> None:
    one = Pair("Where?", ("Lyon",))
    assert one.id.startswith("q:") and len(one.id) == 14
    assert one.id == Pair("Where?", ("Lyon",), ("In which city?",)).id
    assert one.id != Pair("Where?", ("Turin",)).id


def test_every_mistake_of_a_file_is_told_at_its_place(tmp_path: Path) -> None:
    lines = [
        '{"question": "a", "answer": "b"',
        '["a", "b"]',
        '{"quesion": "a", "answer": "b"}',
        '{"question": "c"}',
        '{"question": 5, "answer": ["b", 6]}',
        '{"question": " ", "answer": []}',
        '{"question": "d", "answer": "e", "source": "f", "paraphrases": [""]}',
        '{"question": "Is it?", "answer": "yes"}',
        '{"question": "is it?", "answer": "no"}',
        '{"question": "Was it?", "answer": ["yes", "Indeed"], "alternates": ["no", "indeed"]}',
    ]
    assert complaints(tmp_path, "\n".join(lines)) == [
        '1:32 not valid JSON: Expecting \',\' delimiter; a line is one object, {"question": ..., "answer": ...}',
        '2:1 expected an object, {"question": ..., "answer": ...}',
        "3:2 unknown field 'quesion' - did you mean 'question'?",
        "4:1 there is no field `answer`",
        "5:2 `question` must be a text: put it in quotes",
        "5:17 `answer` must be a text or a list of texts: put it in quotes",
        "6:2 `question` must not be empty",
        "6:19 `answer` must not be empty",
        "7:34 unknown field 'source' (known: alternates, answer, entities, paraphrases, question)",
        "7:49 `paraphrases` must not be empty",
        "9:1 line 8 asks this already: give all accepted answers there",
        "10:1 an answer stands in `alternates` as well, which are wrong answers",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["1:1 the table is empty: its first line is question,answer,paraphrases,entities,alternates"]),
        (
            "question,answer\n",
            ["1:1 the table is empty: its first line is question,answer,paraphrases,entities,alternates"],
        ),
        (
            "question;answer\na;b\n",
            [
                "1:1 there is no column `answer`: the first line names the columns, separated by commas",
                "1:1 unknown column 'question;answer' - did you mean 'question'?",
            ],
        ),
        ("question,answer,answer\na,b,c\n", ["1:1 the column 'answer' is named twice"]),
        (
            "question,answer\na\n,c\nd,|\ne, f, g\n",
            [
                "2:1 expected 2 cells, got 1: put a cell that holds a comma in quotes",
                "3:1 the cell `question` is empty",
                "5:1 expected 2 cells, got 3: put a cell that holds a comma in quotes",
            ],
        ),
        ("question,answer\na,|\n", ["2:1 the cell `answer` is empty"]),
        ('question,answer\n"a"b,c\n', ["2:1 not valid CSV: ',' expected after '\"'"]),
    ],
)
def test_a_mistaken_table_is_placed(tmp_path: Path, text: str, found: list[str]) -> None:
    assert sorted(complaints(tmp_path, text, "q.csv")) == found


def test_json_without_end_is_a_mistake(tmp_path: Path) -> None:
    assert complaints(tmp_path, "[" * 200_000) == [
        '1:1 not valid JSON: nested too deep; a line is one object, {"question": ..., "answer": ...}'
    ]


def test_a_number_without_end_and_half_a_character_are_mistakes(tmp_path: Path) -> None:
    assert complaints(tmp_path, '{"question": ' + "9" * 5000 + "}") == [
        '1:1 not valid JSON: it has a number that is too long; a line is one object, {"question": ..., "answer": ...}'
    ]
    assert complaints(tmp_path, '{"question": "a", "answer": "\\udc80"}') == [
        "1:19 `answer` has half of a surrogate pair, which is not a character: write the character itself"
    ]


def test_a_file_without_a_question_or_not_in_utf_8_is_a_mistake(tmp_path: Path) -> None:
    assert complaints(tmp_path, "\n") == ["1:1 the file holds no question"]
    (tmp_path / "b.jsonl").write_bytes(b'{"question": "\xff"}')
    with pytest.raises(ScenarioError, match=r"b.jsonl:1:15: the file is not UTF-8 here: save it as UTF-8"):
        read_pairs(tmp_path / "b.jsonl", "")
