"""Names in running text: whole words, whatever their case and accents, the longest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache


def normalise(text: str) -> str:
    """Case, accents and apostrophe styles folded away: "Côte d’Ivoire" is `cote d'ivoire`. Length may change."""
    return "".join(_fold(char) for char in text)


def find_names(text: str, names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where names stand in a text: (start, end, name) from left to right, none inside another.

    At any place the longest name wins, so that "South Sudan" is not read as "Sudan"; a name inside a longer word is not
    found ("Oman" in "Romania"). Positions are those of `text` itself. Equal names in other spellings give the first.
    """
    pattern, originals = _pattern(tuple(names))
    if pattern is None:
        return []
    folded, places = _folded(text)
    return [
        (places[match.start()], places[match.end() - 1] + 1, originals[match[0]]) for match in pattern.finditer(folded)
    ]


def mentions(text: str, names: Sequence[str]) -> bool:
    """Whether any of the names stands in the text."""
    pattern, _ = _pattern(tuple(names))
    return pattern is not None and pattern.search(normalise(text)) is not None


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """One character without accents and case; empty for a combining accent."""
    folded = _bare(_bare(character.translate(_PLAIN)).casefold()).translate(_PLAIN)
    return unicodedata.normalize("NFC", folded)


def _bare(text: str) -> str:
    # Only the accents of Latin, Greek and Cyrillic: the marks of other scripts are letters
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")


def _ascii(text: str) -> str:
    return text.lower().translate(_PLAIN)


def _folded(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """`text` folded, with single spaces, and where each of its characters starts and ends in `text`."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return _ascii(text), range(len(text)), range(1, len(text) + 1)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        folded = " " if character.isspace() else _fold(character)
        if not folded and ends or folded == " " and characters and characters[-1] == " ":
            ends[-1] = place + 1  # a combining accent belongs to the letter before it
            continue
        characters.extend(folded)
        starts.extend([place] * len(folded))
        ends.extend([place + 1] * len(folded))
    return "".join(characters), starts, ends
