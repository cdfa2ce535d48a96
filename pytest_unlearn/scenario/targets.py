"""What must be forgotten: selectors, and the label of each forget request."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pytest_unlearn.errors import did_you_mean
from pytest_unlearn.scenario.border import keys_of, shape_of, waiting
from pytest_unlearn.scenario.keys import LATER, SelectorKeys, is_slug, not_a_slug
from pytest_unlearn.scenario.model import Selector, Target
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import Problems, joined, quoted, shown

_CHOICES = ("entity", "relation", "fact")
_KEYS = frozenset(keys_of(SelectorKeys)) | LATER["selector"]
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def read_targets(value: Any, where: Where, problems: Problems) -> tuple[Target, ...]:
    """The forget requests: one selector, or a mapping of labels to selectors.

    A mapping is a selector when it holds selector keys only, or one that says what is selected: a misspelt key beside
    `entity` is a mistake, not a label.
    """
    if isinstance(value, dict) and not (_KEYS.issuperset(value) or set(value) & set(_CHOICES)):
        return tuple(
            _target(label, selector, (*where, label), problems, labelled=True) for label, selector in value.items()
        )
    return (_target("", value, where, problems, labelled=False),)


def _target(label: str, value: Any, where: Where, problems: Problems, *, labelled: bool) -> Target:
    selectors = _selectors(value, where, problems)
    if not labelled:
        label = _label(selectors)
        if selectors and not label:
            name = selectors[0].entity or selectors[0].relation
            problems.add(where, f"no id can be made of '{name}': give it a label, `forget: {{label: {name}}}`")
    elif not is_slug(label):
        problems.add(where, not_a_slug(label), key=True)
    return Target(label, selectors, problems.document.mark(where, key=labelled))


def _selectors(value: Any, where: Where, problems: Problems) -> tuple[Selector, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        problems.add(where, "must not be empty")
    places = [(*where, i) for i in range(len(items))] if isinstance(value, list) else [where]
    found = (_selector(item, place, problems) for item, place in zip(items, places, strict=True))
    return tuple(selector for selector in found if selector is not None)


def _selector(value: Any, where: Where, problems: Problems) -> Selector | None:
    if isinstance(value, str) and value:
        return Selector(problems.document.mark(where), entity=value)
    if not isinstance(value, dict):
        problems.add(where, f"expected a name or a mapping such as {{relation: capital}}, got {shown(value)}")
        return None
    now = waiting("selector", value, where, problems)
    keys = shape_of(SelectorKeys).read(now, where, problems)
    chosen = [key for key in _CHOICES if key in now]
    if len(chosen) > 1:
        problems.add((*where, chosen[1]), f"`{chosen[1]}` beside `{chosen[0]}`: a selector has one of them", key=True)
    misspelt = any(did_you_mean(key, _CHOICES).startswith(" - ") for key in now)
    if not chosen and not misspelt and len(now) == len(value):
        problems.add(where, f"a selector needs {joined(quoted(_CHOICES))}")
    if "where" in now and chosen and "relation" not in now:
        problems.add((*where, "where"), "`where` goes with `relation` only", key=True)
    if keys is None or not chosen:
        return None
    return Selector(
        problems.document.mark(where),
        entity=keys.entity or None,
        relation=keys.relation or None,
        where=tuple((keys.where or {}).items()),
        fact=keys.fact,
    )


def _label(selectors: tuple[Selector, ...]) -> str:
    """The label of a request without one, made of what it selects: all of up to three things, else the first."""
    slugs = [_slug(one.entity or one.relation or " ".join(one.fact[:2] if one.fact else ())) for one in selectors]
    if not all(slugs):
        return ""
    return "-".join(slugs) if len(slugs) <= 3 else f"{slugs[0]}-and-{len(slugs) - 1}-more"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_SLUG.sub("-", plain.lower()).strip("-")
