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
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pytest_unlearn.cli.calibrate import summary, tables
from pytest_unlearn.cli.table import Table, markdown_of
from pytest_unlearn.cli.world import world
from pytest_unlearn.runner.calibrate import Calibration, Row, calibrate, models
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.store import default_root

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "calibration.md"
BEGIN, END = "<!-- made by tools/make_calibration.py -->", "<!-- end -->"


def told(row: Row) -> None:
    """One line a model."""
    print(f"{row.scenario}: {row.model.candidate.label}: {', '.join(row.failed) or '-'}", flush=True)


def tried(seeds: list[int], references: int, zoo: int) -> Calibration:
    """Every model of every world."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "pytest.ini").touch()
        with contextlib.redirect_stdout(io.StringIO()):
            for seed in seeds:
                world(root, 60, seed)
        scenarios = [load_scenario(root / f"world-{seed}.unlearn.yaml", root) for seed in seeds]
        wanted = [None if seed <= zoo else ["honest_tuned"] for seed in seeds]
        every = [models(one, entries, references) for one, entries in zip(scenarios, wanted, strict=True)]
        session = Session(Settings(root=root, folder=default_root() / "calibration", device="cpu"))
        return calibrate(scenarios, every, session, told)


def shown(found: Calibration) -> Iterator[Table]:
    """The checks; and of the models the zoo, and what is not as it must be."""
    (title, columns, rows), checks = tables(found)
    yield checks
    yield title, columns, [row for row in rows if row[2] in ("leak", "open") or row[-1]]


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--references", type=int, default=3)
    parser.add_argument("--zoo", type=int, default=1, help="worlds in which the whole zoo is tried")
    parser.add_argument("--seeds", type=int, nargs="+", help="these worlds alone")
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    seeds = given.seeds or list(range(1, given.worlds + 1))
    found = tried(seeds, given.references, given.zoo)
    versions = f"pytest-unlearn {version('pytest-unlearn')}, torch {version('torch')}"
    lines = [f"{date.today()}, {versions}, seeds {', '.join(map(str, seeds))}.", ""]
    lines += markdown_of(shown(found), summary(found))
    lines += ["", *(f"- {text}" for text in found.problems)]
    text = "\n".join(lines).replace("\n## ", "\n### ").rstrip()
    print(f"\n{text}")
    if given.page:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
