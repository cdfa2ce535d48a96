"""The retain terms: hand-worked numbers, and what a divergence can and cannot be."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.retain import RetainConfig, kl_term, retain_terms, retain_views
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair

LN2 = math.log(2)
KL = RetainConfig(retain="kl", retain_weight=3.0)


@pytest.fixture
def original(bigram):
    return bigram(ef=1 / 2, fg=1 / 2, gh=1 / 2)


@pytest.fixture
def now(bigram):
    return bigram(ef=1 / 2, fg=1 / 2, gh=1 / 4)


def _rows(model, *pairs):
    examples = EncodedSet("retain", [Example(Prompt.of(p), answer, answer) for p, answer in pairs], model)
    frozen = Frozen(model, {"retain": examples}, views=[("retain", "logits")])
    return frozen, Pair({"retain": examples.rows(range(len(examples)), range(len(examples)))})


def test_nll_is_the_mean_loss_of_the_answer_tokens(now, original):
    (term,) = retain_terms(now, *_rows(original, ("e", "fgh")), RetainConfig(retain_weight=3.0)).values()
    assert (term.mean.item(), term.weight) == (pytest.approx(4 * LN2 / 3), 3.0)


def test_kl_is_the_mean_divergence_from_the_original_over_the_answer_tokens(now, original):
    (term,) = retain_terms(now, *_rows(original, ("e", "fgh")), KL).values()
    # the first two tokens have not moved; the third fell from 1/2 to 1/4, and the other half rose to 3/4
    assert term.mean.item() == pytest.approx((LN2 / 2 + math.log(2 / 3) / 2) / 3) == pytest.approx(0.0479, abs=1e-4)
    assert (term.count, term.weight) == (3, 3.0)


def test_kl_asks_nothing_of_the_prompt_and_the_padding(now, original):
    (term,) = retain_terms(now, *_rows(original, ("gefg", "h"), ("gg", "efe")), KL).values()
    moved = LN2 / 2 + math.log(2 / 3) / 2
    assert term.mean.item() == pytest.approx(2 * moved / 4)  # after the g of "fg", and after the g that predicts "e"


def test_at_weight_nought_there_is_no_term_and_nothing_is_asked_of_the_original(now):
    config = RetainConfig(retain="kl", retain_weight=0.0)
    assert retain_terms(now, Frozen(now, {}), Pair({}), config) == {}
    assert retain_views(config) == retain_views(RetainConfig()) == ()
    assert retain_views(KL) == (("retain", "logits"),)


@pytest.mark.parametrize(("terms", "config"), [(grad_diff_terms, GradDiffConfig), (npo_terms, NPOConfig)])
def test_objectives_with_a_retain_term_take_the_divergence_as_well(now, original, terms, config):
    sets = {name: EncodedSet(name, [Example(Prompt.of("e"), "fgh", "fgh")], original) for name in ("forget", "retain")}
    frozen = Frozen(original, sets, views=["forget", ("retain", "logits")])
    pair = Pair({name: rows.rows([0], [0]) for name, rows in sets.items()})
    found = terms(now, frozen, pair, config(retain="kl", forget_weight=0.5, retain_weight=2.0))
    assert found["retain"].mean.item() == pytest.approx(0.0479, abs=1e-4)
    assert (found["forget"].weight, found["retain"].weight) == (0.5, 2.0)


tables = st.lists(st.floats(-8, 8), min_size=64, max_size=64).map(lambda row: torch.tensor(row).reshape(8, 8))


@given(tables, tables)
def test_kl_is_never_negative_and_nothing_at_the_original_where_its_gradient_is_nothing_too(tabled, before, after):
    model = tabled(before)
    frozen, pair = _rows(model, ("a", "bcd"), ("e", "f"))
    still = kl_term(model, frozen, pair.retain)
    still.mean.backward()
    assert still.mean.item() == pytest.approx(0, abs=1e-6)
    assert model.module.weight.grad.abs().max() < 1e-6
    assert kl_term(tabled(after), frozen, pair.retain).mean.item() >= -1e-6


@given(tables, st.floats(-50, 50))
def test_kl_does_not_see_a_constant_that_is_added_to_all_logits(tabled, before, constant):
    frozen, pair = _rows(tabled(before), ("a", "bcd"))
    assert kl_term(tabled(before + constant), frozen, pair.retain).mean.item() == pytest.approx(0, abs=1e-4)
