"""Where a prompt ends and an answer begins, in tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_unlearn.digest import digest
from pytest_unlearn.subjects.prefix import Ids
from pytest_unlearn.subjects.requests import Generate, Prompt, Read, Request, Score
from pytest_unlearn.subjects.template import PLAIN_STOP, gap_between, habits, has_template, render

REMEMBERED = 1 << 16
SHARED = 4  # tokenizers, with a system prompt each
_encoders: dict[str, Encoder] = {}


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a prompt and what follows it; the first `prompt_len` are the prompt's."""

    ids: Ids
    prompt_len: int

    @property
    def prompt(self) -> Ids:
        """The prompt's tokens."""
        return self.ids[: self.prompt_len]

    @property
    def target(self) -> Ids:
        """The tokens to be predicted."""
        return self.ids[self.prompt_len :]


class Encoder:
    """A tokenizer, a system prompt, and what was encoded with them before."""

    def __init__(self, tokenizer: Any, system: str | None = None) -> None:
        self.tokenizer, self.system = tokenizer, system
        self.chat = has_template(tokenizer)
        self._fast = getattr(tokenizer, "backend_tokenizer", None) if getattr(tokenizer, "is_fast", False) else None
        self._habits = habits(tokenizer) if self.chat else None
        self._first = self._leading()
        self.end_id = self._end()
        self.stops = () if self.chat else (PLAIN_STOP,)
        self.text = lru_cache(REMEMBERED)(self._text)
        self.prompt = lru_cache(REMEMBERED)(self._prompt)
        self.pair = lru_cache(REMEMBERED)(self._pair)

    def _text(self, prompt: Prompt) -> str:
        """The text of a prompt up to where the answer begins."""
        return render(self.tokenizer, prompt, self.system)

    def _prompt(self, prompt: Prompt) -> Ids:
        """Token ids of a prompt. A chat template writes its own first token; elsewhere it is the tokenizer's."""
        return self._before(prompt) + self._ids(self.text(prompt))

    def _pair(self, prompt: Prompt, target: str, end: bool = False) -> Encoded:
        """A prompt and the target after it; `end` appends the end-of-turn token.

        The target is tokenised in context: what the tokens of both together have beyond those of the prompt. Where the
        prompt's tokens would change, as after a trailing space, it is tokenised apart. What stands between is what the
        chat template puts there, else `gap_between`. Before an empty prompt nothing predicts the first token of the
        target, which then counts as the prompt.
        """
        text, ids = self.text(prompt), self.prompt(prompt)
        gap = self._habits.gap if self._habits and not (prompt.raw or prompt.opening or target[:1].isspace()) else None
        if gap is None:
            gap = gap_between(text, target)
        together = self._before(prompt) + self._ids(text + gap + target)
        follows = together[len(ids) :] if together[: len(ids)] == ids else self._ids(gap + target)
        closed = (self.end_id,) if end and self.end_id is not None else ()
        return Encoded(ids + follows + closed, max(1, len(ids)) if follows else len(ids))

    def warm(self, requests: Sequence[Request]) -> None:
        """Encode what is going to be asked, so that it is known then; what cannot be encoded is told then."""
        for request in requests:
            with contextlib.suppress(Exception):  # a template or tokenizer may raise anything
                if isinstance(request, Score):
                    for target in request.targets:
                        self.pair(request.prompt, target, request.end)
                elif isinstance(request, Generate | Read):
                    self.prompt(request.prompt)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens, without special ones."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _before(self, prompt: Prompt) -> Ids:
        return () if self.chat and not prompt.raw else self._first

    def _ids(self, text: str) -> Ids:
        if not text:
            return ()
        if self._fast is not None:
            return tuple(self._fast.encode(text, add_special_tokens=False).ids)
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _leading(self) -> Ids:
        """The tokens that the tokenizer itself puts before a text, such as a beginning-of-text token."""
        text = "a"
        bare, whole = list(self._ids(text)), list(self.tokenizer.encode(text, add_special_tokens=True))
        at = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return tuple(whole[:at])

    def _end(self) -> int | None:
        """The token that closes an answer: what the chat template puts there if that is one token, else end-of-text."""
        end: int | None = self.tokenizer.eos_token_id
        if self._habits is not None and self._habits.close:
            first = self._ids(self._habits.close)[0]
            if first in set(self.tokenizer.all_special_ids) or first in getattr(
                self.tokenizer, "added_tokens_decoder", {}
            ):
                return first
        return end


def encoder_of(tokenizer: Any, system: str | None = None) -> Encoder:
    """The encoder of a tokenizer: one for all subjects that have the same, so that each text is encoded once."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not getattr(tokenizer, "is_fast", False):
        return Encoder(tokenizer, system)
    given = {name: value for name, value in tokenizer.init_kwargs.items() if name != "name_or_path"}
    settings = type(tokenizer).__name__, tokenizer.chat_template, tokenizer.special_tokens_map, given
    key = digest(backend.to_str(), repr(settings), system)
    if key not in _encoders:
        for old in list(_encoders)[: 1 - SHARED]:
            del _encoders[old]
        _encoders[key] = Encoder(tokenizer, system)
    return _encoders[key]
