"""What stands in the store, and who uses it: an entry that a process was given is held until that process ends."""

from __future__ import annotations

import atexit
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

MANIFEST = "digest.json"
LEFT = re.compile(r"\.(?P<key>.+)\.(?P<how>building-[^.]*|damaged|unfinished)")  # beside the entries
LEFT_BY = {
    "b": "left by a build that was cut off",
    "d": "set aside because it was damaged",
    "u": "kept to go on from where a build was cut off",
}
_in_use: dict[Path, IO[bytes]] = {}  # manifests that this process holds, so that nobody prunes what it may read again


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder of the store: `bytes` of its files, when it was last `used` (in UTC), and `what` it is, for people."""

    path: Path
    kind: str
    key: str
    bytes: int
    used: datetime
    what: str


def take(folder: Path) -> None:
    """Hold an entry's manifest in a way that many processes can, until this one ends."""
    if folder in _in_use or fcntl is None:
        return
    with contextlib.suppress(OSError):
        stream = (folder / MANIFEST).open("rb")
        _in_use[folder] = stream
        fcntl.flock(stream, fcntl.LOCK_SH)  # waits only for what is just being removed


def release(folder: Path) -> None:
    """Hold an entry no longer."""
    if (held := _in_use.pop(folder, None)) is not None:
        held.close()


@atexit.register
def _release_all() -> None:
    for folder in list(_in_use):
        release(folder)


@contextlib.contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Whether no process holds an entry; none can take it while this lasts."""
    manifest = folder / MANIFEST
    if fcntl is None or not manifest.is_file():
        yield True
        return
    with manifest.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def entry_in(folder: Path) -> Entry | None:
    """The entry in a folder of the store, or what is left of one."""
    kind, left = folder.parent.name, LEFT.fullmatch(folder.name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if left is not None and folder.is_dir():
        used = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        return Entry(folder, kind, left["key"], size, used, LEFT_BY[left["how"][0]])
    if folder.name.startswith(".") or not (folder / MANIFEST).is_file():
        return None
    try:
        what = str(json.loads((folder / MANIFEST).read_text()).get("what", ""))
    except (ValueError, AttributeError):
        what = "damaged"
    used = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    return Entry(folder, kind, folder.name, size, used, what)


def left_over(entry: Entry) -> bool:
    """Whether it is no entry but what a broken one left."""
    return entry.path.name != entry.key
