"""The machine-readable trace of a run: one JSON object a line, three kinds of line (`run`, `check`, `end`).

Each process writes its own file; readers merge them. A run without an `end` line was cut off.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = 1
MERGED = "records.jsonl"


class Writer:
    """Appends lines to one file of one process. A disk that cannot be written loses the file, never the run."""

    def __init__(self, folder: Path, run: str, worker: str) -> None:
        self.path = folder / f"records-{run}-{worker}.jsonl"
        self._run, self._usable = run, True

    def write(self, line: str, **fields: Any) -> None:
        """Append one line of the given kind."""
        if not self._usable:
            return
        record = {"line": line, "schema": SCHEMA, "run": self._run, **fields}
        try:
            private_folder(self.path.parent)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(
                    json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False, default=str) + "\n"
                )
        except OSError as error:
            self._usable = False
            warnings.warn(f"no records are kept: {self.path} cannot be written ({error})", stacklevel=2)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read and that git ignores."""
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=0o700)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a records file; a last line that was cut off is left out. Raises ValueError for a newer schema."""
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(text)
        except json.JSONDecodeError:
            continue
        if record.get("schema") != SCHEMA:
            raise ValueError(f"{path} has records of schema {record.get('schema')}; this version reads schema {SCHEMA}")
        yield record


def merge(folder: Path, run: str) -> Path | None:
    """Put the files of one finished run together as `records.jsonl`, in order of kind; None when there are none."""
    parts = sorted(folder.glob(f"records-{run}-*.jsonl"))
    if not parts:
        return None
    lines = [record for part in parts for record in read(part)]
    order = ("run", "check", "end")
    lines.sort(key=lambda record: (order.index(record["line"]), record.get("id", "")))
    merged = folder / MERGED
    scratch = folder / f"{MERGED}.{run}"
    scratch.write_text(
        "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines), encoding="utf-8"
    )
    scratch.replace(merged)
    for part in parts:
        part.unlink()
    return merged
