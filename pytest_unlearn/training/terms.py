"""Named loss terms, the rows they are computed on, and the log-probabilities most of them are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from pytest_unlearn.errors import MethodError
from pytest_unlearn.subjects.opened import answers_at
from pytest_unlearn.subjects.protocol import Batch, Opened
from pytest_unlearn.training.data import Example, LoopConfig

if TYPE_CHECKING:
    from torch import Tensor

    from pytest_unlearn.training.frozen import Frozen

IGNORED = -100
SetName = Literal["forget", "retain", "refusals", "alternates"]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One named part of a loss: a sum, what it is divided by, and how much it weighs.

    `total` is a scalar, summed over the rows at hand. `count` is the number of tokens or rows in the *whole step*
    (`Rows.tokens`, `Rows.count`), so that a step cut into pieces gives the gradient of one large batch. Reported is
    `total / count`, without the weight.
    """

    total: Tensor
    count: int
    weight: float = 1.0

    @property
    def mean(self) -> Tensor:
        """This piece's share of the mean over the step."""
        return self.total / self.count


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Encoded examples of one set.

    batch    ids, mask and labels, each (B, S)
    at       the place of each row in its set, which `Frozen` looks up
    weights  the examples' weights (B,), 1 unless a sampler sets them; they scale a row's loss, never a count
    count    rows in the whole step, of which these may be a piece
    tokens   answer tokens in the whole step
    step     the places of all rows of the step, in its order, of which `at` may be a part
    lengths  answer tokens of each of them
    examples what each of them was made from
    places   where each row at hand stands among them: a sampler may take one example twice in a step
    """

    set: SetName
    batch: Batch
    at: tuple[int, ...]
    weights: Tensor
    count: int
    tokens: int
    step: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    examples: tuple[Example, ...] = ()
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Forget rows and the retain rows that stand beside them; either may be missing where its set is empty.

    Where a method asks for them, there is a refusal or an alternate answer for each forget row, in the same order.
    """

    rows: dict[SetName, Rows]

    @property
    def forget(self) -> Rows:
        """The forget rows; raises MethodError where there is no forget set."""
        return self._of("forget")

    @property
    def retain(self) -> Rows:
        """The retain rows; raises MethodError where there is no retain set."""
        return self._of("retain")

    @property
    def refusals(self) -> Rows:
        """The forget questions with a refusal each; raises MethodError where there is none."""
        return self._of("refusals")

    @property
    def alternates(self) -> Rows:
        """The forget questions with a wrong answer each; raises MethodError where there is none."""
        return self._of("alternates")

    def _of(self, name: SetName) -> Rows:
        if name not in self.rows:
            raise MethodError(f"this method trains on the {name} set, but the {name} set is empty")
        return self.rows[name]


Config = TypeVar("Config", bound=LoopConfig)
Objective: TypeAlias = Callable[[Opened, "Frozen", Pair, Config], dict[str, Term]]


def token_logp(values: Tensor, labels: Tensor) -> Tensor:
    """Log-probability of each answer token.

    values (B, T, V) logits; labels (B, T) with -100 where a row is shorter. Returns (B, T), 0 where there is no token.
    """
    there = labels != IGNORED  # (batch, answer)
    index = labels.masked_fill(~there, 0).unsqueeze(-1)  # (batch, answer, 1)
    logp = values.gather(-1, index).squeeze(-1) - values.logsumexp(-1)  # (batch, answer)
    return logp.masked_fill(~there, 0.0)


def sequence_logp(values: Tensor, labels: Tensor) -> Tensor:
    """Log-probability of each whole answer, (B,): the sum of `token_logp` over its tokens."""
    return token_logp(values, labels).sum(-1)


def site_states(opened: Opened, batch: Batch, site: str) -> tuple[Tensor, Tensor]:
    """What leaves a site at the positions that predict an answer token, (B, T, D), and those tokens (B, T).

    `site` is a key of `opened.sites`, such as `layer.3`. The whole model is run, with gradients.
    """
    seen: list[Tensor] = []
    handle = opened.sites[site].register_forward_hook(
        lambda module, given, made: seen.append(made[0] if isinstance(made, tuple) else made)
    )
    try:
        opened.logits(batch)
    finally:
        handle.remove()
    at, labels = answers_at(batch.labels)
    return seen[0].gather(1, at[..., None].expand(*at.shape, seen[0].shape[-1])), labels


def nll_term(now: Opened, rows: Rows, weight: float = 1.0) -> Term:
    """Mean negative log-likelihood over all answer tokens of the step, each row scaled by its example's weight."""
    logp = sequence_logp(*now.logits(rows.batch))  # (batch,)
    return Term(-(rows.weights * logp).sum(), rows.tokens, weight)
