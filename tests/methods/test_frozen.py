"""What the original says, computed once."""

from __future__ import annotations

import math

import pytest
import torch

from pytest_unlearn.methods.data import Example
from pytest_unlearn.methods.frozen import Frozen
from pytest_unlearn.methods.sampler import EncodedSet
from pytest_unlearn.subjects.requests import Prompt

LN2 = math.log(2)


@pytest.fixture
def original(bigram):
    return bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ef=1 / 8)


@pytest.fixture
def examples(original):
    pairs = [("a", "bcd"), ("e", "f"), ("a", "b")]
    return EncodedSet("forget", [Example(Prompt.of(prompt), answer, answer) for prompt, answer in pairs], original)


@pytest.mark.parametrize("rows_at_once", [1, 2, 8])
def test_each_row_gets_the_log_probability_of_its_own_answer(original, examples, rows_at_once):
    frozen = Frozen(original, {"forget": examples}, rows_at_once)
    logp = frozen.logp(examples.rows([2, 0, 1], [2, 0, 1]))
    assert logp.tolist() == pytest.approx([-LN2, -4 * LN2, -3 * LN2])
    assert frozen.logp(examples.rows([1], [1])).tolist() == pytest.approx([-3 * LN2])


def test_nothing_of_it_asks_for_a_gradient(original, examples):
    assert not Frozen(original, {"forget": examples}).logp(examples.rows([0], [0])).requires_grad


def test_it_says_the_same_whatever_becomes_of_the_weights(original, examples):
    frozen = Frozen(original, {"forget": examples})
    with torch.no_grad():
        original.module.weight.zero_()
    assert frozen.logp(examples.rows([1], [1])).tolist() == pytest.approx([-3 * LN2])


def test_a_set_that_was_not_measured_is_a_mistake_of_the_method_s_author(original, examples):
    with pytest.raises(
        LookupError, match=r"^this objective compares with the original on the forget set: `train` must be told so$"
    ):
        Frozen(original, {}).logp(examples.rows([0], [0]))
