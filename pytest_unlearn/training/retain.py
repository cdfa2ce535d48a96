"""What holds the model in place: the retain term, which any objective that has one takes from here.

    nll   1/n' sum_{t in A'} -log p_theta(x_t | x_<t)                                A': the n' answer tokens of the
    kl    1/n' sum_{t in A'} sum_v p_original(v | x_<t) log (p_original / p_theta)   retain rows of a step

`nll` goes on training on what must stay. `kl` keeps what the original says there, right or wrong, with all it thinks of
the other tokens, and is 0 as long as nothing has moved; it asks for the original's logits (see `Frozen`).

open-unlearning, `src/trainer/utils.py`, averages the divergence over all positions of the padded batch, those of
prompts and padding among them, so that the weight of an answer depends on the length of its question and of its
neighbours in the batch; here the mean is over answer tokens. Both are KL(original || now).

Worked example: three retained tokens of a vocabulary of two, which the original gives 1/2 each and the model now 1/2,
1/2 and 1/4. nll = (ln 2 + ln 2 + ln 4) / 3 = 4 ln 2 / 3 = 0.9242. kl = (0 + 0 + 1/2 ln 2 + 1/2 ln 2/3) / 3 = 0.0479.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import LoopConfig
from pytest_unlearn.training.frozen import LOGITS, Frozen, View
from pytest_unlearn.training.terms import IGNORED, Pair, Rows, Term, nll_term


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainConfig(LoopConfig):
    """The options of an objective with a forget and a retain term, beside the loop's.

    `forget_weight`: gamma, the weight of the forget term
    `retain`: the retain term: `nll` goes on training on the retain set, `kl` keeps what the original says there
    `retain_weight`: alpha, the weight of the retain term; 0 for none
    """

    forget_weight: Annotated[float, Ge(0)] = 1.0
    retain: Literal["nll", "kl"] = "nll"
    retain_weight: Annotated[float, Ge(0)] = 1.0


def retain_views(config: RetainConfig) -> tuple[View, ...]:
    """What the retain term asks of the original, for `train(..., original=...)`."""
    return (("retain", LOGITS),) if config.retain == "kl" and config.retain_weight else ()


def retain_terms(now: Opened, original: Frozen, pair: Pair, config: RetainConfig) -> dict[str, Term]:
    """`retain`: the term that `config` names, a mean over the answer tokens of the retain rows; nothing at weight 0."""
    if not config.retain_weight:
        return {}
    return {"retain": retain_term(now, original, pair, config, config.retain_weight)}


def retain_term(now: Opened, original: Frozen, pair: Pair, config: RetainConfig, weight: float) -> Term:
    """The retain term that `config` names, a mean over the answer tokens of the retain rows, with this weight."""
    if config.retain == "kl":
        return kl_term(now, original, pair.retain, weight)
    return nll_term(now, pair.retain, weight)


def kl_term(now: Opened, original: Frozen, rows: Rows, weight: float = 1.0) -> Term:
    """Mean KL(original || now) over all answer tokens of the step, in nats, each row scaled by its example's weight."""
    values, labels = now.logits(rows.batch)  # (batch, answer, vocab), (batch, answer)
    logp = torch.log_softmax(values, -1)
    before = torch.log_softmax(original.logits(rows), -1)  # (batch, answer, vocab)
    apart = (before.exp() * (before - logp)).sum(-1).masked_fill(labels == IGNORED, 0.0)  # (batch, answer)
    return Term((rows.weights * apart.sum(-1)).sum(), rows.tokens, weight)
