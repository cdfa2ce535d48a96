"""Questions with their accepted answers, from JSONL and CSV files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import Mark, Problem, ScenarioError, did_you_mean
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.knowledge.tables import read_table
from pytest_unlearn.names import normalise
from pytest_unlearn.scenario.nodes import read_text

_HALF = re.compile("[\ud800-\udfff]")
NEEDED, OPTIONAL = ("question", "answer"), ("paraphrases", "entities", "alternates")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what counts as its answer.

    answers      every accepted wording of the answer; the first is trained on
    paraphrases  the question in other words, which no bundled method trains on
    entities     names of what it is about, as in the knowledge where there is one
    alternates   plausible wrong answers, which methods may train on in place of the right one
    """

    question: str
    answers: tuple[str, ...]
    paraphrases: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    at: Mark = field(default=Mark(Path()), compare=False)
    alternates: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The unit that probes about this question count as: it holds no word of it."""
        return f"q:{digest(self.question, self.answers)[:12]}"


@lru_cache(maxsize=64)
def read_pairs(path: Path, content: str) -> tuple[Pair, ...]:
    """The pairs of a file, in its order.

    JSONL: an object a line, with `question`, `answer` (a text, or a list of accepted ones) and perhaps the lists
    `paraphrases`, `entities` and `alternates`. CSV: columns of these names, in which `|` separates several. `content`
    is the digest of the file, so that a changed file is read again. Raises ScenarioError with every mistake of the
    file.
    """
    if path.suffix.lower() == ".csv":
        rows = read_table(path, content, NEEDED, OPTIONAL)
        pairs = [
            Pair(
                row.cells["question"],
                row.several("answer"),
                row.several("paraphrases"),
                row.several("entities"),
                row.at,
                row.several("alternates"),
            )
            for row in rows
        ]
        problems: list[Problem] = [problem(pair.at, "the cell `answer` is empty") for pair in pairs if not pair.answers]
    else:
        pairs, problems = _lines(path)
    problems += _twice(pairs)
    for pair in pairs:
        if not set(map(normalise, pair.answers)).isdisjoint(map(normalise, pair.alternates)):
            problems.append(problem(pair.at, "an answer stands in `alternates` as well, which are wrong answers"))
    if not pairs and not problems:
        problems.append(problem(Mark(path), "the file holds no question"))
    if problems:
        raise ScenarioError(sorted(problems, key=lambda one: (one.mark.line, one.mark.column)))
    return tuple(pairs)


def _lines(path: Path) -> tuple[list[Pair], list[Problem]]:
    pairs, problems = [], []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            long = "it has a number that is too long" if isinstance(error, ValueError) else "nested too deep"
            why, column = getattr(error, "msg", long), getattr(error, "colno", 1)
            message = f'not valid JSON: {why}; a line is one object, {{"question": ..., "answer": ...}}'
            problems.append(problem(Mark(path, number, column), message))
            continue
        read = _Line(path, number, line)
        pair = read.pair(data)
        problems += read.problems
        if pair is not None and not read.problems:
            pairs.append(pair)
    return pairs, problems


class _Line:
    """Reads one object, collecting the mistakes."""

    def __init__(self, path: Path, number: int, text: str) -> None:
        self._path, self._number, self._text = path, number, text
        self.problems: list[Problem] = []

    def pair(self, data: Any) -> Pair | None:
        if not isinstance(data, dict):
            self._add("", 'expected an object, {"question": ..., "answer": ...}')
            return None
        known = (*NEEDED, *OPTIONAL)
        hints = ""
        for key in data:
            if key not in known:
                hints += did_you_mean(key, known)
                self._add(key, f"unknown field '{key}'{did_you_mean(key, known)}")
        for key in NEEDED:
            if key not in data and f"did you mean '{key}'?" not in hints:
                self._add("", f"there is no field `{key}`")
        question = self._texts(data, "question", several=False)
        answers = self._texts(data, "answer", several=True)
        paraphrases, entities, alternates = (self._texts(data, key, several=True) for key in OPTIONAL)
        return Pair("".join(question), answers, paraphrases, entities, Mark(self._path, self._number), alternates)

    def _texts(self, data: dict[str, Any], key: str, *, several: bool) -> tuple[str, ...]:
        if key not in data:
            return ()
        given = data[key]
        items = given if isinstance(given, list) and several else [given]
        if not all(isinstance(item, str) for item in items):
            wanted = "a text or a list of texts" if several else "a text"
            self._add(key, f"`{key}` must be {wanted}: put it in quotes")
            return ()
        if any(_HALF.search(item) for item in items):
            self._add(
                key, f"`{key}` has half of a surrogate pair, which is not a character: write the character itself"
            )
            return ()
        texts = tuple(dict.fromkeys(item.strip() for item in items))
        if not all(texts) or (key in NEEDED and not texts):
            self._add(key, f"`{key}` must not be empty")
        return texts

    def _add(self, key: str, message: str) -> None:
        """A mistake at a field, or at the line when there is none."""
        column = max(0, self._text.find(json.dumps(key, ensure_ascii=False))) + 1 if key else 1
        self.problems.append(problem(Mark(self._path, self._number, column), message))


def _twice(pairs: list[Pair]) -> list[Problem]:
    first: dict[str, Pair] = {}
    found = []
    for pair in pairs:
        before = first.setdefault(normalise(pair.question), pair)
        if before is not pair:
            message = f"line {before.at.line} asks this already: give all accepted answers there"
            found.append(problem(pair.at, message))
    return found
