"""Names in running text: whole words, whatever their case and accents, the longest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_PLAIN = str.maketrans(
    dict.fromkeys("‘’ʼʹ`´", "'")
    | dict.fromkeys("‐‑‒–—−", "-")
    | {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}  # NFKD leaves these whole
)
_UNSPACED = "\u2e80-\ufaff"  # Han, kana, hangul: words of these scripts are not set apart by spaces
_LETTER = rf"[^\W{_UNSPACED}]"  # what continues a word when it stands beside a letter


def normalise(text: str) -> str:
    """Case, accents, styles of quotes and hyphens, and runs of spaces folded away (NFKD, casefold).

    "Côte  d’Ivoire" is `cote d'ivoire`. The length may change.
    """
    return _folded(text)[0]


def find_names(text: str, names: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where names stand in a text: (start, end, name) from left to right, none overlapping another.

    The longest match is taken first, so that "South Sudan" is not read as "Sudan"; a name inside a longer word is not
    found ("Oman" in "Romania"). Positions are those of `text` itself. Of names that are spelt alike the first is given.
    """
    pattern, given = _pattern(tuple(names))
    if pattern is None:
        return []
    folded, starts, ends = _folded(text)
    return [(starts[a], ends[b - 1], given[folded[a:b]]) for a, b in _search(pattern, folded, 0, len(folded))]


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether any of the names stands in the text, read as `find_names` reads it."""
    folded = normalise(text)
    return any(_stands(name, folded) for name in map(_plain, names) if name)


def _search(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The longest match between two places, with those to its left and right."""
    matches = [match.span(match.lastindex or 0) for match in pattern.finditer(text, start, end)]
    if len(matches) < 2:
        return matches
    first, last = max(matches, key=lambda match: (match[1] - match[0], -match[0]))
    return [*_search(pattern, text, start, first), (first, last), *_search(pattern, text, last, end)]


@lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...]) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    """A pattern whose one matching group is the longest name at a place, and each folded name as it was given."""
    given: dict[str, str] = {}
    for name in names:
        if folded := _plain(name):
            given.setdefault(folded, name)
    if not given:
        return None, {}
    spaced = _branches([name for name in given if _joins(name[0])])
    others = _branches([name for name in given if not _joins(name[0])])
    parts = ([rf"(?<!{_LETTER})(?=({spaced}))"] if spaced else []) + ([rf"(?=({others}))"] if others else [])
    return re.compile("|".join(parts)), given


def _branches(names: Iterable[str]) -> str:
    """The longest of the names at a place; by the first two letters, so that few are tried."""
    starting: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        starting.setdefault(name[:2], []).append(name)
    branches = []
    for start in sorted(starting, key=len, reverse=True):
        ends = (re.escape(name[2:]) + (rf"(?!{_LETTER})" if _joins(name[-1]) else "") for name in starting[start])
        branches.append(re.escape(start) + rf"(?:{'|'.join(ends)})")
    return "|".join(branches)


def _stands(name: str, text: str) -> bool:
    """Whether a folded name stands in a folded text as whole words."""
    at = text.find(name)
    while at >= 0:
        before, after = text[max(0, at - 1) : at], text[at + len(name) : at + len(name) + 1]
        if not (_joins(before) and _joins(name[0])) and not (_joins(after) and _joins(name[-1])):
            return True
        at = text.find(name, at + 1)
    return False


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    return re.match(_LETTER, character) is not None


@lru_cache(maxsize=65536)
def _plain(name: str) -> str:
    return normalise(name).strip()


@lru_cache(maxsize=1024)
def _folded(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """`text` folded, and where each of its characters starts and ends in `text`."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.lower().translate(_PLAIN), range(len(text)), range(1, len(text) + 1)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        folded = " " if character.isspace() else _fold(character)
        if (not folded and ends) or (folded == " " and characters[-1:] == [" "]):
            ends[-1] = place + 1  # a combining accent belongs to the letter before it
            continue
        characters.extend(folded)
        starts.extend([place] * len(folded))
        ends.extend([place + 1] * len(folded))
    return "".join(characters), starts, ends


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """One character without accents and case; empty for a combining accent."""
    folded = _bare(_bare(character.translate(_PLAIN)).casefold()).translate(_PLAIN)
    return unicodedata.normalize("NFC", folded)


def _bare(text: str) -> str:
    # Only the accents of Latin, Greek and Cyrillic: the marks of other scripts are letters
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")
