"""The objectives on three tokens, by hand, and their gradients against a direct formula."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from pytest_unlearn.methods.finetune import FinetuneConfig, finetune_terms
from pytest_unlearn.methods.grad_ascent import GradAscentConfig, grad_ascent_terms
from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair

LN2 = math.log(2)
FORGET = ("a", "bcd")
RETAIN = ("e", "fgh")


@pytest.fixture
def original(bigram):
    """Forgotten and retained answer: 1/2, 1/2, 1/2."""
    return bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2, ef=1 / 2, fg=1 / 2, gh=1 / 2)


@pytest.fixture
def now(bigram):
    """Forgotten answer: 1/2, 1/4, 1/2; retained answer as before."""
    return bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ef=1 / 2, fg=1 / 2, gh=1 / 2)


def test_fine_tuning_is_the_mean_loss_of_the_retain_tokens_alone(now, original):
    terms = finetune_terms(now, *_stand(original, retain=[FORGET]), FinetuneConfig())
    assert {name: term.mean.item() for name, term in terms.items()} == {"retain": pytest.approx(4 * LN2 / 3)}


def test_ascent_is_the_mean_log_likelihood_of_the_forget_tokens(now, original):
    terms = grad_ascent_terms(now, *_stand(original, forget=[FORGET]), GradAscentConfig())
    assert {name: term.mean.item() for name, term in terms.items()} == {"forget": pytest.approx(-4 * LN2 / 3)}


def test_gradient_difference_adds_ascent_and_descent_with_their_weights(now, original):
    config = GradDiffConfig(forget_weight=0.5, retain_weight=2.0)
    terms = grad_diff_terms(now, *_stand(original, [FORGET], [RETAIN]), config)
    assert terms["forget"].mean.item() == pytest.approx(-4 * LN2 / 3)
    assert terms["retain"].mean.item() == pytest.approx(LN2)
    assert _loss(terms) == pytest.approx(-0.5 * 4 * LN2 / 3 + 2 * LN2)
    assert _loss(grad_diff_terms(now, *_stand(original, [FORGET], [RETAIN]), GradDiffConfig())) == pytest.approx(
        -0.2310, abs=1e-4
    )


def test_npo_compares_the_summed_loss_with_that_of_the_original(now, original):
    terms = npo_terms(now, *_stand(original, [FORGET], [RETAIN]), NPOConfig())
    # s_original = 3 ln 2, s_now = 4 ln 2: -(2 / 0.1) log sigmoid(0.1 ln 2) = 20 ln(1 + 2 ** -0.1)
    assert terms["forget"].mean.item() == pytest.approx(20 * math.log(1 + 2**-0.1)) == pytest.approx(13.1818, abs=1e-4)
    assert terms["retain"].mean.item() == pytest.approx(LN2)
    assert _loss(terms) == pytest.approx(13.8749, abs=1e-4)


def test_npo_starts_at_two_ln_two_over_beta(original):
    terms = npo_terms(original, *_stand(original, [FORGET], [RETAIN]), NPOConfig(beta=0.5))
    assert terms["forget"].mean.item() == pytest.approx(2 * LN2 / 0.5)


def test_npo_averages_over_rows_and_not_over_tokens(now, original):
    terms = npo_terms(now, *_stand(original, [FORGET, ("a", "b")], [RETAIN]), NPOConfig())
    one, other = 20 * math.log(1 + 2**-0.1), 20 * LN2  # the second answer has not moved
    assert terms["forget"].mean.item() == pytest.approx((one + other) / 2)


def test_npo_s_gradient_starts_as_that_of_ascent_on_sums(original):
    frozen, pair = _stand(original, [FORGET], [RETAIN])
    _backward(original, {"f": npo_terms(original, frozen, pair, NPOConfig())["forget"]})
    npo = original.module.weight.grad.clone()
    original.module.weight.grad = None
    _backward(original, grad_ascent_terms(original, frozen, pair, GradAscentConfig()))
    torch.testing.assert_close(npo, 3 * original.module.weight.grad)  # ascent averages over three tokens


def test_npo_s_gradient_fades_by_two_sigmoid_of_minus_beta_times_what_has_moved(now, original):
    frozen, pair = _stand(original, [FORGET], [RETAIN])
    _backward(now, {"f": npo_terms(now, frozen, pair, NPOConfig())["forget"]})
    npo = now.module.weight.grad.clone()
    now.module.weight.grad = None
    _backward(now, grad_ascent_terms(now, frozen, pair, GradAscentConfig()))
    share = 2 / (1 + 2**0.1)  # 2 sigmoid(-0.1 ln 2)
    torch.testing.assert_close(npo, 3 * share * now.module.weight.grad)


def test_gradients_are_those_of_the_formula_written_out(now, original):
    """Every objective on rows of unequal length against a sum over the table of log-probabilities."""
    forget, retain = [FORGET, ("b", "cb"), ("h", "a")], [RETAIN, ("d", "e")]
    frozen, pair = _stand(original, forget, retain)

    def s(table: torch.Tensor, pair: tuple[str, str]) -> torch.Tensor:
        text = [ord(letter) - ord("a") for letter in "".join(pair)]
        logp = torch.log_softmax(table, -1)
        return -sum(logp[before, after] for before, after in pairwise(text))

    def nll(table: torch.Tensor, rows: list[tuple[str, str]]) -> torch.Tensor:
        return sum(s(table, row) for row in rows) / sum(len(answer) for _, answer in rows)

    def npo(table: torch.Tensor) -> torch.Tensor:
        before = original.module.weight.detach()
        moved = torch.stack([s(table, row) - s(before, row) for row in forget])
        return (2 / 0.3) * torch.log1p(torch.exp(-0.3 * moved)).mean() + 1.5 * nll(table, retain)

    expected = {
        finetune_terms: (FinetuneConfig(), lambda t: nll(t, retain)),
        grad_ascent_terms: (GradAscentConfig(), lambda t: -nll(t, forget)),
        grad_diff_terms: (GradDiffConfig(retain_weight=3.0), lambda t: -nll(t, forget) + 3 * nll(t, retain)),
        npo_terms: (NPOConfig(beta=0.3, retain_weight=1.5), npo),
    }
    for terms_of, (config, formula) in expected.items():
        now.module.weight.grad = None
        terms = terms_of(now, frozen, pair, config)
        _backward(now, terms)
        table = now.module.weight.detach().clone().requires_grad_()
        direct = formula(table)
        (gradient,) = torch.autograd.grad(direct, table)
        assert _loss(terms) == pytest.approx(direct.item())
        torch.testing.assert_close(now.module.weight.grad, gradient)


def _stand(original, forget=(), retain=()) -> tuple[Frozen, Pair]:
    """The frozen original and one pair that holds all rows."""
    named = {"forget": forget, "retain": retain}
    sets = {
        name: EncodedSet(name, [Example(Prompt.of(prompt), answer, answer) for prompt, answer in rows], original)
        for name, rows in named.items()
        if rows
    }
    return Frozen(original, sets), Pair({name: s.rows(range(len(s)), range(len(s))) for name, s in sets.items()})


def _loss(terms) -> float:
    return sum(term.weight * term.mean.item() for term in terms.values())


def _backward(model, terms) -> None:
    sum(term.weight * term.mean for term in terms.values()).backward()
