"""Harmless mentions beside a question: their wordings, which are data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "mentions.yaml"


@cache
def wordings(language: str = "en") -> tuple[str, ...]:
    """Each with `{name}` for what is mentioned and `{question}`; raises KeyError for a language that has none."""
    import yaml

    read: dict[str, list[str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(read[language])


def beside(wording: str, name: str, question: str) -> str:
    """The question beside a mention of a name."""
    return wording.replace("{name}", name).replace("{question}", question)
