"""Answers that were given before, in one SQLite file that processes share."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pytest_unlearn.digest import digest
from pytest_unlearn.records import private_folder
from pytest_unlearn.subjects.answers import LASTING, Answer, Episode, Failed, Output, Outputs, Scores, States, Tokens
from pytest_unlearn.subjects.effort import Effort
from pytest_unlearn.subjects.protocol import Opened, Reach, Subject
from pytest_unlearn.subjects.requests import Request, Verb
from pytest_unlearn.subjects.score import SCORING_VERSION

Result = TypeVar("Result")
AT_ONCE = 512  # answers looked up and written together: what an interrupt loses at most
OWN_FOLDER = "memo"  # where the other one is somebody else's too
WINDOW = 8 * AT_ONCE  # requests that a subject is given together
PATIENCE = 30.0  # seconds to wait for another process that writes
WRITTEN = "written INTEGER NOT NULL DEFAULT 0"  # nanoseconds since 1970; older files have no such column
TABLE = f"CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, {WRITTEN}) WITHOUT ROWID"
ROOM = 0.8  # of the limit that is filled after the oldest answers were dropped


class Memo:
    """A file of answers, readable by its owner only: they may say what must be forgotten.

    It saves work and never stands in its way: a damaged file is set aside and remade, and where it cannot be written
    the run goes on without it, with a warning.
    """

    def __init__(self, path: Path, limit: int | None = None) -> None:
        """`path` and its folder are made when something is first looked up.

        `limit` in bytes: where the file has grown beyond it, the answers written longest ago are dropped.
        """
        self.path, self._limit = path, limit
        self._connection: sqlite3.Connection | None = None
        self._given_up = False

    def wrap(self, subject: Subject) -> Memoised:
        """A subject that answers from this memo what it was asked before."""
        return Memoised(subject, self)

    def get(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that are known, by key."""
        found: dict[str, Answer] = {}
        for low in range(0, len(keys), AT_ONCE):
            rows = self._use(partial(_looked_up, keys=keys[low : low + AT_ONCE]))
            found |= {key: _decoded(text) for key, text in rows or []}
        return found

    def put(self, answers: dict[str, Answer]) -> None:
        """Keep answers. A failure that may pass, such as memory that ran out, is not kept, nor are hidden states."""
        rows = [(key, _encoded(answer)) for key, answer in answers.items() if _lasts(answer)]
        if rows:
            self._use(lambda connection: _insert(connection, rows, self._limit))

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _use(self, action: Callable[[sqlite3.Connection], Result]) -> Result | None:
        if self._given_up:
            return None
        end, remade = time.monotonic() + PATIENCE, False
        while True:
            try:
                return action(self._open())
            except (sqlite3.Error, OSError) as error:
                if _busy(error) and time.monotonic() < end:
                    time.sleep(0.05)
                elif _damage(error) and not remade:
                    self._set_aside(error)
                    remade = True
                else:
                    self._give_up(error)
                    return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not private_folder(self.path.parent):  # somebody else's too
                self.path = self.path.parent / OWN_FOLDER / self.path.name
                private_folder(self.path.parent)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives its other files the same mode
            connection = sqlite3.connect(self.path, timeout=PATIENCE)
            try:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before anything else is in a new file
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(TABLE)
                _with_times(connection)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _set_aside(self, error: Exception) -> None:
        self.close()
        aside = self.path.with_name(self.path.name + ".damaged")
        for suffix in ("", "-wal", "-shm"):
            file = self.path.with_name(self.path.name + suffix)
            if file.exists():
                file.replace(aside.with_name(aside.name + suffix))
        warnings.warn(
            f"the memo {self.path} was damaged ({error}); it is kept as {aside.name} and begun anew", stacklevel=2
        )

    def _give_up(self, error: Exception) -> None:
        self.close()
        self._given_up = True
        warnings.warn(f"the memo {self.path} cannot be used ({error}); every question is asked anew", stacklevel=2)


