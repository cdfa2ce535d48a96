"""Perplexity is told of text that was read, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Kept
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError
from pytest_unlearn.metrics.perplexity_ratio import PerplexityRatioConfig, perplexity_ratio
from pytest_unlearn.scenario.model import KnowledgeUse
from pytest_unlearn.subjects.answers import Answer, Failed, Scores
from pytest_unlearn.subjects.ask import Ask

LONG = Failed("unreadable", "300 tokens are more than the 256 that the model reads")


def measured(say: str, answer: Callable[[str, str], Answer]) -> Measured:
    """The ratio of a world of two facts, with `answer(subject, text)` for what is asked."""
    at = Mark(Path("w.unlearn.yaml"))
    body = {
        "entities": {"Ann": "person", "Bob": "person", "Rome": "city", "Oslo": "city"},
        "relations": {"lives_in": {"ask": "Where does {subject} live?", "say": say}},
        "facts": {"lives_in": {"Ann": "Rome", "Bob": "Oslo"}},
    }
    knowledge = build(KnowledgeUse(body, {}, (), None, None, at), Path())
    sight = Sight(knowledge, Kept(knowledge.facts), False, 0.05, 0)
    asking = perplexity_ratio(PerplexityRatioConfig(), sight)

    def answers(ask: Ask) -> list[Answer]:
        return [answer(ask.subject, request.targets[0]) for request in ask.requests]  # type: ignore[union-attr]

    try:
        ask = next(asking)
        while True:
            ask = asking.send(answers(ask))
    except StopIteration as stop:
        found: Measured = stop.value
        return found


def spelt(subject: str, text: str) -> Answer:
    """A tokenizer of letters, each with probability 1 / e to the original and 1 / e**2 to the candidate."""
    return Scores((-len(text) * (1.0 if subject == "original" else 2.0),), (len(text),))


def test_the_ratio_is_that_of_the_probabilities_of_a_token() -> None:
    found = measured("{subject} lives in {object}.", spelt)
    # two statements; the prose is left out, since the tokenizer spells it. e ** 2 / e = e
    assert (found.value, found.n) == (pytest.approx(2.718281828), 2)


def test_without_text_there_is_no_number() -> None:
    with pytest.raises(UnmeasurableError) as caught:
        measured("", spelt)
    assert str(caught.value) == (
        "there is no text to read: no retained relation has a `say` wording, no document is retained, and the "
        "original's tokenizer does not cover the bundled prose"
    )


def test_a_document_that_was_not_read_is_told_with_the_reason() -> None:
    with pytest.raises(UnmeasurableError) as caught:
        measured(
            "{subject} lives in {object}.", lambda subject, text: LONG if subject == "candidate" else spelt("", text)
        )
    assert str(caught.value) == (
        "the candidate could not read a document: 300 tokens are more than the 256 that the model reads"
    )
