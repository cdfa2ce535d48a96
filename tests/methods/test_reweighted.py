"""Objectives that look at the likelihood of forget tokens alone: by hand on three tokens, and what holds of them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.methods.grad_ascent import GradAscentConfig, grad_ascent_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.methods.satimp import SatImpConfig, satimp_terms
from pytest_unlearn.methods.simnpo import SimNPOConfig, simnpo_terms
from pytest_unlearn.methods.wga import WGAConfig, shifted, wga_terms
from pytest_unlearn.training.frozen import Frozen

LN2 = math.log(2)
ROWS = {"forget": [("a", "bcd")], "retain": [("e", "fgh")]}
tables = st.lists(st.floats(-5, 5), min_size=64, max_size=64).map(lambda row: torch.tensor(row).reshape(8, 8))


@pytest.fixture
def now(bigram):
    """Forgotten answer: 1/2, 1/4, 1/2; retained answer: 1/2, 1/2, 1/2."""
    return bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ef=1 / 2, fg=1 / 2, gh=1 / 2)


def test_simnpo_by_hand(now, stand):
    terms = simnpo_terms(now, *stand(now, [], **ROWS), SimNPOConfig())
    # s = 4 ln 2 / 3: -(2 / 4.5) log sigmoid(6 ln 2) = (2 / 4.5) ln(1 + 2 ** -6)
    forget = 2 / 4.5 * math.log(1 + 2**-6)
    assert terms["forget"].mean.item() == pytest.approx(forget) == pytest.approx(0.006891, abs=1e-6)
    assert (terms["forget"].weight, terms["retain"].weight) == (0.125, 1.0)
    loss = sum(term.weight * term.mean.item() for term in terms.values())
    assert loss == pytest.approx(0.125 * forget + LN2) == pytest.approx(0.6940, abs=1e-4)


def test_simnpo_s_margin_is_taken_off_beta_times_the_loss(now, stand):
    terms = simnpo_terms(now, *stand(now, [], **ROWS), SimNPOConfig(margin=6 * LN2))
    assert terms["forget"].mean.item() == pytest.approx(2 / 4.5 * LN2)


@given(st.floats(0.01, 0.99), st.integers(1, 6), st.floats(0.1, 10), st.floats(0, 2))
def test_simnpo_does_not_see_how_long_an_answer_is(tabled, stand, p, n, beta, margin):
    """Every token of the answer is as likely as every other."""
    table = torch.full((8, 8), math.log((1 - p) / 7)).fill_diagonal_(math.log(p))
    model, config = tabled(table), SimNPOConfig(beta=beta, margin=margin, retain_weight=0)
    one, several = (
        simnpo_terms(model, *stand(model, [], forget=[("a", "a" * length)]), config)["forget"].mean.item()
        for length in (1, n)
    )
    assert several == pytest.approx(one, rel=1e-4, abs=1e-6)
    assert one == pytest.approx(2 / beta * math.log1p(math.exp(margin + beta * math.log(p))), rel=1e-4, abs=1e-6)


@given(tables, tables)
def test_npo_tends_to_ascent_as_beta_goes_to_nought(tabled, stand, before, after):
    """Its gradient is that of ascent on the sums, however far the model has moved from the original."""
    frozen, pair = stand(tabled(before), ["forget"], forget=[("a", "bcd"), ("e", "f")])
    ascent = _gradient(tabled(after), frozen, pair, grad_ascent_terms, GradAscentConfig()) * 4  # tokens
    apart = [
        (_gradient(tabled(after), frozen, pair, npo_terms, NPOConfig(beta=beta, retain_weight=0)) * 2 - ascent).norm()
        for beta in (1e-1, 1e-3, 1e-5)  # times two rows
    ]
    assert apart[2] <= 1e-3 * ascent.norm() + 1e-5
    assert apart[2] <= apart[1] + 1e-5
    assert apart[1] <= apart[0] + 1e-5


def test_wga_by_hand(now, stand):
    terms = wga_terms(now, *stand(now, [], **ROWS), WGAConfig())
    assert terms["forget"].mean.item() == pytest.approx(-(LN2 / 2 + LN2 / 2 + LN2 / 2) / 3)
    assert terms["forget"].mean.item() == pytest.approx(-0.3466, abs=1e-4)
    assert terms["retain"].mean.item() == pytest.approx(LN2)


def test_shuffled_weights_stand_beside_the_next_token_of_their_answer(now, stand):
    config = WGAConfig(shuffled=True, retain_weight=0)
    (term,) = wga_terms(now, *stand(now, [], forget=[("a", "bcd")]), config).values()
    assert term.mean.item() == pytest.approx(-7 / 4 * LN2 / 3)
    moved = shifted(torch.tensor([[1.0, 2, 3], [4, 5, 9]]), torch.tensor([[True, True, True], [True, True, False]]))
    assert moved.tolist() == [[2, 3, 1], [5, 4, 9]]


def test_satimp_by_hand(now, stand):
    terms = satimp_terms(now, *stand(now, [], **ROWS), SatImpConfig())
    # p ** 5 (1 - p): 1/64 at 1/2, 3/4096 at 1/4
    expected = -(LN2 / 64 + 3 / 4096 * 2 * LN2 + LN2 / 64) / 3
    assert terms["forget"].mean.item() == pytest.approx(expected) == pytest.approx(-0.007559, abs=1e-6)
    assert (terms["forget"].weight, terms["retain"].weight) == (1.0, 0.1)


@pytest.mark.parametrize(
    ("terms", "config"),
    [(wga_terms, WGAConfig(beta=0)), (satimp_terms, SatImpConfig(saturation=0, importance=0))],
)
def test_without_weights_both_are_ascent(now, stand, terms, config):
    frozen, pair = stand(now, [], forget=[("a", "bcd"), ("e", "f")], retain=[("e", "fgh")])
    plain = _gradient(now, frozen, pair, grad_ascent_terms, GradAscentConfig())
    torch.testing.assert_close(_gradient(now, frozen, pair, lambda *x: {"f": terms(*x)["forget"]}, config), plain)


@pytest.mark.parametrize(
    ("terms", "config", "weight"),
    [
        (wga_terms, WGAConfig(beta=2), lambda p: p**2),
        (satimp_terms, SatImpConfig(saturation=2, importance=3), lambda p: p**2 * (1 - p) ** 3),
    ],
)
def test_no_gradient_goes_through_the_weights(now, stand, terms, config, weight):
    """The gradient is that of ascent with the weights as numbers, on rows of unequal length."""
    rows = [("a", "bcd"), ("e", "f")]
    found = _gradient(now, *stand(now, [], forget=rows, retain=rows), lambda *x: {"f": terms(*x)["forget"]}, config)
    table = now.module.weight.detach().clone().requires_grad_()
    logp = torch.log_softmax(table, -1)
    tokens = [logp[0, 1], logp[1, 2], logp[2, 3], logp[4, 5]]
    direct = sum(weight(one.exp().item()) * one for one in tokens) / 4
    torch.testing.assert_close(found, torch.autograd.grad(direct, table)[0])


def _gradient(model, frozen: Frozen, pair, terms, config):
    model.module.weight.grad = None
    sum(term.weight * term.mean for term in terms(model, frozen, pair, config).values()).backward()
    return model.module.weight.grad.clone()
