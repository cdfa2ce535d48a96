"""How a check or a metric reaches a model: it asks by name and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from pytest_unlearn.subjects.answers import Answer
from pytest_unlearn.subjects.requests import Request

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests for the subject called `original`, `candidate` or `reference`; `alone`: one at a time, in float32."""

    subject: str
    requests: tuple[Request, ...]
    alone: bool = False


Asking: TypeAlias = Generator[Ask, list[Answer], Result]
