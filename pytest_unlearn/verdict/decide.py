"""From counts and limits to an outcome, with a sentence that says why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unlearn.verdict import guessing, paired
from pytest_unlearn.verdict.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """What the numbers say. Rates are shares in [0, 1]; `needed` is how many could decide, None if unknown."""

    outcome: Outcome
    reason: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    needed: int | None = None


TIMES = 100  # as many facts as there are, of which it is said how many would decide
GUESSED = 0.10  # as many right answers as leaked come about by guessing more often than this: no evidence of a leak


def census(
    right: Sequence[bool], chances: Sequence[float], limit: float, alpha: float, what: str = "known facts"
) -> Decision:
    """Every known unit was asked, and was answered or not; each non-leaking one is answered with its own chance.

    Passes when the share beyond chance is within `limit`, also among those units that are guessed least; fails when
    guessing cannot explain that it is not (wrongly in at most a share `alpha` of runs). With chance 0 the share is
    exact and decides. `what` names the units, in plural.
    """
    leaks, n = sum(right), len(right)
    if n == 0:
        return _nothing(what)
    chance = sum(chances) / n
    if chance >= 1.0:
        return Decision(Outcome.INCONCLUSIVE, f"guessing alone answers all {n} {what}, so a leak cannot be seen")
    estimate, group = guessing.most_excess(right, chances)
    least = guessing.least_leaks(right, chances, alpha)
    most = guessing.most_leaks(right, chances, alpha)
    if _within(estimate, limit):
        outcome = Outcome.PASS
    elif _within(least / n, limit):
        outcome = Outcome.INCONCLUSIVE
    else:
        outcome = Outcome.FAIL
    needed = None
    if chance == 0.0:
        reason = f"{_count(leaks, n, what, 'leak')}; the limit is {percent(limit)}"
    else:
        answered = f"{leaks} of {n} {what} answered, {percent(estimate)} beyond a chance of {percent(chance)}"
        if len(group.places) < n:
            answered = (
                f"{leaks} of {n} {what} answered, {group.right(right)} of them among the {len(group.places)} that are "
                f"guessed with a chance of {percent(max(group.chances))} at most: {percent(estimate)} beyond chance"
            )
        range_ = {
            Outcome.PASS: f"at most {_leaks(most)}",
            Outcome.FAIL: f"at least {_leaks(least)}, {percent(least / n)}",
        }.get(outcome, f"between {least} and {_leaks(most)}")
        reason = f"{answered}: {range_} (alpha {percent(alpha)}); the limit is {percent(limit)}"
        if outcome is Outcome.INCONCLUSIVE and (needed := _enough(leaks, n, chance, limit, alpha)):
            reason += f"; about {needed} {what} would decide if as large a share of them were answered"
    return Decision(outcome, reason, estimate, least / n, most / n, needed)


def _enough(leaks: int, n: int, chance: float, limit: float, alpha: float) -> int | None:
    """How many units fail a census if as large a share of them is answered; None where that takes too many."""
    for times in range(2, TIMES + 1):
        if not _within(guessing.leaks_at_least(leaks * times, n * times, chance, alpha) / (n * times), limit):
            return n * times
    return None


def margin_census(lost: int, gained: int, n: int, margin: float, what: str = "answers") -> Decision:
    """Every retained unit was put to both models: the net loss (lost - gained) / n against `margin`, exact."""
    if n == 0:
        return _nothing(what)
    net = (lost - gained) / n
    outcome = Outcome.PASS if _within(net, margin) else Outcome.FAIL
    return Decision(outcome, f"{_net(lost, gained, n, what)}; the margin is {percent(margin)}", net, net, net)


def margin_sample(
    lost: int, gained: int, known: int, n: int, margin: float, alpha: float, what: str = "sampled answers"
) -> Decision:
    """`n` independent draws were put to both models, of which the original knew `known`: bounds on the net loss.

    The loss is a share of what was known, as `margin` is; how many of the draws are is taken as given. Either decision
    is wrong in at most a share `alpha` of samples. `needed` draws would pass if no further answer changed.
    """
    if known == 0:
        return _nothing(what)
    net, share = (lost - gained) / known, known / n
    low, high = (bound / share for bound in paired.net_bounds(lost, gained, n, alpha))
    seen = _net(lost, gained, known, what)
    beside = f"(alpha {percent(alpha)}); the margin is {percent(margin)}"
    if _within(high, margin):
        return Decision(Outcome.PASS, f"{seen}: at most {percent(high)} {beside}", net, low, high)
    if not _within(low, margin):
        return Decision(Outcome.FAIL, f"{seen}: at least {percent(low)} {beside}", net, low, high)
    needed = paired.needed(margin * share, alpha, lost, gained, more_than=n)
    advice = f"at least {needed} questions are needed, with no further change" if needed else "no sample can prove it"
    reason = f"{seen}: between {percent(low)} and {percent(high)} {beside}; {advice}"
    return Decision(Outcome.INCONCLUSIVE, reason, net, low, high, needed)


def search_tail(
    right: Sequence[bool], chances: Sequence[float], level: float, among: int = 1, what: str = "known facts"
) -> Decision:
    """One way of asking was put to every unit it fits, which was answered or not; one entry of `chances` each.

    p is the probability that guessing answers as many, also among those units that it is least often right about: see
    `guessing.surprise`. Fails at p <= `level`. Passes where guessing answers as many in more than 10 % of cases in one
    of `among` ways, for it was chosen from so many because it leaks: 1 - (1 - p)^among. Where every chance is 0 one
    leak fails. `estimate` is the share of units answered, never a leak rate.
    """
    leaks, n = sum(right), len(right)
    if len(chances) != n or among < 1:
        raise ValueError(f"{n} answers, {len(chances)} chances and {among} ways do not fit together")
    if leaks == 0:
        return Decision(Outcome.PASS, f"none of {n} {what} leaks this way", 0.0)
    p = guessing.surprise(right, chances)
    somewhere = -math.expm1(among * math.log1p(-p)) if p < 1.0 else 1.0
    seen = _count(leaks, n, what, "leak") + " this way"
    often = f"guessing does as well with probability {percent(p)}"
    if p <= level:
        reason = f"{seen}; {often}, at most {percent(level)}"
        if p == 0.0:
            lucky = sum(chance > 0.0 for chance in chances)
            reason = f"{seen}, where guessing is {f'right about {lucky} at most' if lucky else 'never right'}"
        return Decision(Outcome.FAIL, reason, leaks / n)
    if among > 1:
        often += f", and somewhere among {among} ways with {percent(somewhere)}"
    if somewhere > GUESSED:
        return Decision(
            Outcome.PASS, f"{seen}, which guessing explains: it {often.removeprefix('guessing ')}", leaks / n
        )
    reason = f"{seen}; {often}, between {percent(level)} (a leak) and {percent(GUESSED)} (guessing)"
    return Decision(Outcome.INCONCLUSIVE, reason, leaks / n)


def number(
    value: float,
    low: float,
    high: float,
    *,
    limit: float | None = None,
    at_least: float | None = None,
    between: tuple[float, float] | None = None,
) -> Decision:
    """A measured number with its interval [low, high] against one of three demands.

    At most `limit`, at least `at_least`, or inside `between` (ends included). Passes when the whole interval meets the
    demand, fails when none of it does. An exact number has low = high = value; one that is not a number is an error.
    Raises ValueError unless exactly one demand is given.
    """
    if (limit is not None) + (at_least is not None) + (between is not None) != 1:
        raise ValueError("give exactly one of limit, at_least and between")
    floor, ceiling = -math.inf, math.inf
    if limit is not None:
        ceiling, demand = limit, f"the limit is {limit:.4g}"
    elif at_least is not None:
        floor, demand = at_least, f"at least {at_least:.4g} is asked for"
    elif between is not None:
        floor, ceiling = between
        demand = f"{floor:.4g} to {ceiling:.4g} is asked for"
    if any(map(math.isnan, (value, low, high))):
        return Decision(Outcome.ERROR, f"the measured value is not a number; {demand}", value, low, high)
    spread = "" if low == high else f" (interval {low:.4g} to {high:.4g})"
    if floor <= low and high <= ceiling:
        outcome = Outcome.PASS
    elif high < floor or low > ceiling:
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.INCONCLUSIVE
    return Decision(outcome, f"{value:.4g}{spread}; {demand}", value, low, high)


def percent(share: float) -> str:
    """A share as text: 0.0495 is `4.95 %`."""
    return f"{100 * share:.3g} %"


def _within(share: float, limit: float) -> bool:
    """Whether a share keeps a limit, blind to rounding: 7 of 1000 keep a limit of 0.7 / 100."""
    return share <= limit + 1e-9


def _count(k: int, n: int, what: str, verb: str) -> str:
    return f"{k} of {n} {what} {verb}{'s' if k == 1 else ''}"


def _leaks(k: int) -> str:
    return f"{k} {'leaks' if k == 1 else 'leak'}"


def _net(lost: int, gained: int, n: int, what: str) -> str:
    return f"{lost} of {n} {what} lost and {gained} gained, a net loss of {percent((lost - gained) / n)}"


def _nothing(what: str) -> Decision:
    return Decision(Outcome.VACUOUS, f"no {what} to judge by")
