"""Every method on one small world: `python tools/make_choice.py [--run]`.

With `--run` `unlearn compare` is run on scenarios/methods.unlearn.yaml, once with each learning rate, and what it says
is kept in scenarios/methods.json. The table of docs/how-to/choose-a-method.md is made from that file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCENARIO, NUMBERS = ROOT / "scenarios" / "methods.unlearn.yaml", ROOT / "scenarios" / "methods.json"
PAGE = ROOT / "docs" / "how-to" / "choose-a-method.md"
BEGIN, END = "<!-- made by tools/make_choice.py -->", "<!-- end -->"
STEPS, BATCH, RATES = 60, 8, ("1e-4", "3e-4", "1e-3")
FORGET, KEPT, NUMBER = ("direct", "alias", "inverse", "two-hop-bridge"), "neighbours", "fluency"


def run() -> None:
    """Compare with each rate."""
    found = {}
    for rate in RATES:
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder) / "told.json"
            options = [f"steps={STEPS}", f"batch={BATCH}", f"lr={rate}"]
            words = [word for option in options for word in ("--option", option)]
            subprocess.run(["unlearn", "compare", str(SCENARIO), *words, "--json", str(told)], check=True, cwd=ROOT)
            found[rate] = json.loads(told.read_text("utf-8"))
    NUMBERS.write_text(_lines(found), "utf-8")


def _lines(found: Mapping[str, Any]) -> str:
    """JSON with a line for each candidate."""
    rates = []
    for rate, told in found.items():
        rows = ",\n".join(f"   {json.dumps(row)}" for row in told["candidates"])
        left = json.dumps(told["not_compared"])
        rates.append(f' "{rate}": {{\n  "candidates": [\n{rows}\n  ],\n  "not_compared": {left}\n }}')
    return "{\n" + ",\n".join(rates) + "\n}\n"


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each method and rate; a method that takes no steps has one."""
    columns = ["method", "`lr`", *(f"`{one}`" for one in FORGET), f"`{KEPT}` lost", f"`{NUMBER}`", "seconds"]
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{'---:|' * (len(columns) - 1)}"
    rows = [(row["method"], rate, row) for rate, told in found.items() for row in told["candidates"]]
    seen = set()
    for method, rate, row in sorted(rows, key=lambda one: (one[0], float(one[1]))):
        if row["steps"] is None:
            if method in seen:
                continue
            rate = ""
        seen.add(method)
        checks = row["checks"]
        shares = [_share(checks[one], "leaking") for one in FORGET]
        number = checks[NUMBER].get("value")
        seconds = "" if row["steps"] is None else f"{row['seconds']:.0f}"
        cells = [method, rate, *shares, _share(checks[KEPT], "lost"), _number(number), seconds]
        yield f"| {' | '.join(cells)} |"
    for rate, told in found.items():
        for one in told["not_compared"]:
            yield f"| {one['method']} | {rate} | {one['why']} |{' |' * (len(columns) - 3)}"


def _share(told: Mapping[str, Any], word: str) -> str:
    if not told.get("of"):
        return told["verdict"]
    return f"{told[word]}/{told['of']} ({told['low']:.0%}-{told['high']:.0%})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def page() -> str:
    """The page with what the numbers say."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    text = "\n".join(table(json.loads(NUMBERS.read_text("utf-8"))))
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="measure anew; about an hour on two cores")
    if parser.parse_args().run:
        run()
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
