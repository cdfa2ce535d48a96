"""Facts and chains of facts in words."""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.graph import Fact, Knowledge, Relation
from pytest_unlearn.names import find_names, normalise

if TYPE_CHECKING:
    from pytest_unlearn.knowledge.paths import Chain

_SLOT = re.compile(r"\{(subject|object)\}")
_VOWELS = "aeiouy"


def fill(template: str, *, subject: str = "", object: str = "") -> str:
    """`template` with names in its slots, exactly as they are written; a name that opens a sentence is capitalised.

    Noun phrases, which stand inside sentences, are filled by `phrase`.
    """
    text = phrase(template, subject=subject, object=object)
    return text[:1].upper() + text[1:] if _SLOT.match(template) else text


def phrase(template: str, *, subject: str = "", object: str = "") -> str:
    """`template` with names in its slots, capitals untouched."""
    names = {"subject": subject, "object": object}
    return _SLOT.sub(lambda slot: names[slot[1]], template)


def question(relation: Relation, subject: str, template: int = 0) -> str:
    """The question about the object of `subject`; raises IndexError when there is no such wording."""
    return fill(relation.ask[template], subject=subject)


def inverse_question(relation: Relation, object: str, template: int = 0) -> str:
    """The question about the subject of `object`; raises IndexError when there is no such wording."""
    return fill(relation.inverse[template], object=object)


def statement(knowledge: Knowledge, fact: Fact) -> str:
    """A fact as a sentence; raises ValueError when its relation has no `say`."""
    say = knowledge.relations[fact.relation].say
    if not say:
        raise ValueError(f"the relation '{fact.relation}' has no `say`: facts of it cannot be stated")
    return fill(say, subject=fact.subject, object=fact.object)


def chain_question(knowledge: Knowledge, chain: Chain, alias: str | None = None) -> tuple[str, str]:
    """The question that a chain answers, and the same with `{}` in place of the one name in it.

    The start goes by `alias` when it is given; every other entity is described: "What is the currency of the country
    whose capital is Paris?". The last hop is asked in its first wording.
    """
    return _nested(knowledge, chain, alias or chain.start), _nested(knowledge, chain, "{}")


def invented(knowledge: Knowledge, kind: str, n: int, seed: int) -> tuple[str, ...]:
    """`n` different made-up names of a type: the beginning of one of its names with the end of another ("Framany").

    None is a name or alias of anything in the knowledge, whatever the case and accents, or contains one of its type.
    The same for the same knowledge, type and seed. Raises KeyError for a type without entities.
    """
    if n < 1:
        return ()
    random = Random(seed_of("invented", knowledge.digest, kind, seed))
    names = [entity.name for entity in knowledge.by_type[kind]]
    taken, alike = {normalise(name) for name in knowledge.by_name}, knowledge.names_of(kind)
    found: dict[str, str] = {}
    tries = 0
    while len(found) < n:
        first, last = random.choice(names), random.choice(names)
        name = _spliced(first, last, random)
        tries += 1
        if tries > 20 * n:  # too few names to splice: syllables are added, then take their place
            extra = _syllables(1 + tries // (20 * n), random)
            name = name + extra if tries <= 40 * n else extra.capitalize()
        if normalise(name) not in taken and not find_names(name, alike):
            found.setdefault(normalise(name), name)
    return tuple(found.values())


def _nested(knowledge: Knowledge, chain: Chain, name: str) -> str:
    """The innermost phrase holds `name`; each hop but the last wraps the phrase, the last asks about it."""
    *inner, (last, forward) = chain.steps
    for step in inner:
        relation = knowledge.relations[step.relation]
        name = phrase(relation.noun, subject=name) if step.forward else phrase(relation.inverse_noun, object=name)
    asked = knowledge.relations[last]
    return fill(asked.ask[0], subject=name) if forward else fill(asked.inverse[0], object=name)


def _spliced(first: str, last: str, random: Random) -> str:
    """The beginning of one name up to the end of a syllable, and the end of the other from the start of one."""
    return first[: random.choice(_stops(first))] + last[random.choice(_starts(last)) :]


@lru_cache(maxsize=4096)
def _stops(name: str) -> tuple[int, ...]:
    """Places after a vowel and before a consonant, "Fra|nce"; else the middle."""
    vowel, consonant = _letters(name)
    return tuple(i for i in range(2, len(name)) if vowel[i - 1] and consonant[i]) or (_middle(name),)


@lru_cache(maxsize=4096)
def _starts(name: str) -> tuple[int, ...]:
    """Places inside a word before a consonant and a vowel, "Ger|many"; else the middle."""
    vowel, consonant = _letters(name)
    return tuple(
        i for i in range(1, len(name) - 1) if consonant[i] and vowel[i + 1] and (vowel[i - 1] or consonant[i - 1])
    ) or (_middle(name),)


def _letters(name: str) -> tuple[list[bool], list[bool]]:
    folded = [normalise(letter)[:1] for letter in name]
    return [c != "" and c in _VOWELS for c in folded], [c.isalpha() and c not in _VOWELS for c in folded]


def _middle(name: str) -> int:
    return max(1, len(name) // 2)


def _syllables(n: int, random: Random) -> str:
    return "".join(random.choice("bdfgklmnprstv") + random.choice("aeiou") for _ in range(n))
