"""`transforms` of a check: what is done to its questions."""

from __future__ import annotations

from typing import Any

from pytest_unlearn.errors import did_you_mean
from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.scenario.border import entry_of, keys_of, shape_of
from pytest_unlearn.scenario.files import Files
from pytest_unlearn.scenario.keys import TransformKeys
from pytest_unlearn.scenario.model import Transforms, TransformUse
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import Problems

_CASUAL = ("prefix_injection", "synonyms", "character_noise", "chat_turns")
_CURIOUS = (*_CASUAL, "affirmative_suffix", "role_play", "background_hint", "in_context", "counterfactual", "combined")
_ADVERSARY = (
    *_CURIOUS,
    *("answer_first", "system_override", "long_context", "many_shot", "leetspeak", "spelling_out", "base64"),
)
PRESETS: dict[str, tuple[str, ...]] = {"casual": _CASUAL, "curious": _CURIOUS, "adversary": _ADVERSARY}
"""Transforms by how hard somebody tries. `cross_lingual`, which needs questions in another language, is in none."""


def read_transforms(value: Any, where: Where, problems: Problems, files: Files | None) -> Transforms | None:
    """The transforms of a check; None beside a mistake.

    A name of a transform or a preset, a mapping of names to configs, a list of these, or a mapping that says `draw`. A
    value that is no mapping is the first option of the transform: `{in_context: 5}`.
    """
    document = problems.document
    keys: Any = TransformKeys(draw=value)
    place, wording = where, []
    if isinstance(value, dict) and "draw" in value:
        keys = shape_of(TransformKeys).read(value, where, problems)
        place = (*where, "draw")
        given = value.get("wording", [])
        named = [((*where, "wording", i), text) for i, text in enumerate(given)] if isinstance(given, list) else []
        named = named or [((*where, "wording"), given)]
        for here, text in named if keys is not None else ():
            path = files.one(text, here) if files is not None and isinstance(text, str) else None
            if path is not None:
                wording.append((path, document.mark(here)))
        value = value["draw"]
    uses: dict[str, TransformUse] = {}
    items = value if isinstance(value, list) else [value]
    for i, item in enumerate(items):
        here = (*place, i) if isinstance(value, list) else place
        for name, given in item.items() if isinstance(item, dict) else [(item, None)]:
            at = (*here, name) if isinstance(item, dict) else here
            if given is None and isinstance(name, str) and name in PRESETS:
                for one in PRESETS[name]:
                    uses.setdefault(one, TransformUse(one, TRANSFORMS.get(one).config(), document.mark(at)))
                continue
            entry = entry_of(TRANSFORMS, name, at, problems, _preset, key=isinstance(item, dict))
            if entry is None:
                continue
            if name in uses:
                problems.add(at, f"the transform '{name}' is given twice", key=True)
            options = keys_of(entry.config)
            if given is not None and not isinstance(given, dict) and options:
                given = {options[0]: given}
            config = shape_of(entry.config).read({} if given is None else given, at, problems)
            if config is not None:
                uses[name] = TransformUse(name, config, document.mark(at, key=isinstance(item, dict)))
    if not items or value == {}:
        problems.add(place, "must not be empty")
    if keys is None or not uses:
        return None
    return Transforms(tuple(uses.values()), keys.most, keys.language, tuple(wording), document.mark(where, key=True))


def _preset(name: str) -> str:
    """A suggestion that knows the presets too; empty where the name is not near any of them."""
    known = [*PRESETS, *TRANSFORMS.names()]
    return f"unknown transform or preset '{name}'{did_you_mean(name, known)}"
