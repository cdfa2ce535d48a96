"""Retraining: make the model anew without the target, the yardstick of exact unlearning.

Paper: Bourtoule et al., "Machine Unlearning", IEEE S&P 2021 (arXiv 1912.03817): unlearning is exact where the
outcome is distributed as that of training without the forgotten data.
Needs: RETAIN, and an original that a recipe trains from scratch, such as `fixture:hospital`.

    theta' = train(theta_0, D \\ D_forget)                       theta_0: fresh random weights

When it fails: it does not, if the recipe's data hold the target nowhere else. It is only possible where the training is
known and cheap: a downloaded checkpoint has neither.

Worked example: a world of three facts, [a, b, c] of which b must go; the new model is trained on [a, c] from new random
weights, and has never seen a token of b.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.errors import MethodError
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.training.data import RETAIN, Band, Data, method


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainConfig:
    """No keys: the recipe that made the original fixes everything."""


@method("retrain", needs={RETAIN}, band=Band(recall=(0.0, 0.2), retention=(0.8, 1.0)))
def retrain(subject: Subject, data: Data, config: RetrainConfig, seed: int) -> Subject:
    """What the original's own recipe makes of `data` without the target, from fresh weights."""
    remake = getattr(subject, "remake", None)
    if remake is None:
        raise MethodError(
            "'retrain' needs an original that a recipe trains from scratch (`fixture:...`), and this one is a finished "
            "model. Give a model that never learned the target as `reference`, or choose another method"
        )
    made: Subject = remake(data, seed)
    return made
