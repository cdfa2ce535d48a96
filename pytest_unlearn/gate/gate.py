"""The gate of a project: records in, with what its files say, one verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pytest_unlearn.errors import GateError
from pytest_unlearn.gate.baseline import compared
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.runs import Record
from pytest_unlearn.gate.verdict import GateVerdict
from pytest_unlearn.gate.waivers import FILE, NONE, Excuses, read_waivers, today


def gate(records: Sequence[Record], root: Path, waivers: Path | None = None, now: date | None = None) -> GateVerdict:
    """The verdict on some record lines in the project at `root`; raises UnlearnError where a file cannot be used.

    `waivers`: the file of waivers, `unlearn-waivers.yaml` of the project unless given. `now`: the day that they expire
    by.
    """
    day = now or today()
    return decide(records, excuses(root, waivers, day), day, compared(records, root))


def excuses(root: Path, waivers: Path | None, now: date) -> Excuses:
    """What the file of waivers says, if there is one; raises UnlearnError."""
    if waivers is not None and not waivers.is_file():
        raise GateError(f"there is no file of waivers {waivers}")
    path = waivers or root / FILE
    return read_waivers(path, now) if path.is_file() else NONE
