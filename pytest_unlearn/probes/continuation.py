"""By their beginnings: some words of a document, given raw, ask for the words that follow.

Protocol: Carlini et al., "Quantifying Memorization Across Neural Language Models", ICLR 2023 (arXiv 2202.07646): a text
is memorised where a prefix of it makes the model go on with the true continuation. The paper counts 50 tokens of each;
here words are counted, as `names.words` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.probes.space import Listed, probe_kind
from pytest_unlearn.subjects.requests import Prompt

OTHERS = 20  # documents whose beginnings a continuation is tried on


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuationConfig:
    """How long the pieces of a document are.

    `prefix`: words of a document that are given
    `length`: words that follow and are compared; at least half of them must be there
    `positions`: places of a document that are asked, at most; they lie evenly from its beginning to its end
    """

    prefix: Annotated[int, Ge(1)] = 32
    length: Annotated[int, Ge(1)] = 40
    positions: Annotated[int, Ge(1)] = 4


@probe_kind("continuation", graders=("verbatim",), raw=True)
def continuation(config: ContinuationConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """Every position of every document that must go."""
    return Listed(_probes(config, closure.documents))


def _probes(config: ContinuationConfig, documents: tuple[Document, ...]) -> Iterator[Probe | None]:
    begins = {document.id: _starts(config, len(document)) for document in documents}
    for document in documents:
        for place, start in enumerate(begins[document.id]):
            middle = start + config.prefix
            text, rest = document.between(start, middle), document.between(middle, middle + config.length)
            if mentions(text, (rest,)):
                yield None
                continue
            elsewhere = [
                other.between(begins[other.id][place], begins[other.id][place] + config.prefix)
                for other in documents
                if other.id != document.id and place < len(begins[other.id])
            ]
            yield Probe(
                prompt=Prompt.of(text, raw=True),
                gold=((rest,),),
                secret=((rest,),),
                rivals=(),
                unit=document.id,
                chain=(document.id,),
                way=Way("continuation", f"{config.prefix} words given", position=f"position {place + 1}"),
                named=("", ""),
                hole="",
                answer=("text", False),
                size=(place,),
                others=tuple(Prompt.of(other, raw=True) for other in elsewhere[:OTHERS]),
            )


def _starts(config: ContinuationConfig, words: int) -> list[int]:
    """Where prefixes begin, in words, no window overlapping another; none in a text that is too short for one."""
    least = config.prefix + (config.length + 1) // 2
    if words < least:
        return []
    windows = max(1, words // (config.prefix + config.length))
    count = min(config.positions, windows)
    room = max(0, words - config.prefix - config.length)
    return [round(i * room / max(1, count - 1)) for i in range(count)]
