"""The one place through which text leaves: names of what is private or must be forgotten become tokens.

`[customer:3f9a2c]` stands for a thing by whichever of its names, the same in every run that has the same key (an HMAC,
so that nobody without the key can find a name by trying). Whoever reads knowledge says what it names (`learn`), whoever
writes asks `current()`; where redaction is off that is `OFF`, which changes nothing.

A name is found in every spelling that the graders accept: in any case and without its accents, with or without the
punctuation and white space between its words, never within a longer word, the longest first. What would turn a report
to soup is left alone: see `_mode`.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import secrets
import warnings
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from pytest_unlearn.names import fold, normalise

FOLDER, KEY = "redaction", "key"
RUN_OF_WORDS = 5  # of a long text: as many of its words in their order give it away
LONG = 6  # words from which on a text is long
CUT = 3  # letters that are left of a name which was cut off
CAPITAL = "\0"  # in place of how a name is written: it begins with a capital
TOKEN = re.compile(r"\[[a-z0-9-]{1,24}:[0-9a-f]{6}\]")
SOUP = frozenset(
    """a an and are as ask asked at be been but by can did do does for from had has have he her him his how i if in
    into is it its me my no nor not of off on once or our out own she so than that the their them then there they
    this to too may might must should would could shall one two three new old day year city country town up us was
    we were what when where which who whose why will with yes you your answer answered answers candidate check
    checks error errors fact facts fail failed fails false file forget gate home known leak leaks limit line lost
    mean model name named names none note original pass passed passes path person place probe probes question
    questions rank read reason reference run seed test text true type unknown value word words""".split()
)
"""Words of reports and of every sentence: a name that has no others is masked only as it is written, with capitals."""

_WORD = re.compile(
    r"\x1b\[[0-9;]*[a-z]|&(?:amp|lt|gt|quot|apos|#39|#34|#x27|#x22);|(?=\w)[\u2e80-\ufaff]|[^\W_\u2e80-\ufaff]+"
)
_MARGIN = re.compile(r"^e(?=\s)", re.MULTILINE)  # pytest's, before the lines of an error
_CUT_AFTER, _CUT_BEFORE = re.compile(r"\s?(?:\.\.\.|…)"), re.compile(r"(?:\.\.\.|…)\s?$")
_SLUG = re.compile(r"[^a-z0-9]+")
Mode: TypeAlias = Literal["folded", "exact"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A thing, or a text, that must not be read.

    kind     what its token says it is
    names    whatever it is called, the first of them names it in its token
    private  whether not even an id may have one of its names
    parts    words of names that give it away by themselves
    """

    kind: str
    names: tuple[str, ...]
    private: bool = False
    parts: tuple[str, ...] = ()


ANYTHING = Secret("name", ("",))  # what is known better takes the place of a name of nobody knows what


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    escaped: bool  # a backslash stands before it, which may make its first letter a control character


class _Name(NamedTuple):
    words: tuple[str, ...]
    exact: str  # empty where case and accents do not matter


class _Span(NamedTuple):
    start: int
    end: int
    secret: Secret


