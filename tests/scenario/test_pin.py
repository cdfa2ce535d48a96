"""Writing an example into a scenario leaves the rest of the file as it was typed."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.scenario.nodes import document_of
from pytest_unlearn.scenario.pin import example, with_example

PATH = Path("s.unlearn.yaml")
LINE = example("Where does Ann live?", ["Lund", 'the "Old" town'])
STYLES = {
    "flow": "a: 1\nchecks:\n  other: {ask: x}\n  c: {ask: direct, limit: 5%}  # why\nz: 2\n",
    "block": "checks:\n  # above\n  c:\n    ask: direct  # why\n    limit: 5%\n\nz: 2\n",
    "flow with some": "checks:\n  c: {ask: direct, examples: [{question: q, accepted: [a]}], limit: 5%}\nz: 2\n",
    "flow with none": "checks:\n  c: {ask: direct, examples: [], limit: 5%}\nz: 2\n",
    "block with some": "checks:\n  c:\n    ask: direct\n    examples:\n      - {question: q, accepted: [a]}\n"
    "      # b\n      - question: r\n        accepted: [b]\n    limit: 5%\nz: 2\n",
    "block not indented": "checks:\n  c:\n    examples:\n    - {question: q, accepted: [a]}\n    ask: direct\nz: 2\n",
    "windows": "checks:\r\n  c:\r\n    ask: direct\r\n    limit: 5%\r\nz: 2\r\n",
}


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_the_example_is_first_and_nothing_else_changes(text: str) -> None:
    before = document_of(text, PATH).data
    found = with_example(document_of(text, PATH), text, "c", LINE)
    after = document_of(found, PATH).data
    assert after["checks"]["c"]["examples"] == [
        {"question": "Where does Ann live?", "accepted": ["Lund", 'the "Old" town']},
        *before["checks"]["c"].get("examples", []),
    ]
    del after["checks"]["c"]["examples"]
    before["checks"]["c"].pop("examples", None)
    assert after == before
    changes = SequenceMatcher(None, text, found, autojunk=False).get_opcodes()
    assert {change[0] for change in changes} <= {"equal", "insert"}
    assert "\r\n" not in text or "\n" not in found.replace("\r\n", "")


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1), st.sampled_from(sorted(STYLES)))
def test_whatever_is_asked_is_read_back(question: str, accepted: list[str], style: str) -> None:
    text = STYLES[style]
    found = with_example(document_of(text, PATH), text, "c", example(question, accepted))
    assert document_of(found, PATH).data["checks"]["c"]["examples"][0] == {"question": question, "accepted": accepted}


def test_a_request_is_named_where_there_are_several() -> None:
    assert example("Q?", ["A"], "people") == '{question: "Q?", accepted: ["A"], target: people}'


@pytest.mark.parametrize("text", ["checks: {d: {ask: direct}}\n", "checks: 3\n", "a: 1\n"])
def test_a_check_that_is_no_more_is_told(text: str) -> None:
    with pytest.raises(UnlearnError) as error:
        with_example(document_of(text, PATH), text, "c", LINE)
    assert str(error.value) == "s.unlearn.yaml: there is no check 'c' any more to pin a question to"
