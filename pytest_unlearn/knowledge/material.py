"""The questions and documents that a scenario names, read with every mistake in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import Mark, Problem, ScenarioError
from pytest_unlearn.knowledge.documents import Document, read_document
from pytest_unlearn.knowledge.pairs import Pair, read_pairs
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.names import normalise
from pytest_unlearn.scenario.model import Material

SUFFIXES = (".jsonl", ".csv")

Made = TypeVar("Made")


def read_material(
    materials: Iterable[Material], problems: list[Problem]
) -> tuple[tuple[Pair, ...], tuple[Document, ...]]:
    """The pairs and documents of some material, each once; mistakes are added to `problems`."""
    pairs: dict[Pair, None] = {}
    documents: dict[Document, None] = {}
    for material in materials:
        for path, mark in material.questions:
            if path.suffix.lower() not in SUFFIXES:
                message = f"'{path.name}' is no file of questions: its name ends in .jsonl or .csv"
                problems.append(problem(mark, message))
            else:
                pairs |= dict.fromkeys(_read(read_pairs, path, mark, problems) or ())
        for path, mark in material.documents:
            document = _read(read_document, path, mark, problems)
            if document is not None:
                documents.setdefault(document)
    return tuple(pairs), tuple(documents)


def contradictions(
    gone: tuple[tuple[Pair, ...], tuple[Document, ...]], kept: tuple[tuple[Pair, ...], tuple[Document, ...]]
) -> list[Problem]:
    """What is to be forgotten and to be kept at once."""
    asked = {normalise(pair.question): pair for pair in gone[0]}
    texts = {document.text: document for document in gone[1]}
    found = []
    for pair in kept[0]:
        if (other := asked.get(normalise(pair.question))) is not None:
            found.append(
                problem(pair.at, f"{_place(other.at)} says to forget this question: remove it from one of them")
            )
    for document in kept[1]:
        if (same := texts.get(document.text)) is not None:
            found.append(problem(document.at, f"{same.at.file.name} says the same and is to be forgotten: remove one"))
    return found


def _place(mark: Mark) -> str:
    return f"{mark.file.name}:{mark.line}"


def _read(reader: Callable[[Path, str], Made], path: Path, mark: Mark, problems: list[Problem]) -> Made | None:
    try:
        return reader(path, file_digest(path))
    except OSError as error:
        problems.append(problem(mark, f"the file {path} cannot be read: {error.strerror}"))
    except ScenarioError as error:
        problems += error.problems
    return None
