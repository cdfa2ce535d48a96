"""The machine-readable trace of a run: one JSON object a line, three kinds of line (`run`, `check`, `end`).

Each process writes its own file; the one that was started puts them together when the run ends, with whatever exit
code. A run without an `end` line was cut off.
"""

from __future__ import annotations

import json
import re
import stat
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_unlearn.redact import current

SCHEMA = 1
MERGED, IGNORE = "records.jsonl", ".gitignore"
OWN = re.compile(
    r"\.?records[-.].*|memo\.sqlite.*|\.?summary\.json.*|.*-[0-9a-f]{8}\.json.*|findings|calibration|comparison|"
    r"\.gitignore"
)
PUBLIC = frozenset(
    """id file scenario target check candidate claim kind level mode verdict expected grader outcome bound findings
    leaked unjudged require not_applicable name started finished platform bits of units line run profile""".split()
)
"""Keys whose values are ids, digests or words of this package: no name stands in them, and they are not masked."""


class Writer:
    """Appends lines to one file of one process. A disk that cannot be written loses the file, never the run."""

    def __init__(self, folder: Path, run: str, worker: str) -> None:
        self.path = folder / f"records-{run}-{worker}.jsonl"
        self._run, self._usable = run, True

    def write(self, line: str, **fields: Any) -> None:
        """Append one line of the given kind."""
        if not self._usable:
            return
        record = {"line": line, "schema": SCHEMA, "run": self._run, **masked(fields)}
        try:
            private_folder(self.path.parent)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(
                    json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False, default=_text) + "\n"
                )
        except OSError as error:
            self._usable = False
            warnings.warn(f"no records are kept: {self.path} cannot be written ({error})", stacklevel=2)


def masked(record: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it may be written. Options of a method stay as they are: baselines are told apart by them."""
    redactor = current()
    found: dict[str, Any] = redactor.data(record, PUBLIC) if redactor.on else dict(record)
    method = record.get("method")
    if redactor.on and method is not None and not redactor.private_in(json.dumps(method, default=str)):
        found["method"] = method
    return found


def _text(value: object) -> str:
    return current().text(str(value))


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read and that git ignores.

    One that is there is made so again, unless it holds what no run has written: then it is somebody else's too.
    """
    made = not folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignored, closed = folder / IGNORE, stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    if (ignored.is_file() and closed) or not (made or all(OWN.fullmatch(path.name) for path in folder.iterdir())):
        return
    folder.chmod(0o700)
    if not ignored.is_file():
        ignored.touch(mode=0o600)
        ignored.write_text("*\n", encoding="utf-8")


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


def merge(folder: Path, run: str, exit_code: int, others_failed: int = 0) -> Path | None:
    """Put the files of one finished run together as `records.jsonl`; None when there are none.

    However many workers there were, it has one `run` line, the checks by id, and one `end` line: the exit code, how
    many checks had each verdict, and the ids of planned checks that have none (`unjudged`: skipped, cut off, or left).
    `others_failed` counts what failed in the run beside the verdicts.
    """
    parts = sorted(folder.glob(f"records-{run}-*.jsonl"))
    if not parts:
        return None
    found = [record for part in parts for record in read(part)]
    begun = [record for record in found if record["line"] == "run"][:1]  # workers have the same plan
    checks = sorted((record for record in found if record["line"] == "check"), key=lambda record: str(record["id"]))
    judged = {(check.get("file"), check["id"]) for check in checks}
    end = {
        "line": "end",
        "schema": SCHEMA,
        "run": run,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "exit": exit_code,
        "others_failed": others_failed,
        "counts": dict(Counter(check["verdict"] for check in checks)),
        "unjudged": [plan["id"] for one in begun for plan in one["plan"] if (plan["file"], plan["id"]) not in judged],
    }
    lines = [*begun, *checks, end]
    merged = folder / MERGED
    scratch = folder / f"{MERGED}.{run}"
    try:
        scratch.write_text(
            "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines), encoding="utf-8"
        )
        scratch.replace(merged)
        for part in parts:
            part.unlink()
    except OSError as error:
        warnings.warn(f"the records stay in parts: {merged} cannot be written ({error})", stacklevel=2)
        return None
    return merged
