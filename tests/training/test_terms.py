"""Log-probabilities and the terms made of them."""

from __future__ import annotations

import math

import pytest
import torch

from pytest_unlearn.errors import MethodError
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair, Term, nll_term, sequence_logp, token_logp

HALF, QUARTER = math.log(1 / 2), math.log(1 / 4)


def test_a_token_scores_the_logarithm_of_its_softmax_and_padding_scores_zero():
    values = torch.tensor([[[0.0, 0.0], [math.log(3), 0.0]], [[0.0, math.log(3)], [5.0, -5.0]]])  # (2, 2, 2)
    labels = torch.tensor([[0, 1], [0, -100]])
    expected = torch.tensor([[HALF, QUARTER], [QUARTER, 0.0]])
    torch.testing.assert_close(token_logp(values, labels), expected)
    torch.testing.assert_close(sequence_logp(values, labels), torch.tensor([HALF + QUARTER, QUARTER]))


def test_a_constant_added_to_all_logits_changes_nothing():
    values, labels = (
        torch.randn(3, 4, 7, generator=torch.Generator().manual_seed(0)),
        torch.zeros(3, 4, dtype=torch.long),
    )
    torch.testing.assert_close(token_logp(values + 100, labels), token_logp(values, labels), atol=1e-4, rtol=0)


def test_padding_gets_no_gradient():
    values = torch.zeros(1, 2, 3, requires_grad=True)
    sequence_logp(values, torch.tensor([[1, -100]])).sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([[[-1 / 3, 2 / 3, -1 / 3], [0.0, 0.0, 0.0]]]))


def test_the_mean_runs_over_tokens_and_not_over_rows(bigram):
    model = bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ef=1 / 2)
    rows = _set(model, ("a", "bcd"), ("e", "f")).rows([0, 1], [0, 1])
    # -(ln 1/2 + ln 1/4 + ln 1/2) - ln 1/2 = 5 ln 2 over 4 tokens
    assert nll_term(model, rows).mean.item() == pytest.approx(5 * math.log(2) / 4)


def test_an_example_s_weight_scales_its_row_and_not_the_count(bigram):
    model = bigram(ab=1 / 2, ef=1 / 2)
    rows = EncodedSet("forget", [Example(Prompt.of("a"), "b", "1", weight=3.0), _example("e", "f")], model).rows(
        [0, 1], [0, 1]
    )
    term = nll_term(model, rows)
    assert (term.total.item(), term.count) == (pytest.approx(4 * math.log(2)), 2)


def test_a_term_divides_by_the_count_of_the_whole_step(bigram):
    model = bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2)
    rows = _set(model, ("a", "bcd"), ("a", "b")).rows([1], [0, 1])
    assert (rows.count, rows.tokens, rows.at) == (2, 4, (1,))
    assert nll_term(model, rows).mean.item() == pytest.approx(math.log(2) / 4)


def test_the_weight_of_a_term_is_not_part_of_its_mean():
    assert Term(torch.tensor(6.0), 3, weight=10.0).mean.item() == 2.0


@pytest.mark.parametrize("name", ["forget", "retain", "refusals", "alternates"])
def test_asking_for_rows_of_an_empty_set_says_which_set_is_empty(name):
    with pytest.raises(MethodError, match=f"^this method trains on the {name} set, but the {name} set is empty$"):
        getattr(Pair({}), name)


def _example(prompt: str, answer: str) -> Example:
    return Example(Prompt.of(prompt), answer, prompt + answer)


def _set(model, *pairs: tuple[str, str]) -> EncodedSet:
    return EncodedSet("forget", [_example(*pair) for pair in pairs], model)
