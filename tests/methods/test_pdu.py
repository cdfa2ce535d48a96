"""Primal-dual unlearning by hand, and when its dual variable moves."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from pytest_unlearn.methods.pdu import PDUConfig, PrimalDual
from pytest_unlearn.methods.wraps.coreset import CoresetConfig
from pytest_unlearn.registry import Use
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.loop import fit

LN2 = math.log(2)
ROWS = {"forget": [("a", "bcd")], "retain": [("e", "fgh")]}


@pytest.fixture
def now(tabled):
    """Largest less mean logit: 1, 1/2 and 0 at the forgotten tokens; 1/2 at each of the retained ones."""
    table = torch.zeros(8, 8)
    table[0, 1], table[1, 2] = 8 / 7, 4 / 7  # 8/7 - 1/7 and 4/7 - 1/14
    for here, token in ((4, 5), (5, 6), (6, 7)):
        table[here] = math.log(1 / 14)
        table[here, token] = math.log(1 / 2)
    return tabled(table)


def test_the_loss_and_the_step_of_the_dual_variable_by_hand(now, stand):
    config = PDUConfig()
    objective = PrimalDual(config)
    terms = objective(now, *stand(now, [], **ROWS), config)
    assert terms["forget"].mean.item() == pytest.approx((1 + 1 / 4 + 0) / 3) == pytest.approx(0.4167, abs=1e-4)
    assert terms["retain"].mean.item() == pytest.approx(LN2)
    assert terms["retain"].weight == 1.0  # that of before the step
    assert objective.dual == pytest.approx(1 + LN2 - 0.3) == pytest.approx(1.3931, abs=1e-4)
    again = objective(now, *stand(now, [], **ROWS), config)
    assert again["retain"].weight == pytest.approx(1.3931, abs=1e-4)


def test_equal_logits_are_the_floor(tabled, stand):
    model, config = tabled(torch.zeros(8, 8)), PDUConfig()
    term = PrimalDual(config)(model, *stand(model, [], **ROWS), config)["forget"]
    term.mean.backward()
    assert term.mean.item() == 0
    assert not model.module.weight.grad.any()


def test_the_dual_variable_falls_below_the_limit_but_never_below_nought(now, stand):
    config = PDUConfig(retain_limit=1.0, dual_lr=2.0)
    objective = PrimalDual(config)
    found = []
    for _ in range(3):
        objective(now, *stand(now, [], **ROWS), config)
        found.append(objective.dual)
    assert found == pytest.approx([1 - 2 * (1 - LN2), 0, 0])


def test_it_does_not_move_before_it_begins(now, stand):
    config = PDUConfig()
    objective = PrimalDual(config)
    objective.begin(4)
    found = []
    for _ in range(4):
        objective(now, *stand(now, [], **ROWS), config)
        found.append(objective.dual)
    assert found == pytest.approx([1, 1, 1.3931, 1.7863], abs=1e-4)


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair) for pair in pairs)


DATA = Data(_examples("abcd", "bc", "cdef", "dgh"), _examples("fgh", "ghab", "hc", "fa", "gbcd"))


class Watched(PrimalDual):
    """Remembers lambda as it is before each step."""

    def __init__(self, config: PDUConfig) -> None:
        super().__init__(config)
        self.seen: list[float] = []

    def __call__(self, *given):
        self.seen.append(self.dual)
        return super().__call__(*given)


@pytest.mark.parametrize(
    "more",
    [{}, {"sampler": "cyclic"}, {"wrap": (Use("coreset", CoresetConfig(share=0.5)),)}],
    ids=["paired", "cyclic", "coreset"],
)
def test_it_begins_halfway_through_the_steps_that_are_taken(bigram, more):
    config = PDUConfig(epochs=2.0, batch=2, retain_limit=0.1, **more)
    objective = Watched(config)
    losses = fit(bigram(), DATA, config, 0, objective)
    half = len(losses) // 2
    moved = [before != after for before, after in pairwise([*objective.seen, objective.dual])]
    assert moved == [False] * half + [True] * (len(losses) - half)


@pytest.mark.parametrize("retain", ["nll", "kl"])
def test_it_moves_once_a_step_however_many_pieces_the_step_has(bigram, retain):
    duals, losses = [], []
    for tokens_at_once in (7, 10_000):
        config = PDUConfig(steps=6, lr=0.05, batch=4, retain=retain, retain_limit=0.1, dual_after=0)
        objective = PrimalDual(config)
        views = [("retain", "logits")]
        losses.append(fit(bigram(), DATA, config, 0, objective, views, tokens_at_once))
        duals.append(objective.dual)
        assert objective.steps == 6
    assert duals[0] == pytest.approx(duals[1], rel=1e-4)
    assert duals[1] == pytest.approx(1 + sum(loss["retain"] - 0.1 for loss in losses[1]), rel=1e-4)
