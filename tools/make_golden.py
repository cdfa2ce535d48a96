"""Keep a sample of the questions of each shipped scenario: `python tools/make_golden.py [--write] [NAME ...]`.

Fifty questions a scenario, drawn evenly from its checks, stand with their answers in tests/probes/golden/NAME.txt for
a person to read. Without `--write` nothing is written: what would change is told, and the exit code is 1 where
something would. `--write` remakes them, of all scenarios or of those that are named; read what it changed.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from random import Random

from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.digest import seed_of
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Check
from pytest_unlearn.subjects.requests import Text

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "probes" / "golden"
SCENARIOS = sorted((ROOT / "scenarios").glob("*.unlearn.yaml"))
SAMPLE = 50
TRIES = 20  # draws for each question that is wanted


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question of a check."""

    check: Check
    view: Scene
    probe: Probe


def sample(path: Path) -> list[Drawn]:
    """Up to 50 different questions of a scenario, by check; the same each time."""
    scenario = load_scenario(path, ROOT)
    views = [scene(scenario, target, ROOT) for target in scenario.targets]
    asking = [(view, check) for view in views for check in scenario.checks if check.verb != "measure"]
    found: dict[tuple[str, str], Drawn] = {}
    turns = zip_longest(*(_drawn(view, check) for view, check in asking))
    for drawn in (one for turn in turns for one in turn if one is not None):
        if len(found) < SAMPLE:
            found.setdefault((drawn.view.target.label, drawn.probe.id), drawn)
    order = {check.id: place for place, check in enumerate(scenario.checks)}
    return sorted(found.values(), key=lambda drawn: (drawn.view.target.label, order[drawn.check.id]))


def _drawn(view: Scene, check: Check) -> Iterator[Drawn]:
    random, seen = Random(seed_of("golden", view.target.label, check.id)), set[str]()
    for probe in _probes(view, check, random):
        if probe.id not in seen:
            seen.add(probe.id)
            yield Drawn(check, view, probe)


def _probes(view: Scene, check: Check, random: Random) -> Iterator[Probe]:
    if check.verb == "keep":
        kept = UTILITY.get(check.kind).make(check.config, view.knowledge, view.closure, view.held_out)
        yield from random.sample(kept, len(kept))
        return
    space = asked_by(check, view.knowledge, view.closure)
    if space.count() != 0:
        for _ in range(SAMPLE * TRIES):
            yield space.draw(random)


def text(path: Path) -> str:
    """The golden file of a scenario."""
    lines, heading = [f"# {path.name}: made by tools/make_golden.py, and read by a person"], ""
    for drawn in sample(path):
        if (title := f"{drawn.view.target.label} > {drawn.check.id}") != heading:
            lines += ["", f"## {(heading := title)}"]
        lines += ["", *_told(drawn.probe), f"= {'; '.join(names[0] for names in drawn.probe.gold)}"]
    return "\n".join(lines) + "\n"


def _told(probe: Probe) -> Iterator[str]:
    """What is put to the model, with who says it where it is not a question alone."""
    turns = [
        (role, "".join(part.text for part in parts if isinstance(part, Text))) for role, parts in probe.prompt.turns
    ]
    for role, said in turns:
        yield from (said if len(turns) == 1 else f"{role}: {said}").splitlines()
    if probe.prompt.opening or not turns:
        yield f"... {probe.prompt.opening}"


def main() -> int:
    """Tell what would change, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios, such as `world`; all unless given")
    parser.add_argument("--write", action="store_true", help="write the files")
    given = parser.parse_args()
    changed = 0
    for path in SCENARIOS:
        name = path.name.removesuffix(".unlearn.yaml")
        if given.names and name not in given.names:
            continue
        kept, made = GOLDEN / f"{name}.txt", text(path)
        before = kept.read_text("utf-8") if kept.exists() else ""
        if given.write:
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(made, "utf-8")
        elif made != before:
            changed += 1
            lines = difflib.unified_diff(before.splitlines(), made.splitlines(), str(kept), "now", lineterm="")
            print("\n".join(lines))
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
