"""FLAT by hand, and within which bounds it stays."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import lambertw

from pytest_unlearn.methods.flat import FLATConfig, _divergence, flat_terms, probability

DIVERGENCES = [
    "total_variation", "kl", "reverse_kl", "jeffrey", "squared_hellinger", "jensen_shannon", "pearson", "neyman",
]  # fmt: skip
ROWS = {"forget": [("a", "bcd")], "refusals": [("e", "f")]}
tables = st.lists(st.floats(-60, 60), min_size=64, max_size=64).map(lambda row: torch.tensor(row).reshape(8, 8))


@pytest.fixture
def now(bigram):
    """Forgotten answer: 1/2, 1/4, 3/4, a mean of 1/2; refusal: 1/4."""
    return bigram(ab=1 / 2, bc=1 / 4, cd=3 / 4, ef=1 / 4)


@pytest.mark.parametrize(
    ("divergence", "expected"),
    [
        ("total_variation", (math.tanh(1 / 2) - math.tanh(1 / 4)) / 2),
        ("kl", math.exp(-1 / 2) - 1 / 4),
        ("pearson", 1 / 16 + 1 / 2 - 1 / 4),
        ("reverse_kl", 1 / 2 - 1 + math.exp(-1 / 4)),
        ("squared_hellinger", math.exp(1 / 2) - 1 - 1 + math.exp(-1 / 4)),
        ("neyman", 2 - 2 * math.exp(-1 / 4) - 1 + math.exp(-1 / 4)),
        ("jeffrey", 0.7662486 + 1 / 0.7662486 + 1 / 2 - 2 - 1 / 4),  # 0.7662486 e^0.7662486 = e^(1/2)
        (
            "jensen_shannon",
            1 / 2 + math.log(1 + math.exp(-1 / 2)) - math.log(2) - math.log(2) + math.log(1 + math.exp(-1 / 4)),
        ),
    ],
)
def test_the_loss_by_hand(now, stand, divergence, expected):
    (term,) = flat_terms(now, *stand(now, [], **ROWS), FLATConfig(divergence=divergence)).values()
    assert term.mean.item() == pytest.approx(expected)
    assert divergence != "total_variation" or term.mean.item() == pytest.approx(0.1086, abs=1e-4)


def test_probabilities_are_averaged_over_the_tokens_of_the_answer_and_over_no_others(now, stand):
    _, pair = stand(now, [], forget=[("hha", "bcd"), ("e", "f")])
    assert probability(now, pair.forget).tolist() == pytest.approx([1 / 2, 1 / 4])


@given(tables)
def test_total_variation_is_bounded_however_far_the_training_goes(tabled, stand, table):
    model = tabled(table)
    loss = flat_terms(model, *stand(model, [], **ROWS), FLATConfig())["forget"].mean.item()
    assert abs(loss) <= math.tanh(1) / 2 + 1e-6


@given(st.sampled_from(DIVERGENCES), tables)
def test_every_divergence_is_bounded_as_probabilities_are(tabled, stand, divergence, table):
    g, conjugate = _divergence(divergence)
    v = torch.linspace(0, 1, 101)
    least, most = (conjugate(v).min() - g(v).max()).item(), (conjugate(v).max() - g(v).min()).item()
    model = tabled(table)
    loss = flat_terms(model, *stand(model, [], **ROWS), FLATConfig(divergence=divergence))["forget"].mean.item()
    assert least - 1e-4 <= loss <= most + 1e-4


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_the_second_function_is_the_conjugate_of_the_divergence_at_the_first(divergence):
    """f*(t) = max over u of t u - f(u), with f as it is defined."""
    f = {
        "total_variation": lambda u: (u - 1).abs() / 2,
        "kl": lambda u: u * u.log(),
        "jensen_shannon": lambda u: u * u.log() - (u + 1) * ((1 + u) / 2).log(),
        "pearson": lambda u: (u - 1).square(),
        "reverse_kl": lambda u: -u.log(),
        "jeffrey": lambda u: (u - 1) * u.log(),
        "squared_hellinger": lambda u: (u.sqrt() - 1).square(),
        "neyman": lambda u: (1 - u).square() / u,
    }[divergence]
    u = torch.linspace(1e-4, 20, 2_000_001, dtype=torch.float64)
    g, conjugate = _divergence(divergence)
    for v in torch.linspace(0, 1, 5, dtype=torch.float64):
        assert (g(v) * u - f(u)).max().item() == pytest.approx(conjugate(v).item(), abs=1e-4)


@given(st.floats(0, 1))
def test_the_conjugate_of_jeffrey_is_what_the_function_of_lambert_says_and_its_slope_that_of_a_difference(v):
    w = lambertw(math.exp(1 - v)).real
    at = torch.tensor(v, dtype=torch.float64, requires_grad=True)
    _, conjugate = _divergence("jeffrey")
    found = conjugate(at)
    assert found.item() == pytest.approx(w + 1 / w + v - 2, abs=1e-12)
    (slope,) = torch.autograd.grad(found, at)
    with torch.no_grad():
        rise = (conjugate(at + 1e-5) - conjugate(at - 1e-5)) / 2e-5
    assert slope.item() == pytest.approx(rise.item(), abs=1e-8)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_step_down_makes_the_refusal_likelier_and_the_answer_less_likely(now, stand, divergence):
    frozen, pair = stand(now, [], **ROWS)
    flat_terms(now, frozen, pair, FLATConfig(divergence=divergence))["forget"].mean.backward()
    with torch.no_grad():
        before = probability(now, pair.refusals), probability(now, pair.forget)
        now.module.weight -= 0.1 * now.module.weight.grad
        after = probability(now, pair.refusals), probability(now, pair.forget)
    assert after[0] > before[0]
    assert after[1] < before[1]
