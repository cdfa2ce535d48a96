"""Objectives that aim at a distribution without the forgotten token: CE-U and UNDIAL."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.methods.ceu import CEUConfig, ceu_terms
from pytest_unlearn.methods.undial import UNDIALConfig, undial_terms

LN2 = math.log(2)
FORGET = [("a", "bcd")]
VIEWS = [("forget", "logits")]
tables = st.lists(st.floats(-5, 5), min_size=64, max_size=64).map(lambda row: torch.tensor(row).reshape(8, 8))


@pytest.fixture
def original(bigram):
    return bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2)


@pytest.fixture
def now(bigram):
    return bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2)


def test_ceu_is_the_cross_entropy_to_the_guess_without_the_token(now, stand):
    term = ceu_terms(now, *stand(now, [], forget=FORGET), CEUConfig(skip=0))["forget"]
    # q is even over the seven others, whose share is 1/2, 3/4, 1/2: -log p of each is ln 14, ln 28/3, ln 14
    assert term.mean.item() == pytest.approx((2 * math.log(14) + math.log(28 / 3)) / 3)
    # that is ln 7 more than in a vocabulary of two, where it is (2 ln 2 + ln 4/3) / 3
    assert term.mean.item() - math.log(7) == pytest.approx(0.5580, abs=1e-4)


@pytest.mark.parametrize(("skip", "asked"), [(0, "abcb"), (1, "bcb"), (2, "cb"), (9, "cb")])
def test_ceu_skips_the_first_tokens_of_each_answer_but_never_its_last(now, stand, skip, asked):
    """The answers "bcd" and "a" after the letters "a" and "b"; the letters that predict a counted token are told."""
    term = ceu_terms(now, *stand(now, [], forget=[("a", "bcd"), ("b", "a")]), CEUConfig(skip=skip))["forget"]
    term.total.backward()
    table, after = now.module.weight.detach(), {"a": "b", "b": "c", "c": "d"}
    expected = torch.zeros_like(table)
    counted = [(x, after[x]) for x in asked[:-1]] + [("b", "a")]
    for here, token in ((ord(x) - 97, ord(y) - 97) for x, y in counted):
        p = table[here].softmax(-1)
        q = p.clone()
        q[token] = 0
        expected[here] += p - q / q.sum()
    assert term.count == len(asked)
    torch.testing.assert_close(now.module.weight.grad, expected)


def test_undial_by_hand(original, stand):
    term = undial_terms(original, *stand(original, VIEWS, forget=FORGET), UNDIALConfig(beta=LN2))["forget"]
    # the token falls from 1/2 to 1/4 against 1/2 of the seven others: q = 1/3, and 2/21 for each of the others
    assert term.mean.item() == pytest.approx(1 / 3 * LN2 + 2 / 3 * math.log(14))
    # as in a vocabulary of two, where it is ln 2, but for the choice among the seven
    assert term.mean.item() - 2 / 3 * math.log(7) == pytest.approx(0.6931, abs=1e-4)


def test_undial_aims_at_the_original_and_not_at_what_the_model_has_become(now, original, stand):
    frozen, pair = stand(original, VIEWS, forget=FORGET)
    term = undial_terms(now, frozen, pair, UNDIALConfig(beta=LN2))["forget"]
    one, other = 1 / 3 * LN2 + 2 / 3 * math.log(14), 1 / 3 * math.log(4) + 2 / 3 * math.log(28 / 3)
    assert term.mean.item() == pytest.approx((2 * one + other) / 3)


def test_undial_has_no_retain_term_unless_it_is_given_a_weight(now, original, stand):
    frozen, pair = stand(original, VIEWS, forget=FORGET, retain=[("e", "f")])
    assert set(undial_terms(now, frozen, pair, UNDIALConfig())) == {"forget"}
    assert undial_terms(now, frozen, pair, UNDIALConfig(retain_weight=2.0))["retain"].weight == 2.0


@given(tables, tables, st.floats(0.1, 20))
def test_undial_touches_no_position_that_is_not_an_answer_s_and_turns_down_no_other_token(
    tabled, stand, before, after, beta
):
    """Rows of unequal length; the gradient at each letter that predicts an answer is p - q, elsewhere it is nothing."""
    model = tabled(after)
    frozen, pair = stand(tabled(before), VIEWS, forget=[("gha", "bcd"), ("e", "f")])
    undial_terms(model, frozen, pair, UNDIALConfig(beta=beta))["forget"].total.backward()
    expected = torch.zeros(8, 8)
    for here, token in ((0, 1), (1, 2), (2, 3), (4, 5)):
        aim = before[here].clone()
        aim[token] -= beta
        expected[here] += after[here].softmax(-1) - aim.softmax(-1)
    torch.testing.assert_close(model.module.weight.grad, expected, atol=1e-5, rtol=1e-4)


@given(tables, st.floats(0.1, 20))
def test_undial_goes_no_lower_than_the_entropy_of_its_aim(tabled, stand, before, beta):
    aimed = before.clone()
    for here, token in ((0, 1), (1, 2), (2, 3)):
        aimed[here, token] -= beta
    frozen, pair = stand(tabled(before), VIEWS, forget=FORGET)
    lowest = undial_terms(tabled(aimed), frozen, pair, UNDIALConfig(beta=beta))["forget"].mean.item()
    entropy = torch.distributions.Categorical(logits=aimed[:3]).entropy().mean().item()
    assert lowest == pytest.approx(entropy, abs=1e-4)
    start = undial_terms(tabled(before), frozen, pair, UNDIALConfig(beta=beta))["forget"].mean.item()
    assert start >= lowest - 1e-5
