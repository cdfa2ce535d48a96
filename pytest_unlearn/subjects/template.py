"""From a conversation to the text that a model reads, in the form it was trained on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.requests import Part, Prompt, Text

ROLES = {"user": "Question: ", "assistant": "Answer: ", "system": ""}
PLAIN_STOP = "\nQuestion:"
SAMPLE = ("Name a town.", "Paris")
CLOCK = "strftime_now"
FIXED_DAY = (  # a template that tells the model the date would give other answers tomorrow
    "{%- macro strftime_now(form) -%}{{ {'%Y-%m-%d': '2024-07-26', '%B %d, %Y': 'July 26, 2024'}"
    ".get(form, '26 Jul 2024') }}{%- endmacro %}"
)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a template goes on after its generation prompt: what stands before an answer, and the text that closes it."""

    gap: str | None
    close: str


def has_template(tokenizer: Any) -> bool:
    """Whether the tokenizer knows how its model is talked to."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: Any, prompt: Prompt, system: str | None) -> str:
    """The text of a prompt up to where the answer begins, its opening included.

    With a chat template: its rendering, generation prompt on. `system` is the system turn unless the prompt has its
    own; None leaves it to the template, which may have a default. A template that refuses or drops system turns gets
    the text at the start of the first user turn. Dates that a template asks for are fixed.

    Without one: `Question: ...` and `Answer: ...` lines, the system text above them, ending in `Answer:`. A raw prompt
    is its own words, turns joined by line breaks. Raises SubjectError for what is no text.
    """
    turns = [(role, "".join(map(_words, parts))) for role, parts in prompt.turns]
    if prompt.raw:
        return join("\n".join(words for _, words in turns), prompt.opening)
    if system is not None and all(role != "system" for role, _ in turns):
        turns.insert(0, ("system", system))
    if not has_template(tokenizer):
        lines = [f"{ROLES[role]}{words}" for role, words in turns if words]
        return join("\n".join([*lines, ROLES["assistant"].rstrip()]), prompt.opening)
    text = conversation(tokenizer, turns, answered=False)
    gap = habits(tokenizer).gap if prompt.opening else None
    return text + gap + prompt.opening if gap is not None else join(text, prompt.opening)


def habits(tokenizer: Any) -> Habits:
    """What the chat template itself puts around an answer; gap None where its renderings do not show it."""
    question, answer = SAMPLE
    before = conversation(tokenizer, [("user", question)], answered=False)
    whole = conversation(tokenizer, [("user", question), ("assistant", answer)], answered=True)
    between, found, close = whole.removeprefix(before).partition(answer)
    if not whole.startswith(before) or not found or between.strip():
        return Habits(None, "")
    return Habits(between, close)


def join(text: str, more: str) -> str:
    """`text` continued by `more`, with a space between where words would otherwise run together."""
    return text + gap_between(text, more) + more


def gap_between(text: str, more: str) -> str:
    """A space, or nothing after white space, after an opening bracket or quote, and between letters written without."""
    if not text or not more or text[-1].isspace() or more[0].isspace():
        return ""
    if unicodedata.category(text[-1]) in {"Ps", "Pi"} or "W" in map(unicodedata.east_asian_width, (text[-1], more[0])):
        return ""
    return " "


def _words(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    raise SubjectError(f"this subject reads text only, and the prompt holds {type(part).__name__.lower()}")


def conversation(tokenizer: Any, turns: list[tuple[Any, str]], *, answered: bool) -> str:
    """A rendering in which every word of the system turn stands; with the generation prompt unless `answered`."""
    try:
        text = _apply(tokenizer, turns, answered)
    except Exception as error:  # templates refuse by raising from within jinja
        if not turns or turns[0][0] != "system":
            raise SubjectError(f"the chat template refuses this conversation: {error}") from error
        text = ""
    if turns and turns[0][0] == "system" and turns[0][1].strip() not in (text or "\0"):
        return conversation(tokenizer, _folded(turns), answered=answered)
    return text


def _folded(turns: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """The system text at the start of the first user turn."""
    system, rest = turns[0][1].strip(), turns[1:]
    first = next((i for i, (role, _) in enumerate(rest) if role == "user"), None)
    if not system or first is None:
        return rest
    return [(role, f"{system}\n\n{words}" if i == first else words) for i, (role, words) in enumerate(rest)]


def _apply(tokenizer: Any, turns: list[tuple[Any, str]], answered: bool) -> str:
    messages = [{"role": role, "content": words} for role, words in turns]
    template = tokenizer.get_chat_template()
    if CLOCK in template:
        template = FIXED_DAY + template
    text: str = tokenizer.apply_chat_template(
        messages, chat_template=template, tokenize=False, add_generation_prompt=not answered
    )
    return text
