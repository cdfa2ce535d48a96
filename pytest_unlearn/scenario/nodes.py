"""A strict reader of YAML 1.2: plain data, and the place of every key and value.

It works on libyaml's events, where aliases, anchors and tags are still visible and nothing has been nested yet, so that
a hostile file is refused at its aliases or at depth 33. Editors read YAML 1.2; PyYAML's own loaders read 1.1, in which
`NO` is false and `1e-4` is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from pytest_unlearn.errors import Mark, Problem, ScenarioError

Where: TypeAlias = tuple[str | int, ...]
_Read: TypeAlias = Callable[[], Any]

DEPTH = 32
_LONGEST_NUMBER = 400  # characters; Python refuses to read integers of more than 4,300 digits
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # the line breaks that libyaml counts
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_MAYBE_NUMBER = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Marks(Mapping[Where, Mark]):
    """The place of each path. Kept as the parser's own marks until asked for: most are never looked at."""

    __slots__ = ("_path", "raw")

    def __init__(self, path: Path, raw: dict[Where, Any]) -> None:
        self._path, self.raw = path, raw

    def __getitem__(self, where: Where) -> Mark:
        return _mark(self._path, self.raw[where])

    def __iter__(self) -> Iterator[Where]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)


@dataclass(frozen=True, slots=True)
class Document:
    """One file as plain data. `marks` places values and `key_marks` keys, by their path from the root."""

    path: Path
    data: Any
    marks: Marks
    key_marks: Marks
    source_lines: tuple[str, ...]

    def mark(self, where: Where, *, key: bool = False) -> Mark:
        """The place of a value, or of its key; of the nearest thing around it when the file does not hold it."""
        for end in range(len(where), -1, -1):
            mark = (key and self.key_marks.get(where[:end])) or self.marks.get(where[:end])
            if mark:
                return mark
        return Mark(self.path)

    def problem(self, where: Where, message: str, *, key: bool = False) -> Problem:
        """A mistake at a value, or at its key."""
        return problem_at(self.mark(where, key=key), message, self.source_lines)

    def within(self, where: Where, data: Any) -> Marks:
        """The places of `data`, a part of what stands at `where`, by paths from there.

        A mapping or a list has the place of its key, since a block starts in the line below.
        """
        found: dict[Where, Any] = {}

        def visit(value: Any, path: Where, here: Where) -> None:
            if isinstance(value, dict):
                found[path] = self.key_marks.raw.get(here) or self.marks.raw[here]
                for key, item in value.items():
                    visit(item, (*path, key), (*here, key))
            elif isinstance(value, list):
                found[path] = self.key_marks.raw.get(here) or self.marks.raw[here]
                for i, item in enumerate(value):
                    visit(item, (*path, i), (*here, i))
            else:
                found[path] = self.marks.raw[here]

        visit(data, (), where)
        return Marks(self.path, found)


def problem_at(mark: Mark, message: str, lines: tuple[str, ...]) -> Problem:
    """A mistake at a mark, with the source line it stands in."""
    return Problem(mark, message, lines[mark.line - 1] if mark.line <= len(lines) else "")


