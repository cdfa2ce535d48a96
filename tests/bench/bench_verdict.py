"""How many questions a verdict about a rate takes: draws that decide, against a sample of a size fixed beforehand.

Both err in at most 1 % of runs at the limit of 5 %, and decide in 99 % of runs at the rates that the fixed one is made
for. No model is asked: answers are simulated. Run `python tests/bench/bench_verdict.py [RUNS]`.

No sequential test can do with fewer draws on average than log(1 / alpha) over the divergence of the rate from the limit
(Wald 1945), told in the column `at least`.
"""

from __future__ import annotations

import math
import statistics
import sys
from random import Random

from pytest_unlearn.verdict.binomial import lower, tail, upper
from pytest_unlearn.verdict.sequential import FORGOTTEN, LEAKING, sequential

LIMIT, ALPHA, MOST = 0.05, 0.01, 2_000
RATES = (0.0, 0.005, 0.01, 0.05, 0.12, 0.2, 0.4)


def fixed() -> int:
    """The smallest sample whose exact bounds decide at both rates that the sequential test bets on, in 99 % of runs."""

    def decides(n: int) -> bool:
        most = max((k for k in range(n) if upper(k, n, ALPHA) <= LIMIT), default=-1)
        least = min((k for k in range(n + 1) if lower(k, n, ALPHA) > LIMIT), default=n + 1)
        passes = 1.0 - tail(most + 1, n, FORGOTTEN * LIMIT)
        return min(passes, tail(least, n, LEAKING * LIMIT)) >= 1.0 - ALPHA

    return next(n for n in range(50, MOST) if decides(n))


def least(rate: float) -> float:
    """Wald's bound on the mean number of draws that tell `rate` from the limit, with errors of at most `ALPHA`."""
    kept = (rate * math.log(rate / LIMIT) if rate else 0.0) + (1.0 - rate) * math.log((1.0 - rate) / (1.0 - LIMIT))
    return math.log(1.0 / ALPHA) / kept if kept else math.inf


def main(runs: int) -> None:
    """Print a table."""
    random, n = Random(0), fixed()
    print(f"limit 5 %, alpha 1 %, {runs} runs a row; a fixed sample takes {n} known questions\n")
    print("| leak rate | draws, mean | of the fixed | at least | pass | fail | inconclusive |")
    print("|" + "---:|" * 7)
    for rate in RATES:
        stops = [
            sequential([random.random() < rate for _ in range(MOST)], [0.0] * MOST, LIMIT, ALPHA) for _ in range(runs)
        ]
        mean = statistics.fmean(stop.n for stop in stops)
        found = [stop.decision.outcome.value for stop in stops]
        shares = " | ".join(f"{found.count(word) / runs:.3f}" for word in ("pass", "fail", "inconclusive"))
        print(f"| {rate:.1%} | {mean:.0f} | {mean / n:.2f} | {least(rate):.0f} | {shares} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
