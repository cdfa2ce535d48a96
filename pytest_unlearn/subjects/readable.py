"""Whether a model can take what it is to be asked."""

from __future__ import annotations

from pytest_unlearn.subjects.answers import Failed
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.prefix import Ids
from pytest_unlearn.subjects.requests import Prompt


def tokens_of(body: Body, encoder: Encoder, prompt: Prompt) -> Ids | Failed:
    """The tokens of a prompt, or why it cannot be put to the model."""
    try:
        ids = encoder.prompt(prompt)
    except Exception as error:  # a template or tokenizer may raise anything
        return Failed("cannot", str(error))
    if not ids:
        return Failed("unreadable", "the prompt has no token")
    why = unreadable(body, ids)
    return ids if why is None else Failed("unreadable", why)


def unreadable(body: Body, ids: Ids) -> str | None:
    """Why a model cannot take these tokens, if it cannot."""
    if body.longest is not None and len(ids) > body.longest:
        return f"{len(ids)} tokens are more than the {body.longest} that the model reads"
    if max(ids) >= body.vocabulary:
        return f"the tokenizer's token {max(ids)} is beyond the model's {body.vocabulary} embeddings"
    return None
