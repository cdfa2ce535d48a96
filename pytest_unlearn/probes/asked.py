"""Questions as somebody wrote them down: what direct and paraphrase ask beside facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.names import mentions, normalise
from pytest_unlearn.probes.probe import Names, Probe, Way
from pytest_unlearn.subjects.requests import Prompt

RIVALS = 100  # wrong answers that a probe knows; a whole large file would be too many to look for in every answer
OTHERS = 20  # questions that an answer is tried on


def pair_probes(
    pairs: Iterable[Pair], among: Iterable[Pair], *, kind: Literal["direct", "paraphrase"]
) -> Iterator[Probe | None]:
    """Each pair's question, or its paraphrases; None for one that would contain its own answer.

    `among` are all pairs at hand: the answers of those of the same file are rivals, up to 100 of them, and their
    questions show how often a subject says the same anyway. Which ones is decided by hashes, so that the probes of a
    file share most of them.
    """
    files: dict[Path, list[Pair]] = {}
    for pair in sorted(among, key=lambda pair: digest(pair.question)):
        files.setdefault(pair.at.file, []).append(pair)
    for pair in pairs:
        own = {normalise(answer) for answer in pair.answers}
        different = [other for other in files[pair.at.file] if own.isdisjoint(map(normalise, other.answers))]
        others = tuple(Prompt.of(other.question) for other in islice(different, OTHERS))
        for index, text in enumerate(pair.paraphrases if kind == "paraphrase" else (pair.question,)):
            if mentions(text, pair.answers):
                yield None
                continue
            template = f"question.{index}" if kind == "paraphrase" else "question"
            yield Probe(
                prompt=Prompt.of(text),
                gold=(pair.answers,),
                secret=(pair.answers,),
                rivals=tuple(islice(_rivals(different, text, own), RIVALS)),
                unit=pair.id,
                chain=(pair.id,),
                way=Way(kind, template),
                named=("", ""),
                hole="",
                answer=("answer", False),
                size=(1, 0, 0, index, 0),
                others=others,
            )


def _rivals(different: Iterable[Pair], text: str, own: Collection[str]) -> Iterator[Names]:
    """Other answers, each once, that do not stand in the question and say neither more nor less of one's own."""
    seen: set[str] = set()
    for other in different:
        folded = set(map(normalise, other.answers))
        alike = any(_adds(one, mine) or _adds(mine, one) for one in folded for mine in own)
        if not alike and seen.isdisjoint(folded) and not mentions(text, other.answers):
            seen |= folded
            yield other.answers


def _adds(longer: str, shorter: str) -> bool:
    """Whether one answer is the other with an addition that is set off: "Paris, France", "Paris (France)"."""
    return longer.startswith(shorter) and longer[len(shorter) :].lstrip()[:1] in {",", ";", "("}
