"""The machine-readable trace of a run: one JSON object a line, three kinds of line (`run`, `check`, `end`).

Each process writes its own file; the one that was started puts them together when the run ends, with whatever exit
code. A run without an `end` line was cut off. No time stamp decides anything here: each run says which runs it found.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from pytest_unlearn.redact import current

Line: TypeAlias = dict[str, Any]

SCHEMA = 1
DEPTH = 32  # of lists and mappings within each other
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair, which no file in UTF-8 can hold
_NAME = re.compile("[A-Za-z0-9]+")  # of a run
_LARGEST = 2**63
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
BY_FILE = frozenset({"gate", "scenarios"})
"""Keys below which the files of scenarios are keys, as public as in `file`."""


class Writer:
    """Appends lines to one file of one process. A disk that cannot be written costs the file, never the run.

    `unwritten`: the lines that are not in the file, since it could not be written any more.
    """

    def __init__(self, folder: Path, run: str, worker: str) -> None:
        self.path = folder / f"records-{run}-{worker}.jsonl"
        self.unwritten: list[Line] = []
        self._run, self._usable = run, True

    def write(self, line: str, **fields: Any) -> None:
        """Append one line of the given kind."""
        record = {"line": line, "schema": SCHEMA, "run": self._run, **masked(fields)}
        text = text_of(record)
        if self._usable:
            try:
                private_folder(self.path.parent)
                _append(self.path, f"{text}\n".encode())
            except OSError:
                self._usable = False  # `merge` tries once more, and says so if that fails too
        if not self._usable:
            self.unwritten.append(json.loads(text))


def text_of(record: Line) -> str:
    """A record as one line: a number that is not finite is null, half a surrogate pair is U+FFFD."""
    try:
        text = json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False, default=_text)
    except ValueError:
        text = json.dumps(_finite(record), ensure_ascii=False, sort_keys=True, default=_text)
    return _HALF.sub("\ufffd", text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _append(path: Path, data: bytes) -> None:
    """Write at the end of a file, all of it or nothing."""
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("ab") as stream:
            stream.write(data)
    except OSError:
        with contextlib.suppress(OSError):
            os.truncate(path, before)
        raise


def masked(record: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it may be written. Options of a method stay as they are: baselines are told apart by them."""
    redactor = current()
    found: dict[str, Any] = redactor.data(record, PUBLIC) if redactor.on else dict(record)
    for name in BY_FILE & record.keys() if redactor.on else ():
        found[name] = {file: redactor.data(said, PUBLIC) for file, said in record[name].items()}
    method = record.get("method")
    if redactor.on and method is not None and not redactor.private_in(json.dumps(method, default=str)):
        found["method"] = method
    return found


def _text(value: object) -> str:
    return current().text(str(value))


def private_folder(folder: Path) -> bool:
    """Make a folder that only its owner can read and that git ignores; False where it is not.

    One that is there is made so again, unless it holds what no run has written: then it is somebody else's too.
    """
    made = not folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignored, closed = folder / IGNORE, stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    if closed and _ignores_all(ignored):
        return True
    if not (made or all(OWN.fullmatch(path.name) for path in folder.iterdir())):
        return False
    folder.chmod(0o700)
    if not ignored.is_file():
        ignored.touch(mode=0o600)
        ignored.write_text("*\n", encoding="utf-8")
    return _ignores_all(ignored)