@dataclass(slots=True)
class _Index:
    """What to look for, by first words; runs of words of long texts; what has no words; and all words, for cut ones."""

    names: dict[_Name, Secret] = field(default_factory=dict)
    by_word: dict[str, list[_Name]] = field(default_factory=dict)
    runs: dict[tuple[str, ...], Secret] = field(default_factory=dict)
    literal: dict[str, Secret] = field(default_factory=dict)
    forwards: list[tuple[str, Secret]] = field(default_factory=list)
    backwards: list[tuple[str, Secret]] = field(default_factory=list)

    def add(self, secret: Secret) -> None:
        """Look for one more."""
        for name in secret.names:
            words = _plain(name)
            if len(words) >= LONG:
                for i in range(len(words) - RUN_OF_WORDS + 1):
                    run = words[i : i + RUN_OF_WORDS]
                    if not SOUP.issuperset(run):
                        self.runs.setdefault(run, secret)
                continue
            for spelt in _spellings(name):
                words = _plain(spelt)
                mode = _mode(spelt, words)
                literal = _folded(spelt.strip())[0]
                if mode is not None:
                    self._name(words, spelt if mode == "exact" else "", secret)
                elif len(literal) >= 3 and not literal.isalnum():
                    self.literal.setdefault(literal, secret)
        for part in secret.parts:
            self._name(_plain(part), "" if len(part) > 4 else CAPITAL, secret)

    def _name(self, words: tuple[str, ...], exact: str, secret: Secret) -> None:
        name = _Name(words, exact)
        if not words or self.names.get(name, ANYTHING).kind != ANYTHING.kind:
            return
        if name not in self.names:
            some = self.by_word.setdefault(words[0], [])
            some.append(name)
            some.sort(key=lambda one: -len(one.words))
            if len(words) == 1 and len(words[0]) > CUT and not exact:
                insort(self.forwards, (words[0], secret), key=lambda one: one[0])
                insort(self.backwards, (words[0][::-1], secret), key=lambda one: one[0])
        self.names[name] = secret


