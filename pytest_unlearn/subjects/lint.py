"""What about a tokenizer and its chat template makes other tools train or ask a model differently from here."""

from __future__ import annotations

from typing import Any

from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.template import SAMPLE, conversation, has_template

SHOWN = 40  # characters of a template


def lint(tokenizer: Any, encoder: Encoder | None = None) -> tuple[str, ...]:
    """Findings in words, most harmful first; `encoder` is one of this tokenizer, if there is one already.

    End and beginning tokens that come out doubled; a generation prompt that is not how a full chat begins an answer;
    padding by the token that ends a turn, with how many real tokens of an example two ways of masking hide.
    """
    encoder = encoder or Encoder(tokenizer)
    found = [*_doubled(tokenizer, encoder), *_not_a_prefix(tokenizer)] if has_template(tokenizer) else []
    return (*found, *_padding(tokenizer, encoder))


def _doubled(tokenizer: Any, encoder: Encoder) -> list[str]:
    text = _chat(tokenizer, answered=True)
    bare = tokenizer.encode(text, add_special_tokens=False)
    whole = tokenizer.encode(text, add_special_tokens=True)
    end, found = encoder.end_id, []
    after = tokenizer.encode(text.rpartition(SAMPLE[1])[2], add_special_tokens=False)
    if after.count(end) > 1:
        found.append(f"the chat template ends an answer with {_token(tokenizer, end)} {after.count(end)} times")
    elif (
        after.count(end)
        and whole[-1] in (end, tokenizer.eos_token_id)
        and whole.count(whole[-1]) > bare.count(whole[-1])
    ):
        found.append(
            f"the tokenizer puts {_token(tokenizer, whole[-1])} after a chat that the template has already ended with "
            f"{_token(tokenizer, end)}: {_encode_bare('end')}"
        )
    if len(whole) > 1 and whole[0] == whole[1] == tokenizer.bos_token_id and bare[:2] != whole[:2]:
        found.append(
            f"the tokenizer puts {_token(tokenizer, whole[0])} before a chat that the template has already begun with "
            f"it: {_encode_bare('beginning')}"
        )
    return found


def _not_a_prefix(tokenizer: Any) -> list[str]:
    prompt, full = _chat(tokenizer, answered=False), _chat(tokenizer, answered=True)
    if not full.startswith(prompt):
        same = next(i for i in range(len(prompt)) if full[i : i + 1] != prompt[i])
        return [
            f"the generation prompt is not how a full chat begins an answer: after {prompt[:same][-SHOWN:]!r} it has "
            f"{prompt[same:][:SHOWN]!r}, and a full chat {full[same:][:SHOWN]!r}. Answers are asked for after the "
            "generation prompt"
        ]
    between = full[len(prompt) :].partition(SAMPLE[1])[0]
    if between.strip():
        return [
            f"a full chat has {between[:SHOWN]!r} between the generation prompt and the answer: what was trained on "
            "full chats is asked without it"
        ]
    return []


def _padding(tokenizer: Any, encoder: Encoder) -> list[str]:
    pad = tokenizer.pad_token_id
    if pad is None or pad != encoder.end_id:
        return []
    question, answer = SAMPLE
    pair = encoder.pair(Prompt.of(question), answer, True)
    return [
        f"the padding token {_token(tokenizer, pad)} also ends an answer: of the {len(pair.ids)} tokens of "
        f"'{question} {answer}' a mask that compares with it, as some trainers make it, hides {pair.ids.count(pad)}, "
        f"{pair.target.count(pad)} of them in the answer, and the mask used here 0. A model trained by the former may "
        "not learn where to stop"
    ]


def _chat(tokenizer: Any, *, answered: bool) -> str:
    question, answer = SAMPLE
    turns = [("user", question), ("assistant", answer)] if answered else [("user", question)]
    return conversation(tokenizer, turns, answered=answered)


def _encode_bare(place: str) -> str:
    return (
        "a tool that encodes rendered chats with special tokens, as is the default, gives the model the "
        f"{place} twice; here they are encoded without"
    )


def _token(tokenizer: Any, number: int | None) -> str:
    return str(tokenizer.convert_ids_to_tokens(number))
