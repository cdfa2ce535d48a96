"""Collecting 1,000 scenario files of 40 lines against a bare collector with as many items.

Run it by hand: `python tests/bench/bench_collect.py [FILES] [ROUNDS]`. Rounds are interleaved; the result is the ratio
of the medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import pytest

class Bare(pytest.File):
    def collect(self):
        for name in ("direct", "inverse", "others"):
            yield pytest.Function.from_parent(self, name=name, callobj=lambda: None)

def pytest_collect_file(file_path, parent):
    if file_path.name.endswith(".bare.yaml"):
        return Bare.from_parent(parent, path=file_path)
"""
KNOWLEDGE = """
entities:
{entities}
relations:
  lives_in: {{ask: ["Where does {{subject}} live?", "Which city suits {{subject}}?"], inverse: "Who is in {{object}}?"}}
facts: {{lives_in: {{{facts}}}}}
"""


def scenario(number: int) -> str:
    """A file of 40 lines with three checks."""
    filler = "\n".join(f"# a line that a person wrote about this request, number {line}" for line in range(21))
    return f"""version: 1
name: request-{number}
tags: [nightly, people]
model:
  original: ./model
  candidate:
    method: npo
    steps: 60
    lr: 1e-5
knowledge:
  include: people.knowledge.yaml
forget:
  request: Person {number % 100}
checks:
  direct: {{ask: direct, limit: 5%, min_known: 1}}
  inverse: {{ask: inverse, search: 100}}
  others: {{keep: retained, margin: 5%}}
defaults:
  confidence: 99%
{filler}
"""


def seconds(folder: Path) -> float:
    """Wall time of one `pytest --collect-only` in a fresh process."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", str(folder)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - start


def main(files: int, rounds: int) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        bare, real = Path(name, "bare"), Path(name, "real")
        for folder in (bare, real):
            folder.mkdir()
            (folder / "pytest.ini").touch()
        (bare / "conftest.py").write_text(BARE, encoding="utf-8")
        people = "\n".join(f"  Person {n}: {{type: person, aliases: [no {n}]}}\n  City {n}: city" for n in range(100))
        facts = ", ".join(f"Person {n}: City {n}" for n in range(100))
        (real / "people.knowledge.yaml").write_text(KNOWLEDGE.format(entities=people, facts=facts), encoding="utf-8")
        for number in range(files):
            (bare / f"s{number}.bare.yaml").touch()
            (real / f"s{number}.unlearn.yaml").write_text(scenario(number), encoding="utf-8")
        times = [(seconds(bare), seconds(real)) for _ in range(rounds)]
    low, high = (statistics.median(column) for column in zip(*times, strict=True))
    print(
        f"{files} files, {3 * files} items, median of {rounds}: bare {low:.2f} s, ours {high:.2f} s, {high / low:.2f} x"
    )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [1_000, 5][len(given) :]))
