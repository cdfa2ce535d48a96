"""What the plugin costs where there is nothing to do: no scenarios in the project, and answers that are remembered.

Run `python tests/bench/bench_overhead.py [ROUNDS]`. What collecting scenario files costs tells bench_collect.py.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from questions import head

TEST = "def test_nothing(): pass\n"
IMPORT = """
import time
import pytest
start = time.perf_counter()
import pytest_unlearn.plugin
print((time.perf_counter() - start) * 1000)
"""
REMEMBERED = 4_000  # probes


def run(folder: Path, *options: str) -> float:
    """Milliseconds of one pytest run in a fresh process."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return 1000 * (time.perf_counter() - start)


def importing() -> float:
    """Milliseconds of importing the plugin after pytest, in a fresh process."""
    command = [sys.executable, "-c", IMPORT]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def remembered(folder: Path) -> float:
    """Microseconds a probe whose answer is in the memo."""
    from pytest_unlearn.subjects.answers import Scores
    from pytest_unlearn.subjects.memo import Memo
    from pytest_unlearn.subjects.requests import Prompt, Score

    class Known:
        digest, can, reach, base = "d" * 40, frozenset({"score"}), "weights", None

        def answer(self, requests, *, alone=False):  # type: ignore[no-untyped-def]
            return (Scores(tuple(-float(i) for i in range(21)), (3,) * 21) for _ in requests)

    rivals = tuple(f"Some City {i}" for i in range(20))
    asked = [
        Score(Prompt.of(f"What is the capital of country {i}?"), (f"City {i}", *rivals)) for i in range(REMEMBERED)
    ]
    subject = Memo(folder / "memo.sqlite").wrap(Known())  # type: ignore[arg-type]
    list(subject.answer(asked))
    before = subject.effort.memoised
    start = time.perf_counter()
    list(subject.answer(asked))
    took = time.perf_counter() - start
    assert subject.effort.memoised - before == REMEMBERED
    return 1e6 * took / REMEMBERED


def main(rounds: int) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (folder / "test_nothing.py").write_text(TEST, encoding="utf-8")
        with_it, without, imports, memo = [], [], [], []
        run(folder), run(folder, "-p", "no:unlearn")
        for _ in range(rounds):
            with_it.append(run(folder))
            without.append(run(folder, "-p", "no:unlearn"))
            imports.append(importing())
            memo.append(remembered(folder))
    more = statistics.median(a - b for a, b in zip(with_it, without, strict=True))
    print(f"### Overhead\n\n{head()}\n\n| | | goal |\n|---|---:|---:|")
    print(f"| pytest without scenarios, without the plugin | {statistics.median(without):.0f} ms | |")
    print(f"| what the plugin adds | {more:.1f} ms | 15 ms |")
    print(f"| of it, its import | {statistics.median(imports):.1f} ms | |")
    print(f"| a probe that is remembered | {statistics.median(memo):.0f} µs | 40 µs |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
