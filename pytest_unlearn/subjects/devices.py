"""Where a model runs, and in which precision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_unlearn.errors import SubjectError, did_you_mean
from pytest_unlearn.lazy import torch

if TYPE_CHECKING:
    from torch import device as Device
    from torch import dtype as Dtype

KINDS = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Placement:
    """A device and the precision that weights are loaded in."""

    device: Device
    dtype: Dtype

    @property
    def kind(self) -> str:
        """The device class, `cpu`, `cuda` or `mps`: answers of two cards of a class count as the same."""
        return self.device.type

    @property
    def precision(self) -> str:
        """The name of the dtype, e.g. `float32`."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def apart(self) -> bool:
        """Whether the CPU has time for something else while the device works."""
        return self.kind != "cpu"

    @property
    def tokens_at_once(self) -> int:
        """How many token positions a batch may hold before memory has been seen to run out."""
        return 65536 if self.kind == "cuda" else 8192


def pick(name: str = "auto") -> Placement:
    """The device called `name` (`cuda:1` too), in bfloat16 on CUDA and float32 elsewhere; raises SubjectError."""
    kind, _, number = name.partition(":")
    if kind not in KINDS or (number and not number.isdecimal()):
        raise SubjectError(f"unknown device '{name}'{did_you_mean(name, KINDS)}")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = kind = "cuda" if cuda else "mps" if mps else "cpu"
    if (kind == "cuda" and not cuda) or (kind == "mps" and not mps):
        raise SubjectError(
            f"device '{name}' was asked for, but torch {torch.__version__} sees none. Use 'cpu' or 'auto'"
        )
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SubjectError(
            f"device '{name}' was asked for, but there are only {torch.cuda.device_count()}, from cuda:0"
        )
    half = kind == "cuda" and torch.cuda.is_bf16_supported()
    return Placement(torch.device(name), torch.bfloat16 if half else torch.float32)


@contextmanager
def threads() -> Iterator[None]:
    """This process's share of the CPU threads that were set before, as by OMP_NUM_THREADS.

    Workers of pytest-xdist share the machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))))
    try:
        yield
    finally:
        torch.set_num_threads(before)
