import math
from statistics import fmean

import numpy
import pytest

from pytest_unlearn.verdict import bootstrap


def test_the_hand_worked_perplexity_ratio():
    # two documents of 10 and 30 tokens, candidate worse by 1 and 3 nats: exp(4 / 40) = exp(0.1) whatever is drawn
    ratio, low, high = bootstrap.perplexity_ratio([21.0, 63.0], [20.0, 60.0], [10, 30], 0.05, seed=0)
    assert ratio == low == high == pytest.approx(math.exp(0.1))


def test_long_documents_weigh_more():
    # worse by 0 nats on 10 tokens and 4 nats on 30: exp(4 / 40), not exp(mean of 0 and 4 / 30)
    ratio, low, high = bootstrap.perplexity_ratio([20.0, 64.0], [20.0, 60.0], [10, 30], 0.05, seed=0)
    assert ratio == pytest.approx(math.exp(0.1))
    # drawing either document twice gives the two ends
    assert low == pytest.approx(1.0)
    assert high == pytest.approx(math.exp(4 / 30))


def test_the_same_model_has_ratio_1_with_certainty():
    assert bootstrap.perplexity_ratio([3.0, 5.0, 9.0], [3.0, 5.0, 9.0], [2, 4, 7], 0.01, seed=1) == (1.0, 1.0, 1.0)


def test_a_collapsed_model_overflows_to_infinity():
    ratio, low, high = bootstrap.perplexity_ratio([1e6, 1e6], [1.0, 1.0], [1, 1], 0.01, seed=1)
    assert ratio == low == high == math.inf


def test_a_seed_repeats_its_interval_and_another_does_not():
    values = list(numpy.random.default_rng(0).normal(size=30))
    first = bootstrap.interval(fmean, values, 0.05, seed=4)
    assert bootstrap.interval(fmean, values, 0.05, seed=4) == first
    assert bootstrap.interval(fmean, values, 0.05, seed=5) != first


def test_the_vectorised_ratio_is_the_plain_interval_of_the_same_draws():
    generator = numpy.random.default_rng(2)
    pairs = [(float(a), float(b)) for a, b in zip(generator.normal(size=25), generator.uniform(1, 9, 25), strict=True)]

    def share(drawn):
        return sum(a for a, _ in drawn) / sum(b for _, b in drawn)

    plain = bootstrap.interval(share, pairs, 0.05, seed=7)
    value, low, high = bootstrap.ratio([a for a, _ in pairs], [b for _, b in pairs], 0.05, seed=7)
    assert value == pytest.approx(share(pairs))
    assert (low, high) == pytest.approx(plain)


def test_whole_units_are_drawn_not_what_is_inside_them():
    # 20 units of 50 equal answers: as uncertain as 20 answers, not as 1,000
    units = [[float(i % 2)] * 50 for i in range(20)]
    flat = [[value] for unit in units for value in unit]

    def mean(drawn):
        return fmean(value for unit in drawn for value in unit)

    low, high = bootstrap.interval(mean, units, 0.05, seed=0, resamples=500)
    narrow_low, narrow_high = bootstrap.interval(mean, flat, 0.05, seed=0, resamples=200)
    assert high - low > 4 * (narrow_high - narrow_low)


def test_a_smaller_alpha_gives_a_wider_interval():
    values = list(numpy.random.default_rng(0).normal(size=30))
    ends = [bootstrap.ratio(values, [1.0] * 30, alpha, seed=4)[1:] for alpha in (0.1, 0.01, 0.001)]
    lows, highs = zip(*ends, strict=True)
    assert sorted(lows, reverse=True) == list(lows)
    assert sorted(highs) == list(highs)
    assert len({*lows, *highs}) == 6


def test_few_units_reach_further_than_the_plain_percentile():
    # 4 units at 5 %: Student's quantile for 3 degrees is -2.353, times sqrt(4 / 3) is -2.717, which leaves 0.33 %.
    # The outermost resample (the same unit four times) has 1 / 4^4 = 0.39 %, so the ends are the extreme units
    values = [0.0, 0.4, 0.5, 1.0]
    assert bootstrap.ratio(values, [1.0] * 4, 0.05, seed=0, resamples=20_000)[1:] == (0.0, 1.0)


def test_one_unit_shows_no_spread():
    assert bootstrap.interval(fmean, [3.0], 0.05, seed=0) == (-math.inf, math.inf)
    assert bootstrap.perplexity_ratio([3.0], [2.0], [10], 0.05, seed=0) == (pytest.approx(math.exp(0.1)), 0.0, math.inf)


def test_an_undefined_resample_widens_the_interval():
    def separation(drawn):
        positive = [value for value, label in drawn if label]
        negative = [value for value, label in drawn if not label]
        return fmean(positive) - fmean(negative) if positive and negative else math.nan

    # one positive of ten: about a third of the resamples have none, far more than alpha
    records = [(float(i), i == 0) for i in range(10)]
    assert bootstrap.interval(separation, records, 0.05, seed=0) == (-math.inf, math.inf)


@pytest.mark.parametrize("units", [6, 15, 40])
def test_an_end_misses_the_truth_about_as_often_as_alpha(units):
    generator = numpy.random.default_rng(units)
    alpha, runs, truth = 0.05, 400, 0.05
    below = above = 0
    for seed in range(runs):
        tokens = generator.integers(50, 150, units).astype(float)
        worse = generator.normal(truth, 0.05, units) * tokens
        _, low, high = bootstrap.ratio(worse.tolist(), tokens.tolist(), alpha, seed, resamples=500)
        below += high < truth
        above += low > truth
    # three standard deviations of the simulation above 1.5 alpha
    most = 1.5 * alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)
    assert below / runs <= most
    assert above / runs <= most


@pytest.mark.parametrize(
    ("top", "bottom", "alpha", "message"),
    [
        ([], [], 0.05, "there is no unit to resample"),
        ([1.0], [1.0, 2.0], 0.05, "1 numerators do not match 2 denominators"),
        ([1.0, 2.0], [1.0, 0.0], 0.05, "every denominator must be positive; leave units without tokens out"),
        ([1.0, 2.0], [1.0, 1.0], 0.6, "alpha lies between 0 and 0.5, not at 0.6"),
    ],
)
def test_what_cannot_be_resampled_is_refused(top, bottom, alpha, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        bootstrap.ratio(top, bottom, alpha, seed=0)


def test_documents_must_be_the_same_ones():
    with pytest.raises(ValueError, match=r"^2, 1 and 2 documents: all three must be the same ones$"):
        bootstrap.perplexity_ratio([1.0, 2.0], [1.0], [3, 4], 0.05, seed=0)
