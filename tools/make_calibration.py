"""Calibrate the shipped defaults on fresh worlds: `python tools/make_calibration.py [--page]`.

Worlds of 60 people, one a seed, with the checks of `unlearn world`. In each the original, models that never learned the
target and one of these that was trained on for other things; in the first ones the whole zoo too. With `--page` the
tables go into docs/explanation/calibration.md. About a minute a model on a cold cache; `--seeds` runs some worlds
alone, so that two processes can share the work.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pytest_unlearn.cli.world import world
from pytest_unlearn.runner.calibrate import Calibration, Row, Share, calibrate, models
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.store import default_root

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "calibration.md"
BEGIN, END = "<!-- made by tools/make_calibration.py -->", "<!-- end -->"


def tried(seeds: Sequence[int], references: int, zoo: int) -> Iterator[Row]:
    """Every model of every world."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "pytest.ini").touch()
        settings = Settings(root=root, folder=default_root() / "calibration", run="calibration", device="cpu")
        session = Session(settings)
        for seed in seeds:
            with contextlib.redirect_stdout(io.StringIO()):
                world(root, 60, seed)
            scenario = load_scenario(root / f"world-{seed}.unlearn.yaml", root)
            entries = None if seed <= zoo else ["honest_tuned"]
            rows = calibrate([scenario], [models(scenario, entries, references)], session).rows
            for row in rows:
                print(f"world {seed}: {row.model.candidate.label}: {', '.join(row.failed) or '-'}", flush=True)
            yield from rows
        session.close()


def page(found: Calibration, worlds: int, zoo: int) -> Iterator[str]:
    """The tables, in Markdown."""
    honest = [row for row in found.rows if row.model.role == "honest"]
    leaks = [row for row in found.rows if row.model.role == "leak"]
    flagged = Share(sum(bool(row.failed) for row in honest), len(honest))
    undecided = sum(not row.failed and any(True for _ in row.problems()) for row in honest)
    yield f"{date.today()}, pytest-unlearn {version('pytest-unlearn')}, torch {version('torch')}, seeds 1 to {worlds}."
    yield ""
    yield f"**Honest models**: {told(flagged)} flagged by any of the checks; {undecided} more left undecided by one."
    yield ""
    yield "| check | original caught | honest flagged | leaks meant for it caught | their facts found |"
    yield "|---|---:|---:|---:|---:|"
    for check in dict.fromkeys(check.id for row in found.rows for check, _ in row.verdicts):
        caught, facts = found.meant(check)
        cells = [found.of(check, ["original"]), found.of(check, ["honest"]), caught, facts]
        yield f"| {check} | {' | '.join(told(cell) for cell in cells)} |"
    if zoo:
        yield from planted(found, leaks, zoo)
    problems = [text for row in found.rows for text in row.problems()]
    yield ""
    yield f"Not as it must be: {len(problems)}."
    yield ""
    yield from (f"- {text}" for text in problems)


def planted(found: Calibration, leaks: Sequence[Row], zoo: int) -> Iterator[str]:
    """What became of each planted leak."""
    yield ""
    yield f"The zoo, in worlds 1 to {zoo}:"
    yield ""
    yield "| planted leak | caught | by | facts found by the best check |"
    yield "|---|---:|---|---:|"
    for name in dict.fromkeys(row.model.family for row in leaks):
        own = [row for row in leaks if row.model.family == name]
        by = Counter(check for row in own for check in row.caught)
        facts = Share(sum(row.facts[0] for row in own), sum(row.facts[1] for row in own))
        names = ", ".join(f"{check} {count}" for check, count in by.items())
        yield f"| `{name}` | {told(Share(sum(bool(row.caught) for row in own), len(own)))} | {names} | {told(facts)} |"
    still = list(dict.fromkeys(row.model.family for row in found.rows if row.model.role == "open"))
    seen = [row.model.family for row in found.rows if row.model.role == "open" and row.failed]
    yield ""
    yield f"Open: {', '.join(f'`{name}`' for name in still)}; caught all the same: {', '.join(seen) or 'none'}."


def told(share: Share) -> str:
    """`3 of 40 (2-20 %)`, with the exact 95 % interval."""
    return f"{share.k} of {share.n} ({100 * share.low:.0f}-{100 * share.high:.0f} %)" if share.n else ""


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--references", type=int, default=3)
    parser.add_argument("--zoo", type=int, default=2, help="worlds in which the whole zoo is tried")
    parser.add_argument("--seeds", type=int, nargs="+", help="these worlds alone, without a page")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    rows = tuple(tried(given.seeds or range(1, given.worlds + 1), given.references, given.zoo))
    lines = "\n".join(page(Calibration(rows), given.worlds, given.zoo))
    print(f"\n{lines}")
    if given.page:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
