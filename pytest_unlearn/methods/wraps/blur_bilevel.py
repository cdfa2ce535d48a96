"""BLUR: forgetting comes first, and what must stay moves only where that does not disturb it.

Paper: "BLUR: A Bi-Level Optimization Approach for LLM Unlearning", EACL 2026 (arXiv 2506.08164): the lower level is the
forget loss, the upper one the retain loss. Its step needs the two gradients and no second derivative, so that it goes
with any method that has both terms. gamma = 1 is the default of the public code.
Needs: FORGET, RETAIN, and a method with the terms `forget` and `retain`.

    d = gamma g_f + g_r - (<g_r, g_f> / |g_f|^2) g_f            g_f, g_r: the gradients of the losses to be lowered

The weights of the method's terms stay in force: with `retain_weight` alpha the second part counts alpha times, as the
public code has it for WMDP. Inner products run over all trained weights, of the whole step: the public port to TOFU
takes the last piece of an accumulated step alone. The step is clipped as a whole; there it is not.

When it fails: Adam scales every weight on its own, so that what is orthogonal as a gradient need not be as a step.
Where the two losses do not conflict it is the plain weighted sum. Where g_f is all but 0, g_r is left as it is.

Worked example: three weights, g_f = (2, 0, 0), g_r = (1, 3, 1), gamma = 1: <g_r, g_f> = 2, |g_f|^2 = 4, so that
d = (2, 0, 0) + (1, 3, 1) - (1, 0, 0) = (2, 3, 1), and <d, g_f> = 4 = gamma |g_f|^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

from pytest_unlearn.training.data import FORGET, RETAIN
from pytest_unlearn.training.plug import Gradients, PlugIn, plug_in, term_of

if TYPE_CHECKING:
    from torch import Tensor

NAME = "blur_bilevel"
NOTHING = 1e-20  # a squared length of g_f below which there is no direction to keep clear of


@dataclass(frozen=True, slots=True, kw_only=True)
class BlurBilevelConfig:
    """`gamma`: how much of the forget gradient there is in the step"""

    gamma: Annotated[float, Gt(0)] = 1.0


@plug_in("blur_bilevel", needs={FORGET, RETAIN})
class BlurBilevel(PlugIn):
    """Makes the retain gradient orthogonal to the forget gradient."""

    config: BlurBilevelConfig

    def combine(self, gradients: Gradients, spread: Sequence[Tensor] | None) -> Gradients:
        """`gradients` with others for `forget` and `retain`."""
        forget, retain = term_of(gradients, "forget", NAME), term_of(gradients, "retain", NAME)
        square = sum(float((one * one).sum()) for one in forget)
        both = sum(float((a * b).sum()) for a, b in zip(forget, retain, strict=True))
        along = both / square if square > NOTHING else 0.0
        return {
            **gradients,
            "forget": tuple(self.config.gamma * one for one in forget),
            "retain": tuple(b - along * a for a, b in zip(forget, retain, strict=True)),
        }
