"""Perplexity of the candidate over that of the original, on text that no bundled method trains on.

exp(sum of the candidate's - the original's negative log-likelihoods / tokens), pooled over documents (the usual corpus
perplexity, e.g. Jelinek et al. 1977); 1 is unchanged, above 1 worse. Documents are statements of held-out facts and
pieces of held-out documents, the scenario's own kind of text, and bundled public-domain prose where the tokenizer
covers it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from annotated_types import Ge

from pytest_unlearn.knowledge.render import statement
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError, metric
from pytest_unlearn.subjects.answers import Answer, Failed, Scores
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.verdict.bootstrap import perplexity_ratio as interval

COVERED = 2.5  # characters a token: below it the tokenizer spells English out


@dataclass(frozen=True, slots=True, kw_only=True)
class PerplexityRatioConfig:
    """`statements`: how many statements of held-out facts are read, at most; `pieces`: of held-out documents."""

    statements: Annotated[int, Ge(0)] = 64
    pieces: Annotated[int, Ge(0)] = 64


@metric("perplexity_ratio")
def perplexity_ratio(config: PerplexityRatioConfig, sight: Sight) -> Asking[Measured]:
    """The ratio with its bootstrap interval over documents; raises UnmeasurableError without text."""
    spoken = [
        statement(sight.knowledge, fact)
        for fact in sight.held_out.facts
        if sight.knowledge.relations[fact.relation].say
    ]
    prose = yield from _covered(passages())
    written = [piece for document in sight.held_out.documents for piece in document.pieces()]
    own = (*spoken[: config.statements], *written[: config.pieces])
    documents = tuple(_document(text) for text in (*own, *prose))
    if not documents:
        raise UnmeasurableError(
            "there is no text to read: no retained relation has a `say` wording, no document is retained, and the "
            "original's tokenizer does not cover the bundled prose"
        )
    original = _scores((yield Ask("original", documents)), "original")
    candidate = _scores((yield Ask("candidate", documents)), "candidate")
    tokens = [scores.lengths[0] for scores in original]
    before = [-scores.logp[0] for scores in original]
    value, low, high = interval([-scores.logp[0] for scores in candidate], before, tokens, sight.alpha, sight.seed)
    reference = None
    if sight.has_reference:
        never = _scores((yield Ask("reference", documents)), "reference")
        reference = math.exp((sum(-scores.logp[0] for scores in never) - sum(before)) / sum(tokens))
    return Measured(value, low, high, len(documents), "bootstrap", reference)


def _document(text: str) -> Score:
    return Score(Prompt((), raw=True), (text,))


def _covered(texts: tuple[str, ...]) -> Asking[list[str]]:
    """The texts, if the original's tokenizer takes them in words rather than in letters and can hold them."""
    answers = yield Ask("original", tuple(_document(text) for text in texts))
    if not all(isinstance(answer, Scores) for answer in answers):
        return []
    tokens = sum(scores.lengths[0] for scores in _scores(answers, "original"))
    return list(texts) if sum(map(len, texts)) / tokens >= COVERED else []


def _scores(answers: list[Answer], subject: str) -> list[Scores]:
    for answer in answers:
        if isinstance(answer, Failed):
            raise UnmeasurableError(f"the {subject} could not read a document: {answer.why}")
    return [answer for answer in answers if isinstance(answer, Scores)]


@lru_cache(maxsize=1)
def passages() -> tuple[str, ...]:
    """The bundled public-domain prose, one passage an item."""
    text = files("pytest_unlearn.metrics").joinpath("passages.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(" ".join(block.split()) for block in "\n".join(lines).split("\n\n") if block.strip())
