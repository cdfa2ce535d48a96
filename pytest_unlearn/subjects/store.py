"""Folders that are made once and found again by their content address: converted, trained and unlearned models."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import SubjectError, UnlearnError
from pytest_unlearn.records import IGNORE
from pytest_unlearn.subjects.entry import MANIFEST, Entry, entry_in, left_over, release, take, unused

PATIENCE = 3.0  # seconds of waiting for another process before saying so
FULL = re.compile(r"no space left|disk quota exceeded|file too large", re.IGNORECASE)
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}
_verified: dict[Path, tuple[tuple[str, int, int], ...]] = {}


class Store:
    """Entries `root/<kind>/<key>`, each with a manifest of the SHA-256 of its files, in folders of mode 0700.

    Several processes may use one store: an entry is built by one of them, beside its place, and moved there when it is
    complete. A build that was killed leaves nothing that counts. What a process was given stays until it ends.
    """

    def __init__(self, root: Path | None = None) -> None:
        """`root` defaults to the environment's UNLEARN_CACHE, else to the user's cache folder."""
        self.root = (root or default_root()).absolute()

    def get(self, kind: str, key: str) -> Path | None:
        """The folder of an entry that is there and whole, else None. Contents are verified once a process."""
        folder = self._folder(kind, key)
        return folder if _taken(folder) else None

    def make(self, kind: str, key: str, build: Callable[[Path], None], what: str) -> Path:
        """The folder of an entry, built by `build(empty folder)` if it is not there or damaged.

        `what` names it for people. Raises SubjectError where the store cannot be written.
        """
        if (found := self.get(kind, key)) is not None:
            return found
        folder = self._folder(kind, key)
        with self._saying_what_to_do(what):
            _private(self.root, folder.parent)
            with self._held(folder, what):
                if _taken(folder):
                    return folder
                self._sweep(folder)
                if folder.exists():
                    _set_aside(folder, what)
                self._build(folder, build, what)
                shutil.rmtree(self.unfinished(kind, key), ignore_errors=True)
                take(folder)
        return folder

    def unfinished(self, kind: str, key: str) -> Path:
        """Where a build of this entry may leave what it has so far, to go on from; gone when the entry is built."""
        folder = self._folder(kind, key)
        return folder.with_name(f".{folder.name}.unfinished")

    def entries(self) -> list[Entry]:
        """All that is in the store, what was used longest ago first; what broken builds left comes before that."""
        found = []
        for kind in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            for folder in sorted(kind.iterdir()) if kind.is_dir() else ():
                with contextlib.suppress(FileNotFoundError):  # another process prunes or builds
                    if (entry := entry_in(folder)) is not None:
                        found.append(entry)
        return sorted(found, key=lambda entry: (not left_over(entry), entry.used))

    def prune(
        self, *, older_than: timedelta | None = None, keep_bytes: int | None = None, dry: bool = False
    ) -> list[Entry]:
        """Remove entries and return them; `dry` only returns them. Raises SubjectError where the store is closed.

        Those go that were not used for `older_than`, then those used longest ago until the rest fits in `keep_bytes`,
        and always what broken builds left. An entry that any process builds or was given stays.
        """
        now, entries = datetime.now(UTC), self.entries()
        total, gone = sum(entry.bytes for entry in entries), []
        for entry in entries:
            old = older_than is not None and now - entry.used > older_than
            over = keep_bytes is not None and total > keep_bytes
            if (left_over(entry) or old or over) and self._drop(entry, dry):
                gone.append(entry)
                total -= entry.bytes
        return gone

    def _drop(self, entry: Entry, dry: bool) -> bool:
        """Remove an entry, or only see whether it could be."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(entry.path.parent / f".{entry.key}.lock", timeout=0), unused(entry.path) as free:
                if free and not dry:
                    doomed = entry.path
                    if not left_over(entry):
                        doomed = entry.path.with_name(
                            f".{entry.key}.building-{os.getpid()}"
                        )  # swept if this is cut off
                        entry.path.rename(doomed)
                    shutil.rmtree(doomed)
                return free
        except (Timeout, FileNotFoundError):  # another process builds it, or has just removed it
            return False
        except OSError as error:
            raise SubjectError(f"{entry.path} cannot be removed: {error.strerror or error}") from error

    def _folder(self, kind: str, key: str) -> Path:
        for part in (kind, key):
            if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", part):
                raise ValueError(f"'{part}' cannot name a store entry")
        return self.root / kind / key

    def _build(self, folder: Path, build: Callable[[Path], None], what: str) -> None:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.building-", dir=folder.parent))  # mode 0700
        try:
            build(made)
            files = {name: file_digest(made / name) for name, *_ in _files(made)}
            (made / MANIFEST).write_text(json.dumps({"what": what, "files": files}, indent=1))
            _closed(made)
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    def _sweep(self, folder: Path) -> None:
        """Remove what killed builds of this entry left: whoever holds its lock knows that nobody is building it."""
        for left in folder.parent.glob(f".{folder.name}.building-*"):
            shutil.rmtree(left, ignore_errors=True)

    @contextlib.contextmanager
    def _held(self, folder: Path, what: str) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(folder.parent / f".{folder.name}.lock")
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            print(f"unlearn: waiting for another process that makes the {what}", file=sys.stderr, flush=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _saying_what_to_do(self, what: str) -> Iterator[None]:
        try:
            yield
        except UnlearnError:
            raise
        except Exception as error:  # a full disk comes as an OSError from Python and as errors of their own from others
            here = isinstance(error, OSError) and str(error.filename or "").startswith(str(self.root))
            if not FULL.search(str(error)) and not (here and isinstance(error, OSError) and error.errno in CLOSED):
                raise
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            raise SubjectError(
                f"the {what} cannot be kept in {self.root}: {reason}. Make room there, or set UNLEARN_CACHE to a "
                "folder that can be written"
            ) from error


def default_root() -> Path:
    """UNLEARN_CACHE if it is set, else the user's cache folder for pytest-unlearn."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("UNLEARN_CACHE") or user_cache_dir("pytest-unlearn", appauthor=False)).expanduser()


def _private(root: Path, folder: Path) -> None:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    if not (folder / IGNORE).is_file():
        (folder / IGNORE).write_text("*\n", encoding="utf-8")


def _closed(folder: Path) -> None:
    """Let only the owner read what is in a folder; what it shares with another place is left as it is there."""
    for path in folder.rglob("*"):
        if not path.is_symlink() and (path.is_dir() or path.stat().st_nlink == 1):
            path.chmod(0o700 if path.is_dir() else 0o600)


def _files(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of change of every file but the manifest, sorted."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            stat = path.stat()
            found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _whole(folder: Path) -> bool:
    if not (folder / MANIFEST).is_file():
        return False
    seen = _files(folder)
    if _verified.get(folder) == seen:
        return True
    try:
        listed = json.loads((folder / MANIFEST).read_text())["files"]
        whole = bool(listed == {name: file_digest(folder / name) for name, *_ in seen})
    except (ValueError, KeyError, TypeError, OSError):
        whole = False
    if whole:
        _verified[folder] = seen
    return whole


def _taken(folder: Path) -> bool:
    """Whether the entry is there and whole; if it is, it is in use from now on."""
    take(folder)
    if _whole(folder):
        with contextlib.suppress(OSError):  # a store that is only read keeps no times
            os.utime(folder / MANIFEST)
        return True
    release(folder)
    return False


def _set_aside(folder: Path, what: str) -> None:
    aside = folder.with_name(f".{folder.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    print(f"unlearn: the stored {what} was damaged; it is kept as {aside} and made anew", file=sys.stderr, flush=True)
