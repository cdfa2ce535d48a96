"""When a generated answer has said enough."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.requests import Generate

Finish = Literal["end", "decided", "stop", "length"]
THINKING, THOUGHT = "<think>", "</think>"
WORD_STARTS = ("Ġ", "▁")  # how byte-level and sentencepiece vocabularies write the space before a word


class Ending:
    """Watches one request's answers grow. Text is decoded only after a token that can complete something."""

    def __init__(self, encoder: Encoder, request: Generate, ends: frozenset[int]) -> None:
        """`ends` are the token ids that end an answer."""
        self._encoder, self.tokens = encoder, ends
        self._stops = request.stop + (() if request.prompt.raw else encoder.stops)
        self._names = request.decided_by
        self._thinking = _open(request.prompt.opening)

    def reached(self, ids: Sequence[int]) -> tuple[Finish, str] | None:
        """How and with what text an answer of these tokens ends, if it does."""
        ended = ids[-1] in self.tokens
        said = ids[:-1] if ended else ids
        if self._stops and (cut := self._stopped(said)) is not None:
            return "stop", cut
        if self._names and not ended and _bounds(self._encoder.tokenizer, ids[-1]):
            text = self.text(said)
            if (cut := self._decided(text)) is not None:
                return "decided", cut
        return ("end", self.text(said)) if ended else None

    def blank(self, token: int) -> bool:
        """Whether a token says nothing that can be seen."""
        return not self._encoder.decode([token]).strip()

    def text(self, ids: Sequence[int]) -> str:
        """What these tokens say."""
        return self._encoder.decode(ids)

    def _stopped(self, ids: Sequence[int]) -> str | None:
        """The text before the first stop string, if the last tokens hold one."""
        tail = self._encoder.decode(ids[-max(map(len, self._stops)) - 4 :])
        if not any(stop in tail for stop in self._stops):
            return None
        text = self._encoder.decode(ids)
        places = [text.find(stop) for stop in self._stops]
        return text[: min((place for place in places if place >= 0), default=len(text))]

    def _decided(self, text: str) -> str | None:
        """The text up to the first name, once it is certain that the name is complete and no part of a longer one."""
        from pytest_unlearn.names import find_names, normalise

        start = 0
        if self._thinking or text.lstrip().startswith(THINKING):
            if THOUGHT not in text:
                return None
            start = text.index(THOUGHT) + len(THOUGHT)
        spoken = text[start:].rstrip("\ufffd")  # half of a character that needs another token
        found = find_names(spoken, self._names)
        if not found:
            return None
        begin, end, _ = found[0]
        if end >= len(spoken):
            return None
        so_far = normalise(spoken[begin:])
        if any(longer.startswith(so_far) and longer != so_far for longer in _normal(self._names)):
            return None
        return text[: start + end]


def split_trace(text: str, opening: str) -> tuple[str, str]:
    """Answer and chain of thought of a text, each stripped; a thought that never ends leaves no answer."""
    if not _open(opening) and not text.lstrip().startswith(THINKING):
        return text.strip(), ""
    trace, _, answer = text.partition(THOUGHT)
    return answer.strip(), trace.strip().removeprefix(THINKING).strip()


def _open(opening: str) -> bool:
    return opening.rfind(THINKING) > opening.rfind(THOUGHT)


def _bounds(tokenizer: Any, token: int) -> bool:
    """Whether a token can end the word before it."""
    piece = tokenizer.convert_ids_to_tokens(token) or ""
    return piece.startswith(WORD_STARTS) or not piece.isalnum()


@lru_cache(maxsize=1024)
def _normal(names: tuple[str, ...]) -> tuple[str, ...]:
    from pytest_unlearn.names import normalise

    return tuple(map(normalise, names))
