"""What must be forgotten: selectors, and the label of each forget request."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pytest_unlearn.errors import did_you_mean
from pytest_unlearn.scenario.border import keys_of, shape_of, waiting
from pytest_unlearn.scenario.files import Files
from pytest_unlearn.scenario.keys import LATER, MaterialKeys, SelectorKeys, is_slug, not_a_slug
from pytest_unlearn.scenario.model import Material, Selector, Target
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import Problems, joined, quoted, shown

_CHOICES = ("entity", "relation", "fact", "level")
_MATERIAL = tuple(keys_of(MaterialKeys))
_KEYS = frozenset(keys_of(SelectorKeys)) | LATER["selector"]
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def read_targets(value: Any, where: Where, problems: Problems, files: Files) -> tuple[Target, ...]:
    """The forget requests: one selector, or a mapping of labels to selectors.

    A mapping is a selector when it holds selector keys only, or one that says what is selected: a misspelt key beside
    `entity` is a mistake, not a label.
    """
    if isinstance(value, dict) and not (_KEYS.issuperset(value) or set(value) & {*_CHOICES, *_MATERIAL}):
        return tuple(
            _target(label, selector, (*where, label), problems, files, labelled=True)
            for label, selector in value.items()
        )
    return (_target("", value, where, problems, files, labelled=False),)


def read_material(data: dict[str, Any], keys: MaterialKeys, where: Where, problems: Problems, files: Files) -> Material:
    """The files that `questions` and `documents` of a mapping name; what is not there is a problem."""
    found = {}
    for key in _MATERIAL:
        several = isinstance(data.get(key), list)
        found[key] = tuple(
            (path, problems.document.mark(here))
            for i, text in enumerate(getattr(keys, key))
            for here in [(*where, key, i) if several else (*where, key)]
            for path in files.matching(text, here)
        )
    return Material(**found)


def _target(label: str, value: Any, where: Where, problems: Problems, files: Files, *, labelled: bool) -> Target:
    selectors = _selectors(value, where, problems, files)
    if not labelled:
        label = _label(selectors)
        if selectors and not label and (name := _named(selectors[0])):
            problems.add(where, f"no id can be made of '{name}': give it a label, `forget: {{label: {name}}}`")
    elif not is_slug(label):
        problems.add(where, not_a_slug(label), key=True)
    return Target(label, selectors, problems.document.mark(where, key=labelled))


def _selectors(value: Any, where: Where, problems: Problems, files: Files) -> tuple[Selector, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        problems.add(where, "must not be empty")
    places = [(*where, i) for i in range(len(items))] if isinstance(value, list) else [where]
    found = (_selector(item, place, problems, files) for item, place in zip(items, places, strict=True))
    return tuple(selector for selector in found if selector is not None)


def _selector(value: Any, where: Where, problems: Problems, files: Files) -> Selector | None:
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
    given = [*chosen, *(key for key in _MATERIAL if key in now)]
    strange = [key for key in now if key not in _KEYS]
    misspelt = any(did_you_mean(key, (*_CHOICES, *_MATERIAL)).startswith(" - ") for key in strange)
    if not given and not misspelt and len(now) == len(value):
        problems.add(where, f"a selector needs {joined(quoted((*_CHOICES, *_MATERIAL)))}")
    if "where" in now and given and "relation" not in now:
        problems.add((*where, "where"), "`where` goes with `relation` only", key=True)
    if "at" in now and given and "level" not in now:
        problems.add((*where, "at"), "`at` goes with `level` only", key=True)
    if "level" in now and "at" not in now and not any(did_you_mean(key, ("at",)).startswith(" - ") for key in strange):
        problems.add((*where, "level"), f"`level` needs `at`: which {shown(now['level'])}?", key=True)
    if keys is None or not given:
        return None
    return Selector(
        problems.document.mark(where),
        entity=keys.entity or None,
        relation=keys.relation or None,
        where=tuple((keys.where or {}).items()),
        fact=keys.fact,
        node=(keys.level, keys.at) if keys.level and keys.at else None,
        material=read_material(now, keys, where, problems, files),
    )


def _label(selectors: tuple[Selector, ...]) -> str:
    """The label of a request without one, made of what it selects: all of up to three things, else the first."""
    slugs = [_slug(_named(one)) for one in selectors]
    if not all(slugs):
        return ""
    return "-".join(slugs) if len(slugs) <= 3 else f"{slugs[0]}-and-{len(slugs) - 1}-more"


def _named(selector: Selector) -> str:
    """What a selector is called after: an entity, a relation, a fact, a file of questions, the folder of documents."""
    if selector.of_facts:
        one = selector.entity or selector.relation or (selector.node[1] if selector.node else "")
        return one or " ".join(selector.fact[:2] if selector.fact else ())
    paths = [path for path, _ in (*selector.material.questions, *selector.material.documents)]
    if not paths:
        return ""
    return paths[0].parent.name if len(paths) > 1 and not selector.material.questions else paths[0].stem


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_SLUG.sub("-", plain.lower()).strip("-")
