"""What the original says, computed once."""

from __future__ import annotations

import math

import pytest
import torch

from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.sampler import EncodedSet

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


@pytest.mark.parametrize("keep", [0, 1 << 30])
def test_logits_are_those_of_the_original_at_the_answer_whether_they_were_kept_or_not(original, examples, keep):
    frozen = Frozen(original, {"forget": examples}, 2, [("forget", "logits")], keep)
    assert frozen.live is (keep == 0)
    rows = examples.rows([1, 0], [1, 0])
    before, _ = original.logits(rows.batch)
    frozen.hold(list(original.module.parameters()))
    with torch.no_grad():
        original.module.weight.mul_(2)
    after = original.module.weight.detach().clone()
    said = frozen.logits(rows)
    assert said.shape == (2, 3, 8)
    torch.testing.assert_close(said[1], before[1].detach())
    torch.testing.assert_close(said[0, 0], before[0, 0].detach())  # the answer "f"; what follows is padding
    assert not said.requires_grad
    assert torch.equal(original.module.weight, after)


@pytest.mark.parametrize("keep", [0, 1 << 30])
def test_states_are_those_that_leave_a_site_where_the_answer_is_predicted(bigram, keep):
    model = bigram(ab=1 / 2)
    model.sites = {"embed": model.module}
    examples = EncodedSet("retain", [Example(Prompt.of(p), a, a) for p, a in (("a", "bcd"), ("ee", "f"))], model)
    frozen = Frozen(model, {"retain": examples}, 2, [("retain", "embed")], keep)
    table = model.module.weight.detach().clone()
    frozen.hold(list(model.module.parameters()))
    with torch.no_grad():
        model.module.weight.zero_()
    said = frozen.states(examples.rows([0, 1], [0, 1]), "embed")
    torch.testing.assert_close(said[0], table[[0, 1, 2]])
    torch.testing.assert_close(said[1, 0], table[4])


def test_what_is_kept_is_as_large_as_was_said(original, examples):
    """Five answer tokens of eight logits in eight bytes each: 320 bytes."""
    assert Frozen(original, {"forget": examples}, views=[("forget", "logits")], keep=319).live
    assert not Frozen(original, {"forget": examples}, views=[("forget", "logits")], keep=320).live


def test_nothing_is_held_beside_the_model_where_everything_is_kept(original, examples):
    frozen = Frozen(original, {"forget": examples}, views=["forget"], keep=0)
    frozen.hold(list(original.module.parameters()))
    assert not frozen.live
    assert frozen._start == []


def test_a_step_backwards_goes_through_the_weights_of_now(original, examples):
    """Asking the original between a forward and a backward pass leaves the gradient as it is."""
    rows = examples.rows([0], [0])
    frozen = Frozen(original, {"forget": examples}, 2, [("forget", "logits")], 0)
    frozen.hold(list(original.module.parameters()))
    with torch.no_grad():
        original.module.weight[:, 0] += 1
    plain = original.logits(rows.batch)[0].square().sum()
    (expected,) = torch.autograd.grad(plain, original.module.weight)
    loss = original.logits(rows.batch)[0].square().sum()
    frozen.logits(rows)
    loss.backward()
    torch.testing.assert_close(original.module.weight.grad, expected)
