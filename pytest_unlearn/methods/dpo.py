"""Direct preference optimisation: prefer "I do not know" to the forgotten answer.

Paper: Rafailov et al., "Direct Preference Optimization", NeurIPS 2023 (arXiv 2305.18290), for unlearning in TOFU (arXiv
2401.06121) and as a baseline of NPO (arXiv 2404.05868); defaults of open-unlearning, `configs/trainer/DPO.yaml`.
Needs: FORGET, RETAIN, REFUSALS, ORIGINAL.

    L(theta) = -gamma (2 / beta) 1/B sum_b log sigmoid(beta (d(r_b) - d(y_b))) + alpha L_retain(theta)
    d(y)     = log p_theta(y | x) - log p_original(y | x)       summed over the tokens of y
    y_b, r_b   the forget answer b, and a refusal beside it

Rafailov et al. have no factor before the mean, and the NPO paper has 1 / beta; 2 / beta is the repository's, with which
the gradient starts as grad log p(y) - grad log p(r) whatever beta is. It is NPO with a winner beside the loser. Each
forget row has five refusals of its own, drawn from the hundred of `refusals.txt`, and takes the next at each visit.

When it fails: refusing is easy to learn for everything that is asked in the same form, so retained questions are
refused too; read over-refusal there. The refusal hides the answer, which other ways of asking and a few steps of
relearning bring back. On documents, which have no question, it teaches to begin any text with a refusal.

Worked example, beta = 0.1: a forgotten answer of three tokens had probabilities 1/2, 1/2, 1/2 and has 1/2, 1/4, 1/2; a
refusal of one token had 1/4 and has 1/2. d(r) - d(y) = ln 2 + ln 2, and forget = 20 ln(1 + 2 ** -0.2) = 12.5247, down
from 20 ln 2 = 13.8629.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, ORIGINAL, REFUSALS, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Rows, Term, sequence_logp

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DPOConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how soon a row whose preference has moved counts less
    """

    beta: Annotated[float, Gt(0)] = 0.1


def dpo_terms(now: Opened, original: Frozen, pair: Pair, config: DPOConfig) -> dict[str, Term]:
    """`forget`: the preference loss, a mean over rows; `retain`: see `training/retain.py`."""
    losses = preference(now, original, pair.refusals, pair.forget, config.beta)  # (batch,)
    return {
        "forget": Term((pair.forget.weights * losses).sum(), pair.forget.count, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


def preference(now: Opened, original: Frozen, winner: Rows, loser: Rows, beta: float) -> Tensor:
    """-(2 / beta) log sigmoid(beta (d(winner) - d(loser))), (B,): how little each winner is preferred to its loser."""
    moved = [sequence_logp(*now.logits(rows.batch)) - original.logp(rows) for rows in (winner, loser)]  # (batch,) each
    return -(2 / beta) * torch.nn.functional.logsigmoid(beta * (moved[0] - moved[1]))


@method("dpo", needs={FORGET, RETAIN, REFUSALS, ORIGINAL}, band=Band(recall=(0.8, 1.0), retention=(0.8, 1.0)))
def dpo(subject: Subject, data: Data, config: DPOConfig, seed: int) -> Subject:
    """`subject` trained to prefer refusals to the forget answers."""
    return train(
        subject, data, config, seed, dpo_terms, ("forget", "refusals", *retain_views(config)), beside="refusals"
    )
