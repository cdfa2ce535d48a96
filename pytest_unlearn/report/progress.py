"""How far a check is, on a terminal: kept up to date in what is left of the line that pytest writes, then wiped."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_unlearn.runner.drive import Round

EVERY = 0.5  # seconds
ROOM = 12  # columns without which nothing can be said
STDOUT = 1
WIPE = "\x1b[K"  # from the cursor to the end of the line


def told(name: str, now: Round | None, making: bool, seconds: float) -> str:
    """`alias: 240 of 512 by the candidate, 31/s, 9 s left`; without questions how long it has taken so far."""
    if now is None or (done := now.done) == 0:
        return f"{name}: {'making the models, ' if making else ''}{seconds:.0f} s"
    rate = done / max(now.seconds, 1e-9)
    speed = f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    return f"{name}: {done} of {now.asked} by the {now.subject}, {speed}, {(now.asked - done) / rate:.0f} s left"


def screen(config: Any) -> IO[str] | None:
    """The terminal itself, however output is captured; None in workers, in CI logs, in files and pipes.

    To be asked for while nothing is captured, as between collection and the first check.
    """
    if hasattr(config, "workerinput") or os.environ.get("CI") or os.environ.get("TERM") in (None, "dumb"):
        return None
    if config.option.verbose < 0 or not os.isatty(STDOUT):
        return None
    return os.fdopen(os.dup(STDOUT), "w", encoding="utf-8", errors="replace")


@contextmanager
def shown(file: IO[str] | None, writer: Any, name: str, session: Any) -> Iterator[None]:
    """Show on a screen how far the check called `name` is while a session judges it; `writer` is that of pytest."""
    if file is None:
        yield
        return
    start, stop = time.monotonic(), threading.Event()

    def write() -> None:
        while not stop.wait(EVERY):
            room = writer.fullwidth - writer.width_of_current_line - 2
            if room >= ROOM:
                text = told(
                    name, getattr(session, "round", None), getattr(session, "making", False), time.monotonic() - start
                )[:room]
                file.write(f"{WIPE} {text}\x1b[{len(text) + 1}D")
                file.flush()

    thread = threading.Thread(target=write, name="unlearn-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        file.write(WIPE)
        file.flush()