class Redactor:
    """Masks what it has learned. `key`: what tokens are made with, asked for when the first one is needed."""

    def __init__(self, key: Callable[[], bytes] | None) -> None:
        self._key = key
        self._made: bytes | None = None
        self._secrets: dict[Secret, None] = {}
        self._written: set[str] = set()
        self._index = _Index()

    @property
    def on(self) -> bool:
        """Whether anything is masked at all."""
        return self._key is not None

    def learn(self, found: Iterable[Secret], ids: Iterable[str] = ()) -> None:
        """Mask these from now on. What is not private and stands in one of the `ids` is left as it is written there."""
        if self.on:
            for secret in found:
                if secret not in self._secrets:
                    self._secrets[secret] = None
                    self._index.add(secret)
            for id in ids:
                self._written |= {id[a:b] for a, b, secret in self._found(id) if not secret.private}

    def beside(self, found: Iterable[Secret]) -> Redactor:
        """One that masks these too."""
        other = Redactor(self._key)
        other._made = self._made
        other._written = set(self._written)
        other.learn((*self._secrets, *found))
        return other

    def text(self, text: str) -> str:
        """The same text with tokens in place of names."""
        if not self._secrets or not text:
            return text
        parts, end = [], 0
        for a, b, secret in self._found(text):
            if secret.private or text[a:b] not in self._written:
                parts += [text[end:a], self.token(secret)]
                end = b
        return "".join([*parts, text[end:]])

    def said(self, text: str) -> str:
        """What a model says, of which only tokens are told: the rest of it may be about the same person."""
        if not self.on or not text.strip():
            return text
        told = " ... ".join(dict.fromkeys(self.token(secret) for _, _, secret in self._found(text)))
        return f"... {told} ..." if told else "..."

    def data(self, value: Any, keep: frozenset[str] = frozenset()) -> Any:
        """The same plain data with every text in it masked, but for what stands under the keys in `keep`."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key if not isinstance(key, str) or key.isidentifier() else self.text(key): (
                    inner if key in keep and not isinstance(inner, Mapping) else self.data(inner, keep)
                )
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.data(inner, keep) for inner in value]
        return value

    def private_in(self, id: str) -> list[str]:
        """The tokens of private things that an id names."""
        return list(dict.fromkeys(self.token(secret) for _, _, secret in self._found(id) if secret.private))

    def token(self, secret: Secret) -> str:
        """What stands for a thing."""
        if self._made is None:
            assert self._key is not None
            self._made = self._key()
        digest = hmac.new(self._made, normalise(secret.names[0]).strip().encode("utf-8", "replace"), sha256)
        return f"[{_SLUG.sub('-', normalise(secret.kind)).strip('-')[:24] or 'name'}:{digest.hexdigest()[:6]}]"

    def _found(self, text: str) -> list[_Span]:
        """Where something is named, from left to right."""
        if not self._secrets:
            return []
        index = self._index
        folded, starts, ends = _folded(text)
        taken = [match.span() for match in TOKEN.finditer(text)]
        words = list(_words(folded))
        free = [not any(a <= starts[word.start] < b for a, b in taken) for word in words]
        spans, place = list[_Span](), 0
        while place < len(words):
            reach, secret, skipped = _named(index, words, place, text, starts, ends) if free[place] else _NOTHING
            if secret is None:
                reach, secret = _cut(index, words[place], folded) if free[place] else (0, None)
            if secret is not None:
                first, last = words[place].start + skipped, words[place + reach - 1].end - 1
                spans.append(_whole(text, _Span(starts[first], ends[last], secret)))
            place += max(1, reach)
        for name, secret in index.literal.items():
            at = folded.find(name)
            while at >= 0:
                span = _Span(starts[at], ends[at + len(name) - 1], secret)
                if not any(a < span.end and span.start < b for a, b, _ in spans):
                    spans.append(span)
                at = folded.find(name, at + len(name))
        return sorted(spans, key=lambda span: span.start)


OFF = Redactor(None)
_active: list[Redactor] = []


def current() -> Redactor:
    """What masks the text that leaves now."""
    return _active[-1] if _active else OFF


def start(redactor: Redactor) -> None:
    """Let this one be the current one until `stop`."""
    _active.append(redactor)


def stop(redactor: Redactor) -> None:
    """Let the one before be the current one again."""
    if redactor in _active:
        _active.remove(redactor)


@contextlib.contextmanager
def using(redactor: Redactor) -> Iterator[Redactor]:
    """Let this one be the current one in here."""
    start(redactor)
    try:
        yield redactor
    finally:
        stop(redactor)


def wanted(said: str | bool | None) -> bool:
    """Whether to redact: what was said, else whether this is a job of a CI service."""
    if said in (None, "", "auto"):
        return bool(os.environ.get("CI"))
    return said in (True, "on", "true", "yes", "1")


def key_in(folder: Path) -> bytes:
    """The key that is kept in the folder `redaction` of a store, made at the first time, readable by its owner only.

    Where it cannot be kept, one of this process alone, with a warning.
    """
    from filelock import FileLock

    folder = folder / FOLDER
    path = folder / KEY
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(folder / f".{KEY}.lock"):
            if path.is_file() and len(found := path.read_bytes()) >= 32:
                return found
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            made = secrets.token_bytes(32)
            scratch = path.with_name(f".{KEY}.{os.getpid()}")
            with os.fdopen(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(made)
            scratch.replace(path)
            return made
    except OSError as error:
        warnings.warn(
            f"the key of redaction cannot be kept in {folder} ({error.strerror or error}): the tokens of this process "
            "are its own",
            stacklevel=2,
        )
        return secrets.token_bytes(32)


def _folded(text: str) -> tuple[str, Any, Any]:
    """`text` without case and accents, and where each of its characters starts and ends in `text`."""
    if text.isascii():
        return text.lower(), range(len(text)), range(1, len(text) + 1)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        folded = fold(character)
        if not folded and ends:
            ends[-1] = place + 1  # a combining accent belongs to the letter before it
        characters.extend(folded)
        starts.extend([place] * len(folded))
        ends.extend([place + 1] * len(folded))
    return "".join(characters), starts, ends


def _words(folded: str) -> Iterator[_Word]:
    margins = {match.start() for match in _MARGIN.finditer(folded)}
    for match in _WORD.finditer(folded):
        a, b = match.span()
        if folded[a] not in "\x1b&" and a not in margins:
            yield _Word(match[0], a, b, folded[a - 1 : a] == "\\")


def _plain(text: str) -> tuple[str, ...]:
    return tuple(word.text for word in _words(_folded(text)[0]))


def _mode(name: str, words: tuple[str, ...]) -> Mode | None:
    """How a name is looked for: in any case; only as it is written; not at all.

    Names of one letter, numbers of fewer than four digits and the words in `SOUP` say nothing by themselves and stand
    everywhere: such a name of a single word is not masked, unless it is written with a capital; nor are names whose
    words have fewer than three letters and digits in all, unless they are written so.
    """
    size = sum(map(len, words))
    if size < 2 or (len(words) == 1 and words[0].isdigit() and size < 4):
        return None
    if all(word in SOUP for word in words) or size < 3:
        return "exact" if name != name.lower() or len(words) > 1 else None
    return "folded"


def _spellings(name: str) -> dict[str, None]:
    """A name as it is written, and as others write it: joined, in JSON, in HTML, in a URL, in Python."""
    words = _plain(name)
    joined = "".join(words) if len(words) > 1 and sum(map(len, words)) >= 6 else name
    found = dict.fromkeys((name, joined))
    if not name.isascii():
        plain = name.encode("utf-8", "replace").decode("utf-8")
        charrefs = name.encode("ascii", "xmlcharrefreplace").decode("ascii")
        found |= dict.fromkeys(
            (ascii(name)[1:-1], json.dumps(name)[1:-1], charrefs, quote(plain), quote(plain, safe=" "))
        )
    return found


def _whole(text: str, span: _Span) -> _Span:
    """With the punctuation that a name begins or ends with, where it stands there."""
    for name in span.secret.names:
        lead = len(name) - len(name.lstrip("".join({one for one in name if not one.isalnum()})))
        if not (name[:1].isalnum() and name[-1:].isalnum()) and text.startswith(name, max(0, span.start - lead)):
            return _Span(max(0, span.start - lead), max(0, span.start - lead) + len(name), span.secret)
    return span


_NOTHING: tuple[int, Secret | None, int] = (0, None, 0)


def _named(
    index: _Index, words: list[_Word], place: int, text: str, starts: Any, ends: Any
) -> tuple[int, Secret | None, int]:
    """How many words from this one on name which secret, the longest first, and letters that belong to an escape."""
    if index.runs and (found := index.runs.get(_run(words, place))) is not None:
        reach = RUN_OF_WORDS
        while _run(words, place + reach - RUN_OF_WORDS + 1) in index.runs:
            reach += 1
        return reach, found, 0
    word = words[place]
    for skipped in (0, 1) if word.escaped else (0,):
        for name in index.by_word.get(word.text[skipped:], ()):
            mine = words[place : place + len(name.words)]
            if len(mine) == len(name.words) and all(map(_same, mine[1:], name.words[1:])):
                written = text[starts[word.start + skipped] : ends[mine[-1].end - 1]]
                capital = name.exact == CAPITAL and written[:1].isupper()
                if not name.exact or capital or written == name.exact:
                    return len(mine), index.names[name], skipped
    return _NOTHING


def _run(words: list[_Word], place: int) -> tuple[str, ...]:
    return tuple(word.text for word in words[place : place + RUN_OF_WORDS])


def _same(word: _Word, wanted: str) -> bool:
    return word.text == wanted or (word.escaped and word.text[1:] == wanted)


def _cut(index: _Index, word: _Word, folded: str) -> tuple[int, Secret | None]:
    """What is left of a name where a text was shortened in its middle, as pytest shortens long values."""
    if len(word.text) >= CUT and word.text not in SOUP:
        if _CUT_AFTER.match(folded, word.end) and (found := _starting(index.forwards, word.text)):
            return 1, found
        before = _CUT_BEFORE.search(folded[max(0, word.start - 4) : word.start])
        if before and (found := _starting(index.backwards, word.text[::-1])):
            return 1, found
    return 0, None


def _starting(known: list[tuple[str, Secret]], letters: str) -> Secret | None:
    at = bisect_left(known, letters, key=lambda one: one[0])
    return known[at][1] if at < len(known) and known[at][0].startswith(letters) else None