def _ignores_all(path: Path) -> bool:
    """Whether a `.gitignore` is one that this package writes."""
    return path.is_file() and path.read_bytes().split() == [b"*"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file of records holds: its lines, the numbers of those that are damaged, and whether its last line is cut
    off, as a process that is killed while it writes leaves it."""

    lines: tuple[Line, ...]
    damaged: tuple[int, ...] = ()
    torn: bool = False


def load(path: Path) -> Loaded:
    """All of a file of records. Raises OSError, and ValueError for a newer schema."""
    *texts, last = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    lines: list[Line] = []
    damaged: list[int] = []
    for number, text in enumerate([*texts, last], 1):
        if not text.strip():
            continue
        record = _parsed(text)
        if record is None:
            damaged.append(number)
        elif record.get("schema") != SCHEMA:
            seen = str(record.get("schema"))[:40]
            raise ValueError(f"{path} has records of schema {seen}; this version reads schema {SCHEMA}")
        else:
            lines.append(record)
    torn = bool(last) and damaged[-1:] == [len(texts) + 1]
    return Loaded(tuple(lines), tuple(damaged[:-1] if torn else damaged), torn)


def read(path: Path) -> Iterator[Line]:
    """The lines of a records file, without those that are cut off or damaged. Raises ValueError for a newer schema."""
    yield from load(path).lines


def _parsed(text: bytes) -> Line | None:
    """One line; None where no run can have written it."""
    try:
        record = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _is_plain(record) else None


def _is_plain(record: Line) -> bool:
    """Whether every output can hold it: finite numbers of 64 bits, whole characters, at most 32 levels."""
    level: list[Any] = [record]
    for _ in range(DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                if not one.isascii() and _HALF.search(one):
                    return False
            elif isinstance(one, float):
                if not math.isfinite(one):
                    return False
            elif isinstance(one, int) and not -_LARGEST <= one < _LARGEST:
                return False
        if not below:
            return True
        level = below
    return False


def found_in(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the runs that have left records in a folder: those that have ended, and those that have not.

    What has not ended was cut off or is still going: nobody can tell which.
    """
    ended = {path.name.split(".")[1] for path in folder.glob("records.*.jsonl")}
    if (last := _last_run(folder)) is not None:
        ended.add(last)
    begun = {_run_of(part) for part in folder.glob("records-*-*.jsonl")}
    return tuple(sorted(ended)), tuple(sorted(begun - ended))


def pending(folder: Path, last: Iterable[Line]) -> list[Path]:
    """The files of runs that were cut off, or are still going, and that the run that ended last did not find there.

    `last`: the lines of that run.
    """
    over: set[str] = set()
    for line in last:
        over |= {str(line.get("run")), *_names(line, "after"), *_names(line, "beside")}
    return [part for part in sorted(folder.glob("records-*-*.jsonl")) if _run_of(part) not in over]


def _names(line: Line, key: str) -> Sequence[str]:
    names = line.get(key)
    return [name for name in names if _NAME.fullmatch(str(name))] if isinstance(names, list) else []


def _run_of(part: Path) -> str:
    return part.name.split("-")[1]


def _last_run(folder: Path) -> str | None:
    """The run whose records stand in the folder as `records.jsonl`."""
    try:
        with (folder / MERGED).open("rb") as stream:
            record = _parsed(stream.readline())
    except OSError:
        return None
    name = str(record.get("run")) if record else ""
    return name if _NAME.fullmatch(name) else None


@dataclass(frozen=True, slots=True)
class Merged:
    """What a run has left: its lines, the file that they are in, and what there is to say about that.

    `path` is None where there are no lines, and where the file cannot be written: then the last of `notes` says so.
    """

    lines: tuple[Line, ...] = ()
    path: Path | None = None
    notes: tuple[str, ...] = ()


def merge(
    folder: Path,
    run: str,
    exit_code: int,
    others_failed: int = 0,
    unwritten: Iterable[Line] = (),
    *,
    planless: bool = False,
) -> Merged:
    """Put the files of one finished run together as `records.jsonl`.

    However many workers there were, it has one `run` line, the checks by id, and one `end` line: the exit code, how
    many checks had each verdict, and the ids of planned checks that have none (`unjudged`: skipped, cut off, or left).
    `others_failed` counts what failed in the run beside the verdicts; `unwritten` are lines that are in no file.
    `planless`: a run that came to no plan leaves its `end` line, so that nobody takes the run before for it.
    """
    parts = sorted(folder.glob(f"records-{run}-*.jsonl"))
    loaded = {part: _loaded(part) for part in parts}
    found = [*(line for one in loaded.values() for line in one.lines), *unwritten]
    if not parts and not found and not planless:
        return Merged()
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
        "unjudged": [
            plan["id"] for one in begun for plan in one["plan"] if (plan.get("file"), plan["id"]) not in judged
        ],
    }
    lines = (*begun, *checks, end)
    notes = [
        f"{part.name} was cut off in its last line: that check has no verdict" for part in parts if loaded[part].torn
    ]
    notes += [f"{part.name} is damaged: it stays where it is" for part in parts if loaded[part].damaged]
    after = {name for one in begun for name in _names(one, "after")} if begun or planless else None
    try:
        private_folder(folder)
        with _alone(folder):
            notes += _replace(folder, run, lines, after)
        for part in parts:
            if not loaded[part].damaged:
                part.unlink()
    except OSError as error:
        return Merged(lines, None, (*notes, f"the records are not kept: {folder / MERGED} cannot be written ({error})"))
    return Merged(lines, folder / MERGED, tuple(notes))


def _loaded(part: Path) -> Loaded:
    """What a worker has left; what it cannot have written counts as damaged."""
    try:
        found = load(part)
    except (OSError, ValueError):
        return Loaded((), (1,))
    lines = tuple(line for line in found.lines if _is_of_worker(line))
    damaged = found.damaged if len(lines) == len(found.lines) else (*found.damaged, 1)
    return Loaded(lines, damaged, found.torn)


def _is_of_worker(line: Line) -> bool:
    if line.get("line") == "run":
        plan = line.get("plan")
        return isinstance(plan, list) and all(isinstance(one, dict) and _is_key(one) for one in plan)
    return line.get("line") == "check" and _is_key(line) and isinstance(line.get("verdict"), str)


def _is_key(line: Line) -> bool:
    """Whether it says what check it is about."""
    return isinstance(line.get("id"), str) and isinstance(line.get("file", ""), str)


def _replace(folder: Path, run: str, lines: Sequence[Line], after: set[str] | None) -> Iterator[str]:
    """Write `records.jsonl`; that of a run which ended since this one began is kept under another name.

    `after`: the runs that had ended when this one began, None where it has not looked.
    """
    merged, scratch = folder / MERGED, folder / f"{MERGED}.{run}"
    try:
        scratch.write_bytes("".join(f"{text_of(line)}\n" for line in lines).encode())
        other = _last_run(folder)
        if other is not None and after is not None and other not in after | {run}:
            aside = folder / f"records.{other}.jsonl"
            merged.replace(aside)
            what = (
                f"another run ended in {folder} meanwhile: its" if len(lines) > 1 else "this run judged nothing: older"
            )
            yield f"{what} records are kept as {aside.name}"
        scratch.replace(merged)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise
    for name in after or ():
        (folder / f"records.{name}.jsonl").unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, where the system has a way to wait for others."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
