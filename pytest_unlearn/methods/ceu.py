"""Cross-entropy unlearning: learn what the model itself would say if the forgotten token did not exist.

Paper: Yang, "CE-U: Cross Entropy Unlearning", 2025 (arXiv 2503.01224); defaults of open-unlearning,
`src/trainer/unlearn/ceu.py`.
Needs: FORGET.

    L(theta) = -gamma 1/n sum_{t in A} sum_v q_t(v) log p_theta(v | x_<t)
    q_t      = softmax(z_t with z_t(x_t) := -infinity)          z_t: the model's own logits, as numbers; A: the answer
                                                                tokens of the forget rows, without the first `skip`

The gradient with respect to the logits is gamma / n (p - q): it takes p_t(x_t) off the token and spreads it over the
others by their own shares, so that it fades with the token instead of growing, and the loss has a floor.

When it fails: with the default `skip: 1`, that of the repository, the first token of an answer is let be, which in an
answer of one word is the fact itself: set `skip: 0` for short answers. An answer keeps at least its last token. The
model goes for its second guess, often a wording of the same answer. There is no retain term.

Worked example, skip = 0: a forgotten answer of three tokens of a vocabulary of two, with probabilities 1/2, 1/4, 1/2.
All of q is on the other token, -log p of which is ln 2, ln 4/3, ln 2; forget = (2 ln 2 + ln 4/3) / 3 = 0.5580.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, Band, Data, LoopConfig, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.terms import IGNORED, Pair, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class CEUConfig(LoopConfig):
    """The options of the formula, beside the loop's.

    `skip`: so many tokens at the start of each answer are let be; the last token never is
    `forget_weight`: gamma, what the loss is multiplied by
    """

    skip: Annotated[int, Ge(0)] = 1
    forget_weight: Annotated[float, Ge(0)] = 1.0


def ceu_terms(now: Opened, original: Frozen, pair: Pair, config: CEUConfig) -> dict[str, Term]:
    """`forget`: cross-entropy to the model's own guess without the token, a mean over the forget tokens not skipped."""
    forget = pair.forget
    values, labels = now.logits(forget.batch)  # (batch, answer, vocab), (batch, answer)
    there = labels != IGNORED
    index = labels.masked_fill(~there, 0).unsqueeze(-1)  # (batch, answer, 1)
    others = values.detach().scatter(-1, index, -torch.inf).softmax(-1)  # (batch, answer, vocab)
    losses = -(others * torch.log_softmax(values, -1)).sum(-1)  # (batch, answer)
    skipped = there.sum(-1, keepdim=True).sub(1).clamp(max=config.skip)  # (batch, 1)
    counted = there & (torch.arange(labels.shape[1], device=labels.device) >= skipped)  # (batch, answer)
    count = sum(length - min(config.skip, length - 1) for length in forget.lengths)
    total = (forget.weights * losses.masked_fill(~counted, 0.0).sum(-1)).sum()
    return {"forget": Term(total, count, config.forget_weight)}


@method("ceu", needs={FORGET}, band=Band(recall=(0.8, 1.0), retention=(0.6, 1.0)))
def ceu(subject: Subject, data: Data, config: CEUConfig, seed: int) -> Subject:
    """`subject` trained towards its own second guesses."""
    return train(subject, data, config, seed, ceu_terms)
