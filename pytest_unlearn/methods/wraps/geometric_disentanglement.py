"""Geometric disentanglement (GU): take out of the forget step what would move the retain loss.

Paper: "Geometric-Disentanglement Unlearning"; the mathematics is that of the authors' derivation in their repository,
pure projection (their kappa = 0), with the history of 8 gradients that their scripts use.
Needs: FORGET, RETAIN, and a method with the terms `forget` and `retain`.

    g' = (I - U (U' H U)^-1 U' H) g                             U: the last `rank` retain gradients, H = P = 1/h

which in the metric of Adam, h = sqrt(v) + eps frozen before the step, is the projection of z = g / sqrt(h) off an
orthonormal basis Q of the retain gradients divided alike: z' = z - Q Q' z, g' = sqrt(h) z'. The inner products run over
all trained weights at once. With `metric: euclidean`, and before Adam has a v, h = 1. The retain term stays as it is.

When it fails: the retain loss stands still to first order only, for the retain rows seen lately, and where the step is
the gradient divided by h. Momentum and weight decay break that: use `momentum: 0`, `weight_decay: 0`, or
`optimiser: sgd` with `metric: euclidean`. Published results may stem from a hook that was never reached: authors' note.

Worked example: three weights, retain gradients (1, 0, 0) and (1, 1, 0), forget gradient (3, 4, 5). The two span the
first two axes: g' = (0, 0, 5). Of the last one alone, q = (1, 1, 0) / sqrt 2 and
g' = (3, 4, 5) - 3.5 (1, 1, 0) = (-0.5, 0.5, 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Le

from pytest_unlearn.lazy import torch
from pytest_unlearn.training.data import FORGET, RETAIN
from pytest_unlearn.training.plug import Gradients, PlugIn, plug_in, term_of

if TYPE_CHECKING:
    from torch import Tensor

NAME = "geometric_disentanglement"
ALIKE = 1e-6  # of a gradient's length: what is left of one below this lies in the span of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricDisentanglementConfig:
    """The options of the projection.

    `rank`: how many retain gradients, of the last steps, span what must not move; each takes the memory of the weights
    `metric`: in which gradients are orthogonal: that of the optimiser, or plain
    """

    rank: Annotated[int, Ge(1), Le(64)] = 8
    metric: Literal["adam", "euclidean"] = "adam"


@plug_in("geometric_disentanglement", needs={FORGET, RETAIN})
class GeometricDisentanglement(PlugIn):
    """Projects the gradient of `forget` off those of `retain`."""

    config: GeometricDisentanglementConfig

    def combine(self, gradients: Gradients, spread: Sequence[Tensor] | None) -> Gradients:
        """`gradients` with another one for `forget`."""
        forget, retain = term_of(gradients, "forget", NAME), term_of(gradients, "retain", NAME)
        seen = [*self.state.get("seen", []), _flat(retain)][-self.config.rank :]  # oldest first, each (weights,)
        self.state["seen"] = seen
        root = None
        if spread is not None and self.config.metric == "adam":
            root = _flat(spread).sqrt()  # (weights,) sqrt(h)
        projected = off(_flat(forget), seen, root)
        parts = torch.split(projected, [one.numel() for one in forget])
        return {**gradients, "forget": tuple(part.view_as(one) for part, one in zip(parts, forget, strict=True))}


def off(gradient: Tensor, span: Sequence[Tensor], root: Tensor | None = None) -> Tensor:
    """A gradient (W,) without its part in the span of others, each (W,), all divided by `root` on the way."""
    whitened = gradient if root is None else gradient / root  # (weights,)
    for axis in _basis([one if root is None else one / root for one in reversed(span)]):
        whitened = whitened - (axis @ whitened) * axis
    return whitened if root is None else whitened * root


def _basis(span: Sequence[Tensor]) -> list[Tensor]:
    """Orthonormal vectors with the same span: Gram-Schmidt, twice, so that rounding leaves no angle."""
    found: list[Tensor] = []
    for one in span:
        rest = one
        for _ in range(2):
            for axis in found:
                rest = rest - (axis @ rest) * axis
        if rest.norm() > ALIKE * one.norm():
            found.append(rest / rest.norm())
    return found


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])
