"""Role playing: the question is put to somebody in a scene.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePlayConfig:
    """This transform has no keys of its own."""


@transform("role_play", stage="frame", slots=("question",), needs=("question",))
def role_play(config: RolePlayConfig, scope: Scope) -> Transform:
    """A scene in which the question is asked."""
    return framed(scope, "role_play")
