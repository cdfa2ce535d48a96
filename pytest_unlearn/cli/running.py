"""A session of a command that judges candidates: its records and what it remembers lie below `.unlearn`."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_unlearn.records import merge, private_folder

if TYPE_CHECKING:
    from pytest_unlearn.runner.session import Session


@dataclass(slots=True)
class Running:
    """A session, and the exit code that its records will have."""

    session: Session
    code: int = 2


@contextmanager
def running(root: Path, name: str, device: str) -> Iterator[Running]:
    """A session that writes to the folder `name`; its records are put together at the end, whatever happens."""
    from pytest_unlearn.runner.session import Session
    from pytest_unlearn.runner.settings import Settings

    run = uuid.uuid4().hex[:12]
    settings = Settings(root=root, folder=root / ".unlearn" / name, run=run, device=device)
    private_folder(root / ".unlearn")
    private_folder(settings.folder)
    now = Running(Session(settings))
    try:
        yield now
    finally:
        now.session.close()
        for note in merge(settings.folder, run, now.code, unwritten=now.session.unwritten).notes:
            warnings.warn(note, stacklevel=2)