def read_yaml(path: Path) -> Document:
    """The data of a file and the place of everything in it.

    Only what YAML 1.2's core schema knows: mappings with text keys, lists, text, integers, floats, booleans and null.
    Aliases, anchors, tags, merge keys, duplicate keys, several documents, more than 32 levels and bytes that are not
    UTF-8 raise ScenarioError, all such mistakes of the file together.
    """
    return document_of(read_text(path), path)


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark; raises ScenarioError where bytes are not UTF-8."""
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ScenarioError([Problem(Mark(path), f"the file cannot be read: {why}")]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        mark = _place(path, before, len(before))
        raise ScenarioError([Problem(mark, "the file is not UTF-8 here: save it as UTF-8")]) from None


def document_of(text: str, path: Path) -> Document:
    """The same for a text that is at hand; mistakes are placed in `path`."""
    return _Reading(path, text).document()


def _mark(path: Path, raw: Any) -> Mark:
    return Mark(path, raw.line + 1, raw.column + 1)


def _place(path: Path, text: str, position: int) -> Mark:
    lines = _BREAK.split(text[:position])
    return Mark(path, len(lines), len(lines[-1]) + 1)


def offset(text: str, mark: Mark) -> int:
    """Where in a text a place is, in characters from 0."""
    starts = [0, *(found.end() for found in _BREAK.finditer(text))]
    return starts[mark.line - 1] + mark.column - 1


class _Reading:
    """One pass over the events of one file."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._lines = tuple(_BREAK.split(text))
        self._marks: dict[Where, Any] = {}
        self._key_marks: dict[Where, Any] = {}
        self._problems: list[Problem] = []

    def document(self) -> Document:
        try:
            loader = _LOADER(self._text)
            try:
                data = self._document(loader.get_event)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            found = _UNPRINTABLE.search(self._text)
            if found is None:
                self._stop(Mark(self._path), f"not valid YAML: {error}")
            mark = _place(self._path, self._text, found.start())
            self._stop(mark, f"the character U+{ord(found[0]):04X} is not allowed in YAML")
        if self._problems:
            raise ScenarioError(self._problems)
        marks, key_marks = Marks(self._path, self._marks), Marks(self._path, self._key_marks)
        return Document(self._path, data, marks, key_marks, self._lines)

    def _document(self, read: _Read) -> Any:
        read()  # the start of the stream
        event = read()
        if type(event) is yaml.StreamEndEvent:
            return None
        if event.version not in (None, (1, 2)):
            self._complain(event, "files are read as YAML 1.2: remove the %YAML line")
        data = self._value(read, read(), (), 1)
        read()  # the end of the document
        event = read()
        if type(event) is not yaml.StreamEndEvent:
            self._complain(event, "one document a file: put what follows into a file of its own")
        return data

    def _value(self, read: _Read, event: Any, where: Where, depth: int) -> Any:
        self._marks[where] = event.start_mark
        kind = type(event)
        if kind is yaml.AliasEvent:
            self._complain(event, "aliases are not supported: write the value out")
            return None
        if event.anchor is not None:
            self._complain(event, "anchors are not supported: aliases cannot be used in this file")
        if event.tag is not None:
            self._complain(event, "tags are not supported: remove it, and put text that looks like a number in quotes")
        if kind is yaml.ScalarEvent:
            return self._scalar(event)
        if depth > DEPTH:
            self._stop(_mark(self._path, event.start_mark), f"nested more than {DEPTH} levels deep")
        return (self._mapping if kind is yaml.MappingStartEvent else self._sequence)(read, where, depth)

    def _sequence(self, read: _Read, where: Where, depth: int) -> list[Any]:
        items: list[Any] = []
        end = yaml.SequenceEndEvent
        while type(event := read()) is not end:
            items.append(self._value(read, event, (*where, len(items)), depth + 1))
        return items

    def _mapping(self, read: _Read, where: Where, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        end = yaml.MappingEndEvent
        while type(event := read()) is not end:
            key = self._key(read, event, depth)
            here = (*where, key)
            if key in items:
                first = self._key_marks[here].line + 1
                self._complain(event, f"the key '{key}' is given twice, first in line {first}")
            self._key_marks[here] = event.start_mark
            items[key] = self._value(read, read(), here, depth + 1)
        return items

    def _key(self, read: _Read, event: Any, depth: int) -> str:
        if type(event) is not yaml.ScalarEvent:
            if type(event) is yaml.AliasEvent:
                self._complain(event, "aliases are not supported: write the key out")
            else:
                self._complain(event, "a key must be text, not a list or a mapping")
                self._value(read, event, (), depth + 1)
            return ""
        if event.anchor is not None or event.tag is not None:
            self._complain(event, "anchors and tags are not supported: write the key alone")
        key = self._scalar(event)
        text: str = event.value
        if key.__class__ is not str:
            self._complain(event, f"a key must be text: write '{text}' in quotes")
        elif text == "<<" and event.implicit[0]:
            self._complain(event, "merge keys are not supported: write the keys out")
        return text

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.implicit[0]:
            if text in _WORDS:
                return _WORDS[text]
            return self._number(event, text) if text[0] in _MAYBE_NUMBER else text
        if not text.isascii() and _SURROGATE.search(text):
            self._complain(event, "half of a surrogate pair is not a character: write the character itself")
        return text

    def _number(self, event: Any, text: str) -> Any:
        integer, based = _INT.fullmatch(text), _BASED.fullmatch(text)
        if not (integer or based or _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text)):
            return text
        if len(text) > _LONGEST_NUMBER:
            self._complain(event, "this number is too long: put it in quotes if it is text")
            return 0
        if integer or based:
            return int(text, 10 if integer else 0)
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def _syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        place = error.problem_mark or error.context_mark
        mark = _mark(self._path, place) if place else Mark(self._path)
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        if "\t" in line[: mark.column] and not line[: mark.column].strip():
            self._stop(mark, "YAML is indented with spaces, not with tabs")
        if (error.problem or "").startswith("mapping values are not allowed"):
            self._stop(mark, "not valid YAML: text that holds `: ` needs quotes around it")
        began = ""
        if error.context and error.context_mark and error.context_mark.line + 1 != mark.line:
            began = f" ({error.context} that starts in line {error.context_mark.line + 1})"
        self._stop(mark, f"not valid YAML: {error.problem or error.context}{began}")

    def _complain(self, event: Any, message: str) -> None:
        self._problems.append(problem_at(_mark(self._path, event.start_mark), message, self._lines))

    def _stop(self, mark: Mark, message: str) -> NoReturn:
        raise ScenarioError([*self._problems, problem_at(mark, message, self._lines)]) from None
