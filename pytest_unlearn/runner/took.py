"""What making a model took, kept in a file beside its weights."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.devices import Placement

FILE = "unlearn-took.json"
PROCESS = Path("/proc/self")


@dataclass(slots=True)
class Took:
    """`seconds`, the most memory in use at once beyond what was in use before, in bytes, and the `steps` of training.

    None where it is unknown, or where no steps were taken. Memory is the device's on CUDA, else that of this process,
    which only Linux tells.
    """

    seconds: float | None = None
    memory: int | None = None
    steps: int | None = None

    def write(self, folder: Path) -> None:
        """Keep it beside a model."""
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def read(folder: Path) -> Took:
    """What is kept beside a model; nothing is known of one that another version made."""
    try:
        return Took(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Took()


def of(subject: Any) -> Took:
    """What making a subject took, as it stands beside its weights or its adapter."""
    local = getattr(subject, "subject", subject)
    return read(getattr(local, "adapter", local.folder))


@contextmanager
def taking(placement: Placement) -> Iterator[Took]:
    """What is done while this is open; it is filled in at the end."""
    took, cuda = Took(), placement.kind == "cuda"
    _warm()
    gc.collect()
    if cuda:
        torch.cuda.reset_peak_memory_stats(placement.device)
        before: int | None = torch.cuda.memory_allocated(placement.device)
    else:
        before = _forget_peak()
    clock = time.monotonic()
    yield took
    took.seconds = round(time.monotonic() - clock, 3)
    peak = torch.cuda.max_memory_allocated(placement.device) if cuda else _status("VmHWM")
    took.memory = None if before is None or peak is None else max(0, peak - before)


@cache
def _warm() -> None:
    """Load what a process loads once in its first step of training, so that the first method does not pay for all."""
    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.AdamW([weight]).step()


def _forget_peak() -> int | None:
    """Let the peak of this process begin anew at what it uses now, in bytes; None where that cannot be done.

    What was freed goes back to the system first: else it would be used again unseen.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        (PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s*(\d+) kB$", (PROCESS / "status").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
