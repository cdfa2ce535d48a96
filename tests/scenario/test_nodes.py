from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark, Problem, ScenarioError
from pytest_unlearn.scenario import nodes
from pytest_unlearn.scenario.nodes import Document, read_yaml

Read = Callable[[str], Document]
QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def read(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Both parsers: libyaml's, and PyYAML's own where libyaml is missing."""
    monkeypatch.setattr(nodes, "_LOADER", getattr(yaml, request.param))

    def read(text: str) -> Document:
        path = tmp_path / "a.yaml"
        path.write_bytes(text.encode())
        return read_yaml(path)

    return read


def complaints(read: Read, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [f"{p.mark.line}:{p.mark.column} {p.message}" for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("+12", 12),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e-4", 0.0001),
        ("-.5", -0.5),
        ("5.", 5.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("'5'", "5"),
        ('"true"', "true"),
        ("|\n  5\n", "5\n"),
    ],
)
def test_core_types_are_read(read: Read, text: str, value: object) -> None:
    data = read(f"key: {text}").data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


@pytest.mark.parametrize(
    "text", ["NO", "off", "yes", "12:30:45", "1_000", "5%", "2024-01-01", "+", "-x", ".", "0b1", "1e"]
)
def test_what_only_yaml_1_1_or_nobody_calls_a_number_is_text(read: Read, text: str) -> None:
    assert read(f"key: {text}").data == {"key": text}


def test_nan_is_a_float(read: Read) -> None:
    assert math.isnan(read("key: .nan").data["key"])


def test_values_and_keys_have_their_places(read: Read, tmp_path: Path) -> None:
    document = read("# one\nchecks:\n  direct: {ask: direct, tags: [a, b]}\n")
    path = tmp_path / "a.yaml"
    assert document.marks["checks", "direct", "ask"] == Mark(path, 3, 17)
    assert document.key_marks["checks", "direct", "ask"] == Mark(path, 3, 12)
    assert document.marks["checks", "direct", "tags", 1] == Mark(path, 3, 35)
    assert document.marks["checks",] == Mark(path, 3, 3)
    assert document.key_marks["checks",] == Mark(path, 2, 1)
    assert set(document.marks) - set(document.key_marks) == {
        (),
        ("checks", "direct", "tags", 0),
        ("checks", "direct", "tags", 1),
    }


def test_what_the_file_lacks_has_the_place_of_what_is_around_it(read: Read, tmp_path: Path) -> None:
    document = read("a:\n  b: [1]\n")
    assert document.mark(("a", "b", 7)) == Mark(tmp_path / "a.yaml", 2, 6)
    assert document.mark(("a", "missing"), key=True) == Mark(tmp_path / "a.yaml", 1, 1)


def test_a_part_is_placed_by_paths_of_its_own_and_blocks_by_their_key(read: Read, tmp_path: Path) -> None:
    document = read("knowledge:\n  entities:\n    Paris: {type: city}\n")
    marks = document.within(("knowledge",), {"entities": {"Paris": {"type": "city"}}})
    assert dict(marks) == {
        (): Mark(tmp_path / "a.yaml", 1, 1),
        ("entities",): Mark(tmp_path / "a.yaml", 2, 3),
        ("entities", "Paris"): Mark(tmp_path / "a.yaml", 3, 5),
        ("entities", "Paris", "type"): Mark(tmp_path / "a.yaml", 3, 19),
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\na: 2", ["2:1 the key 'a' is given twice, first in line 1"]),
        ("a: 1\n'a': 2", ["2:1 the key 'a' is given twice, first in line 1"]),
        ("a: &x 1", ["1:4 anchors are not supported: aliases cannot be used in this file"]),
        (
            "a: &x 1\nb: *x",
            [
                "1:4 anchors are not supported: aliases cannot be used in this file",
                "2:4 aliases are not supported: write the value out",
            ],
        ),
        (
            "a: &x 1\n*x : 2",
            [
                "1:4 anchors are not supported: aliases cannot be used in this file",
                "2:1 aliases are not supported: write the key out",
            ],
        ),
        ("a: !!str 5", ["1:4 tags are not supported: remove it, and put text that looks like a number in quotes"]),
        (
            "a: !!python/object/apply:os.system [x]",
            ["1:4 tags are not supported: remove it, and put text that looks like a number in quotes"],
        ),
        ("&x a: 1", ["1:1 anchors and tags are not supported: write the key alone"]),
        ("<<: {a: 1}", ["1:1 merge keys are not supported: write the keys out"]),
        ("1: x", ["1:1 a key must be text: write '1' in quotes"]),
        ("true: x", ["1:1 a key must be text: write 'true' in quotes"]),
        ("~: x", ["1:1 a key must be text: write '~' in quotes"]),
        ("[a, b]: x", ["1:1 a key must be text, not a list or a mapping"]),
        ("? {a: 1}\n: x", ["1:3 a key must be text, not a list or a mapping"]),
        ("a: 1\n---\nb: 2", ["2:1 one document a file: put what follows into a file of its own"]),
        ("%YAML 1.1\n---\na: 1", ["1:1 files are read as YAML 1.2: remove the %YAML line"]),
        (f"a: {'9' * 5000}", ["1:4 this number is too long: put it in quotes if it is text"]),
        ("a: [" * 40, ["1:65 nested more than 32 levels deep"]),
        ("- " * 40, ["1:65 nested more than 32 levels deep"]),
        ("a: b: c", ["1:5 not valid YAML: text that holds `: ` needs quotes around it"]),
        ("a:\n\tb: 1", ["2:1 YAML is indented with spaces, not with tabs"]),
        ("a: 1\nb: \x07", ["2:4 the character U+0007 is not allowed in YAML"]),
    ],
)
def test_what_is_refused_is_placed(read: Read, text: str, found: list[str]) -> None:
    assert complaints(read, text) == found


def test_a_mistake_shows_its_line_with_a_caret(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        read("model: x\nforget: *who\n")
    assert str(caught.value) == (
        f"{tmp_path}/a.yaml:2:9: aliases are not supported: write the value out\n    forget: *who\n            ^"
    )


def test_32_levels_are_read(read: Read) -> None:
    assert read("[" * 32 + "]" * 32).data != []


def test_a_merge_key_in_quotes_is_a_key(read: Read) -> None:
    assert read("'<<': 1").data == {"<<": 1}


def test_half_of_a_surrogate_pair_is_refused(read: Read) -> None:
    (told,) = complaints(read, 'a: "\\ud83d"')
    assert told in (
        "1:4 half of a surrogate pair is not a character: write the character itself",
        "1:7 not valid YAML: found invalid Unicode character escape code",  # libyaml sees it first
    )


def test_syntax_says_what_was_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [1,\nb: 2\n")
    with pytest.raises(ScenarioError) as caught:
        read_yaml(path)
    assert caught.value.problems[0].message == (
        "not valid YAML: did not find expected ',' or ']' (while parsing a flow sequence that starts in line 1)"
    )


def test_an_empty_file_holds_nothing(read: Read) -> None:
    assert read("# only a comment\n").data is None


def test_lines_that_end_as_windows_does_keep_their_numbers(read: Read) -> None:
    assert read("a: 1\r\nb: 2\r\n").marks["b",].line == 2


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(tmp_path / "a.yaml").data == {"a": 1}


def test_bytes_that_are_not_utf_8_are_placed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("a: 1\nb: Zürich\n".encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"a\.yaml:2:5: the file is not UTF-8 here: save it as UTF-8"):
        read_yaml(tmp_path / "a.yaml")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="the file cannot be read: No such file or directory"):
        read_yaml(tmp_path / "a.yaml")


text = st.text(st.characters(codec="utf-8"), max_size=20)
finite = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text


def nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)

    return st.recursive(scalars, grow, max_leaves=12)


class Quoting(yaml.SafeDumper):
    """Writes block style; quotes all text, since it takes for text what YAML 1.2 reads as a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@QUIET
@given(data=nested(finite | st.sampled_from([math.inf, -math.inf])))
@example(data={"a": [1e20, -0.0, 5e-324, "1e3", "NO", "", " x ", "a: b", "# c", "é\n\u2028\x85\t"]})
def test_plain_data_survives_block_style(read: Read, data: object) -> None:
    assert read(yaml.dump(data, Dumper=Quoting, allow_unicode=True)).data == data


NOT_RAW = re.compile(nodes._UNPRINTABLE.pattern + "|[\x85\u2028\u2029]")  # those that break lines for libyaml too


@QUIET
@given(data=nested(finite))
def test_json_is_read_as_json(read: Read, data: object) -> None:
    text = json.dumps(data, ensure_ascii=False)
    escaped = NOT_RAW.sub(lambda m: f"\\U{ord(m[0]):08x}", text)
    assert read(escaped).data == data


yamlish = st.lists(
    st.sampled_from([*"abc:-[]{}?!&*<>|%@'\"#,\n\t 0159.~", "  ", ": ", "- ", "\n  ", "\\u", "---\n"])
).map("".join)


@QUIET
@given(text=st.text() | yamlish)
@example(text="\udfff")
@example(text='"\\U99999999"')
@example(text="%YAML 99999999999.1\n---\na")
def test_no_text_raises_anything_but_a_scenario_error(read: Read, text: str) -> None:
    with suppress(ScenarioError):
        read(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))


def test_a_message_can_be_written_whatever_it_quotes() -> None:
    assert str(Problem(Mark(Path("a")), "the key '\ud800x'")) == "a:1:1: the key '\ufffdx'"
