"""Wall time, process time and memory of 100 to 100,000 probes put to a tiny model, each size in a process of its own.

Run `python tests/bench/bench_scale.py [SIZES ...]`. The model is that of the recipe `world` (0.6 M parameters), trained
once. Probe i asks what becomes of person i, `PEOPLE` and more of them, with five answers to choose from; questions are
made when they are asked.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from questions import head

SIZES = (100, 1_000, 10_000, 100_000)
PEOPLE = ("Keande", "Duthis", "Taven", "Hosen", "Petel", "Niope", "Krami")
FROM = 1_000  # probes from which on the slope is told: below, what is done once weighs more


class Questions(Sequence[Any]):
    """So many requests, none of which is kept."""

    def __init__(self, size: int, low: int = 0) -> None:
        self._size, self._low = size, low

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._size))]
        from pytest_unlearn.subjects.requests import Prompt, Score

        name = PEOPLE[at % len(PEOPLE)]
        return Score(Prompt.of(f"Who is the teacher of {name} the {at}th of the name?"), PEOPLE[:5])


def subject(folder: Path) -> Any:
    """The model, from the store."""
    from pytest_unlearn.cli.draft import draft
    from pytest_unlearn.runner.make import Maker
    from pytest_unlearn.runner.residency import Residency
    from pytest_unlearn.runner.scene import scene
    from pytest_unlearn.runner.settings import Settings
    from pytest_unlearn.subjects.devices import pick
    from pytest_unlearn.worlds.generate import people

    file = folder / "w.knowledge.yaml"
    file.write_text(people(60, 0), encoding="utf-8")
    drawn = draft("fixture:world", None, file, None)
    view = scene(drawn, drawn.targets[0], folder)
    return Maker(Settings(root=folder, folder=folder), pick("auto"), Residency()).original(view).subject  # type: ignore[attr-defined]


def measure(size: int) -> dict[str, float]:
    """One size, in this process."""
    with tempfile.TemporaryDirectory() as name:
        asked = subject(Path(name))
        list(asked.answer(Questions(64)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, process = time.perf_counter(), time.process_time()
        answered = sum(1 for _ in asked.answer(Questions(size)))
        assert answered == size
        return {
            "probes": size,
            "wall": time.perf_counter() - wall,
            "process": time.process_time() - process,
            "before": before / 1024,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def main(sizes: Sequence[int]) -> None:
    """Print a table, and the slope of the process time in log-log."""
    rows = []
    for size in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(size)], check=True, capture_output=True, text=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"### Scale\n\n{head()}\n")
    print("| probes | seconds | process seconds | a probe, µs | peak MiB | of these before |")
    print("|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        each = 1e6 * row["process"] / row["probes"]
        print(f"| {row['probes']:,} | {row['wall']:.2f} | {row['process']:.2f} | {each:.0f} | {row['peak']:.0f} "
              f"| {row['before']:.0f} |")  # fmt: skip
    large = [row for row in rows if row["probes"] >= FROM]
    if len(large) > 1:
        first, last = large[0], large[-1]
        slope = math.log(last["process"] / first["process"]) / math.log(last["probes"] / first["probes"])
        print(f"\nSlope of the process time in log-log from {first['probes']:,} probes on: {slope:.3f}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main([int(size) for size in sys.argv[1:]] or SIZES)
