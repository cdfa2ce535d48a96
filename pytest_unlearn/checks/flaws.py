"""What is wrong with a question as it reads: signs of wordings and names that do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.transform import words

ARTICLES = re.compile(r"\b(the|an?) (the|an?)\b", re.IGNORECASE)
DOUBLED = re.compile(r"\b(\w+) \1\b", re.IGNORECASE)
SLOT = re.compile(r"\{\w*\}")
SPACES = re.compile(r"\S(  +)\S|\s[?.!,;]")


def flaws(probe: Probe) -> Iterator[str]:
    """Each flaw of one question, in words."""
    said = words(probe.prompt)
    if found := SLOT.search(said):
        yield f"the slot {found[0]} is not filled"
    if found := ARTICLES.search(said):
        yield f"two articles, '{found[0]}': leave one to the wording or to the name"
    elif found := DOUBLED.search(said):
        yield f"a word twice, '{found[0]}'"
    if SPACES.search(said):
        yield "a space too many"
    if not probe.options and mentions(said, [name for names in probe.gold for name in names]):
        yield "it contains its own answer"


def ambiguous(probes: Iterable[Probe]) -> Iterator[tuple[Probe, str]]:
    """Questions that read like another one whose right answers are not all right here."""
    seen: dict[str, Probe] = {}
    for probe in probes:
        other = seen.setdefault(words(probe.prompt), probe)
        missing = [names[0] for names in other.gold if names not in probe.gold]
        if missing:
            yield probe, f"another question reads alike and is answered by {', '.join(missing)}: name them apart"
