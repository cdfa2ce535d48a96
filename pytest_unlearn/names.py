"""Names in running text: whole words, whatever their case and accents, the longest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_PLAIN = str.maketrans(
    dict.fromkeys("‘’ʼʹ`´", "'")
    | dict.fromkeys("‐‑‒–—−", "-")
    | {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}  # NFKD leaves these whole
)
# Letters that make one word when they touch; those of Han, kana and hangul do not, being written without spaces
_WORD = re.compile(r"[^\W_\u2e80-\ufaff]+")
_AROUND = re.compile(r"^\W+|\W+$")
# What white space separates and holds a letter or digit; in scripts written without spaces, each character
_COUNTED = re.compile(r"(?=\w)[\u2e80-\ufaff]|[^\s\u2e80-\ufaff]*[^\W\u2e80-\ufaff][^\s\u2e80-\ufaff]*")


def words(text: str) -> list[tuple[int, int]]:
    """Where each word of a text starts and ends, with the punctuation that touches it.

    A word is what stands between white space; of Han, kana and hangul it is each character. A dash alone is none.
    """
    return [word.span() for word in _COUNTED.finditer(text)]


def plain_words(text: str) -> list[str]:
    """The words of a text for comparison: without case, accents and the punctuation around them."""
    return [_AROUND.sub("", normalise(text[start:end])) for start, end in words(text)]


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
    index = _index(tuple(names))
    folded, starts, ends = _folded(text)
    places = [(word.start(), name) for word in _WORD.finditer(folded) for name in index.by_word.get(word[0], ())]
    places += [(place, name) for name in index.others for place in _places(folded, name)]
    found: list[tuple[int, int]] = []
    for start, name in sorted(places, key=lambda place: (-len(place[1]), place[0])):
        end = start + len(name)
        if all(end <= a or b <= start for a, b in found) and _whole(folded, start, name):
            found.append((start, end))
    return [(starts[a], ends[b - 1], index.given[folded[a:b]]) for a, b in sorted(found)]


def mentions(text: str, names: Iterable[str]) -> bool:
    """Whether any of the names stands in the text, read as `find_names` reads it."""
    folded = normalise(text)
    return any(_whole(folded, at, name) for name in map(_plain, names) if name for at in _places(folded, name))


class _Index(NamedTuple):
    """Names to look for: each folded name as it was given, and folded names by the word that they begin with."""

    given: dict[str, str]
    by_word: dict[str, list[str]]
    others: list[str]  # begin with no letter, or in a script without spaces


@lru_cache(maxsize=1024)
def _index(names: tuple[str, ...]) -> _Index:
    index = _Index({}, {}, [])
    for name in names:
        folded = _plain(name)
        if folded and folded not in index.given:
            index.given[folded] = name
            word = _WORD.match(folded)
            (index.by_word.setdefault(word[0], []) if word else index.others).append(folded)
    return index


def _places(text: str, name: str) -> Iterator[int]:
    """Where a folded name begins in a folded text, within words or not."""
    place = text.find(name)
    while place >= 0:
        yield place
        place = text.find(name, place + 1)


def _whole(text: str, at: int, name: str) -> bool:
    """Whether a name stands at a place of a text, and no letter joins it to the words beside it."""
    if not text.startswith(name, at):
        return False
    end = at + len(name)
    return not (_joins(name[0]) and _joined(text, at - 1, -1)) and not (_joins(name[-1]) and _joined(text, end, 1))


def _joined(text: str, place: int, step: int) -> bool:
    """Whether a letter stands at a place of a text; underscores between letters join them, others (`_so_`) do not."""
    while 0 <= place < len(text) and text[place] == "_":
        place += step
    return 0 <= place < len(text) and _joins(text[place])


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    return _WORD.match(character) is not None


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
        folded = " " if character.isspace() else fold(character)
        if (not folded and ends) or (folded == " " and characters[-1:] == [" "]):
            ends[-1] = place + 1  # a combining accent belongs to the letter before it
            continue
        characters.extend(folded)
        starts.extend([place] * len(folded))
        ends.extend([place + 1] * len(folded))
    return "".join(characters), starts, ends


@lru_cache(maxsize=4096)
def fold(character: str) -> str:
    """One character without accents and case; empty for a combining accent and for what has no form, a soft hyphen."""
    if unicodedata.category(character) == "Cf" and character != "\u200b":  # a space of no width parts words
        return ""
    folded = _bare(_bare(character.translate(_PLAIN)).casefold()).translate(_PLAIN)
    return unicodedata.normalize("NFC", folded)


def _bare(text: str) -> str:
    # Only the accents of Latin, Greek and Cyrillic: the marks of other scripts are letters
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")
