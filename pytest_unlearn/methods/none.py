"""None: nothing is done, the control that every forget check must fail.

Paper: none; the row "no unlearning" of every published table.
Needs: nothing.

    theta' = theta

When it fails: by design, wherever the original knows the target. A scenario that passes with it proves nothing, because
its probes do not reach what the original knows.

Worked example: an answer of three tokens with probabilities 1/2, 1/4, 1/2 keeps its log-likelihood of -4 ln 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.training.data import Band, Data, method


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneConfig:
    """No keys."""


@method("none", needs=set(), band=Band(recall=(1.0, 1.0), retention=(1.0, 1.0)))
def none(subject: Subject, data: Data, config: NoneConfig, seed: int) -> Subject:
    """The subject itself."""
    return subject