class Memoised:
    """A subject in front of which a memo stands."""

    def __init__(self, subject: Subject, memo: Memo) -> None:
        self.subject, self._memo = subject, memo
        self._requests = self._memoised = 0
        self._place = getattr(getattr(subject, "placement", None), "kind", "")

    @property
    def digest(self) -> str:
        """That of the subject: a memo changes no answer."""
        return self.subject.digest

    @property
    def can(self) -> frozenset[Verb]:
        """What the subject can do."""
        return self.subject.can

    @property
    def reach(self) -> Reach:
        """That of the subject."""
        return self.subject.reach

    @property
    def base(self) -> Subject | None:
        """That of the subject."""
        return self.subject.base

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of its weights, as far as it has any."""
        return tuple(getattr(self.subject, "files", ()))

    @property
    def bytes(self) -> int:
        """Memory that the subject's weights take, 0 where it is not known."""
        return int(getattr(self.subject, "bytes", 0))

    @property
    def effort(self) -> Effort:
        """What was asked here, and what answering took behind it."""
        behind = getattr(self.subject, "effort", None) or Effort()
        answered = behind.answered + self._memoised
        return replace(behind, requests=self._requests, memoised=self._memoised, answered=answered)

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        """One answer a request, in order; those not known yet are asked, each once, and written as they come."""
        for low in range(0, len(requests), WINDOW):
            some = requests[low : low + WINDOW]
            keys = [digest(self.digest, request, self._place, SCORING_VERSION, alone) for request in some]
            known = self._memo.get(list(dict.fromkeys(keys)))
            self._requests += len(some)
            self._memoised += sum(key in known for key in keys)
            unknown = {key: request for key, request in zip(keys, some, strict=True) if key not in known}
            known |= self._asked(unknown, alone)
            yield from (known[key] for key in keys)

    def _asked(self, requests: Mapping[str, Request], alone: bool) -> dict[str, Answer]:
        """The answers of the subject, by key; what has come is kept whatever happens then."""
        if not requests:
            return {}
        found: dict[str, Answer] = {}
        fresh: dict[str, Answer] = {}
        try:
            answers = self.subject.answer(list(requests.values()), alone=alone)
            for key, answer in zip(requests, answers, strict=True):
                fresh[key] = answer
                if len(fresh) == AT_ONCE:
                    self._memo.put(fresh)
                    found, fresh = found | fresh, {}
        finally:
            self._memo.put(fresh)
        return found | fresh

    def open(self) -> AbstractContextManager[Opened]:
        """The subject's weights."""
        return self.subject.open()

    def close(self) -> None:
        """Free what the subject holds."""
        self.subject.close()


def _busy(error: Exception) -> bool:
    """Another process is just making or reading the file; SQLite itself waits in some of these cases only."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _damage(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _with_times(connection: sqlite3.Connection) -> None:
    """Add the column that a file of an earlier version lacks."""
    if "written" not in [column[1] for column in connection.execute("PRAGMA table_info(answers)")]:
        try:
            connection.execute(f"ALTER TABLE answers ADD COLUMN {WRITTEN}")
        except sqlite3.OperationalError as error:
            if "duplicate column" not in str(error):  # another process was quicker
                raise


def _looked_up(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, str]]:
    marks = ",".join("?" * len(keys))
    return connection.execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", keys).fetchall()


def _insert(connection: sqlite3.Connection, rows: list[tuple[str, str]], limit: int | None) -> None:
    now = time.time_ns()
    with connection:
        connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", [(*row, now) for row in rows])
    if limit is not None and (used := _used(connection)) > limit:
        _drop_oldest(connection, 1 - ROOM * limit / used)


def _used(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _drop_oldest(connection: sqlite3.Connection, share: float) -> None:
    """Drop the answers that were written longest ago, about `share` of what the file holds."""
    sizes = "SELECT written, sum(length(key) + length(answer)) FROM answers GROUP BY written ORDER BY written"
    with connection:
        batches: list[tuple[int, int]] = connection.execute(sizes).fetchall()
        drop, last = share * sum(size for _, size in batches), -1
        for written, size in batches:
            if drop <= 0:
                break
            drop, last = drop - size, written
        connection.execute("DELETE FROM answers WHERE written <= ?", (last,))
    connection.execute("PRAGMA incremental_vacuum").fetchall()


def _lasts(answer: Answer) -> bool:
    return answer.reason in LASTING if isinstance(answer, Failed) else not isinstance(answer, States)


def _encoded(answer: Answer) -> str:
    return json.dumps({"kind": type(answer).__name__, **_fields_of(answer)}, ensure_ascii=False, default=_fields_of)


def _fields_of(answer: Any) -> dict[str, Any]:
    return {field.name: getattr(answer, field.name) for field in fields(answer)}


def _decoded(text: str) -> Answer:
    """The answer that `_encoded` wrote; floats come back to the last bit."""
    found: dict[str, Any] = json.loads(text)
    kind = found.pop("kind")
    if kind == "Scores":
        tokens = found["tokens"]
        told = None if tokens is None else tuple(Tokens(**{k: tuple(v) for k, v in t.items()}) for t in tokens)
        return Scores(tuple(found["logp"]), tuple(found["lengths"]), told, found["noise"])
    if kind == "Outputs":
        items = tuple(Output(**{**item, "media": tuple(item["media"])}) for item in found["items"])
        return Outputs(items, found["near_tie"], found["noise"])
    if kind == "Failed":
        return Failed(**found)
    return Episode(**{**found, "actions": tuple(found["actions"])})
