"""Plain-text documents, and the pieces of them that are trained on, read and asked to be continued."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.names import words
from pytest_unlearn.scenario.nodes import read_text

PIECE = 128  # words of a piece: fewer tokens than any usual model holds


@dataclass(frozen=True, slots=True)
class Document:
    """One text. Words are counted as `names.words` does."""

    text: str
    at: Mark = field(default=Mark(Path()), compare=False)

    @property
    def id(self) -> str:
        """The unit that probes about this document count as: it holds no word of it."""
        return f"d:{digest(self.text)[:12]}"

    def pieces(self) -> tuple[str, ...]:
        """The document in consecutive pieces of at most 128 words, as they are written."""
        spans = words(self.text)
        begins = [span[0] for span in spans[::PIECE]]
        ends = [*begins[1:], len(self.text)]
        return tuple(self.text[begin:end].rstrip() for begin, end in zip(begins, ends, strict=True))

    def between(self, start: int, end: int) -> str:
        """From the word at place `start` up to and without that at `end`, as it is written."""
        spans = words(self.text)[start:end]
        return self.text[spans[0][0] : spans[-1][1]] if spans else ""

    def __len__(self) -> int:
        """How many words it has."""
        return len(words(self.text))


@lru_cache(maxsize=1024)
def read_document(path: Path, content: str) -> Document:
    """A text file as a document; `content` is its digest. Raises ScenarioError where it is no text or has no word."""
    document = Document(read_text(path), Mark(path))
    if not len(document):
        raise ScenarioError([problem(Mark(path), "the document is empty")])
    return document
