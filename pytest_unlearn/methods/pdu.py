"""Primal-dual unlearning: flatten the logits of the forget answers, as far as a limit on the retain loss allows.

Paper: Entesari et al., "Constrained Entropic Unlearning: A Primal-Dual Framework for Large Language Models", 2025
(arXiv 2506.05314); defaults of open-unlearning, `configs/trainer/PDU.yaml`.
Needs: FORGET, RETAIN.

    L(theta, lambda) = gamma 1/n sum_{t in A} (max_v z_t(v) - mean_v z_t(v))^2 + lambda (L_retain(theta) - epsilon)
    lambda           = max(0, lambda + eta (L_retain(theta) - epsilon))             after each step, once it has begun
    z_t                the logits that predict answer token t, of the n in the forget rows of a step

The forget term is 0 where all tokens are equally likely, and its gradient does not fade on the way there. lambda rises
as long as the retain loss is above epsilon and falls below it; `retain: kl` limits the divergence from the original
instead. The repository asks for epsilon (its best on TOFU: epsilon = 0.3, lambda = 100 at the start, eta = 5), moves
lambda at every micro-batch of every process and takes the logits one position late; here lambda moves once a step. It
stays for the first half of the steps, as in the repository for 5 of 10 epochs.

When it fails: a limit below what the model can reach lets lambda grow without end, and nothing is forgotten; one that
is too high lets the model be flattened everywhere. An answer that is no likelier than noise shows that something was
removed. The term is in squared logits, some hundreds at the start: beside it lambda = 1 is little.

Worked example, epsilon = 0.3: a forgotten answer of three tokens of a vocabulary of two, with the logits (2, 0), (1, 0)
and (0, 0). max - mean = 1, 1/2, 0, so forget = (1 + 1/4 + 0) / 3 = 0.4167. A retained answer at 1/2, 1/2, 1/2 has
0.6931; with lambda = 1 and eta = 1 the next lambda is 1 + 0.3931 = 1.3931.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le

from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import LOGITS, Frozen, View
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_term
from pytest_unlearn.training.terms import IGNORED, Pair, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class PDUConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `retain_weight`: lambda at the start
    `retain_limit`: epsilon, what the retain loss may be, in nats a token
    `dual_lr`: eta, how far lambda goes in a step
    `dual_after`: the share of the steps before lambda begins to move
    """

    retain_limit: Annotated[float, Gt(0)] = 0.3
    dual_lr: Annotated[float, Ge(0)] = 1.0
    dual_after: Annotated[float, Ge(0), Le(1)] = 0.5


class PrimalDual:
    """The objective of one training. What it remembers between steps: `dual` (lambda) and the number of `steps` done.

    A step may come in pieces; it is over when all its retain rows have been seen, and only then does `dual` move.
    """

    def __init__(self, config: PDUConfig) -> None:
        self.dual, self.steps = config.retain_weight, 0
        self._after, self._begins, self._rows, self._loss = config.dual_after, 0, 0, 0.0

    def begin(self, n: int) -> None:
        """Of `n` steps `dual` stays through the first; the loop tells it so."""
        self._begins = int(self._after * n)

    def __call__(self, now: Opened, original: Frozen, pair: Pair, config: PDUConfig) -> dict[str, Term]:
        """`forget`: the squared margin, a mean over the forget tokens; `retain`: see `training/retain.py`."""
        forget = pair.forget
        values, labels = now.logits(forget.batch)  # (batch, answer, vocab), (batch, answer)
        margins = (values.amax(-1) - values.mean(-1)).square().masked_fill(labels == IGNORED, 0.0)  # (batch, answer)
        kept = retain_term(now, original, pair, config, self.dual)
        self._count(kept, pair, config)
        return {
            "forget": Term((forget.weights * margins.sum(-1)).sum(), forget.tokens, config.forget_weight),
            "retain": kept,
        }

    def _count(self, kept: Term, pair: Pair, config: PDUConfig) -> None:
        self._rows += len(pair.retain.at)
        self._loss += kept.mean.item()
        if self._rows < pair.retain.count:
            return
        self.steps += 1
        if self.steps > self._begins:
            self.dual = max(0.0, self.dual + config.dual_lr * (self._loss - config.retain_limit))
        self._rows, self._loss = 0, 0.0


@method("pdu", needs={FORGET, RETAIN}, version=2, band=Band(recall=(0.3, 0.8), retention=(0.7, 1.0)))
def pdu(subject: Subject, data: Data, config: PDUConfig, seed: int) -> Subject:
    """`subject` with flat logits for the forget answers, and a retain loss that is held to a limit."""
    views: list[View] = [("retain", LOGITS)] if config.retain == "kl" else []
    return train(subject, data, config, seed, PrimalDual(config), original=views)
