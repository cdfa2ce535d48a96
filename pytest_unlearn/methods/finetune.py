"""Fine-tuning: go on training on what must be kept, and let the rest fade.

Paper: the baseline of Golatkar et al., "Eternal Sunshine of the Spotless Net", CVPR 2020 (arXiv 1911.04933).
Needs: RETAIN.

    L(theta) = -1/n sum_{t in A} log p_theta(x_t | x_<t)        A: the n answer tokens of the retain rows of a step

When it fails: almost always as forgetting. Nothing pushes the target out, so a converged model keeps it; a drop on the
forget set is that of general drift. Read it as a control: a method that forgets no more than this one does not forget.

Worked example: one retained answer of three tokens, with probabilities 1/2, 1/4, 1/2.
-log p = ln 2 + ln 4 + ln 2 = 4 ln 2 = 2.7726; over three tokens L = 0.9242.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import RETAIN, Band, Data, LoopConfig, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.terms import Pair, Term, nll_term


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig(LoopConfig):
    """The loop's options.

    `epochs`: passes over the retain set
    `batch`: retain rows in a step
    """


def finetune_terms(now: Opened, original: Frozen, pair: Pair, config: FinetuneConfig) -> dict[str, Term]:
    """`retain`: mean negative log-likelihood of the retain answers' tokens."""
    return {"retain": nll_term(now, pair.retain)}


@method("finetune", needs={RETAIN}, band=Band(recall=(0.8, 1.0), retention=(0.8, 1.0)))
def finetune(subject: Subject, data: Data, config: FinetuneConfig, seed: int) -> Subject:
    """`subject` after more training on the retain set."""
    return train(subject, replace(data, forget=()), config, seed, finetune_terms)
