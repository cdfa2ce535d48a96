"""What a training that is cut off leaves, so that it goes on from there and ends with the same weights to the bit."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.lazy import torch
from pytest_unlearn.training.plug import PlugIn, Weights

if TYPE_CHECKING:
    from torch.optim import Optimizer

EVERY = 120.0  # seconds of training that an interruption may cost


class Place:
    """Where trainings keep what they leave, how many of them there were, and how many steps all of them took.

    A method may train more than once.
    """

    def __init__(self, folder: Path, every: float) -> None:
        self.folder, self.every, self.trainings, self.steps = folder, every, 0, 0


_place: ContextVar[Place | None] = ContextVar("place", default=None)


@contextlib.contextmanager
def resumable(folder: Path, every: float = EVERY) -> Iterator[Place]:
    """Trainings in here keep a checkpoint in `folder` every so many seconds, and begin with the one they find there.

    The folder must belong to one recipe: method, options, seed, data and original. It is made when it is needed.
    """
    token = _place.set(place := Place(folder, every))
    try:
        yield place
    finally:
        _place.reset(token)


class Checkpoint:
    """The state of one training between two steps: weights, optimiser, plug-ins, what the objective remembers.

    Outside of `resumable` it does nothing. What an objective remembers are the attributes of a callable object; they
    must be plain numbers or tensors.
    """

    def __init__(self, weights: Weights, optimiser: Optimizer, plugged: Sequence[PlugIn], objective: Any) -> None:
        self._weights, self._optimiser, self._plugged, self._objective = weights, optimiser, plugged, objective
        self._file, self._every, self._place = None, EVERY, _place.get()
        if (place := self._place) is not None:
            self._file, self._every = place.folder / f"{place.trainings}.pt", place.every
            place.trainings += 1
        self._kept = time.monotonic()

    def load(self) -> list[dict[str, float]]:
        """Go back to where a training was cut off; returns the losses of its steps, none where it begins anew."""
        if self._file is None or not self._file.is_file():
            return []
        try:
            found = torch.load(self._file, map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError):  # what is left of a file is no checkpoint
            return []
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(found["weights"][name])
        self._optimiser.load_state_dict(found["optimiser"])
        device = next(iter(self._weights.values())).device
        for one, state in zip(self._plugged, found["plug-ins"], strict=True):
            one.state = _on(device, state)
        vars(self._objective).update(found["objective"])
        losses: list[dict[str, float]] = found["losses"]
        return losses

    def keep(self, losses: list[dict[str, float]]) -> None:
        """After a step: write everything down, if that was long enough ago. All of it is there or nothing new."""
        if self._file is None or time.monotonic() - self._kept < self._every:
            return
        state = {
            "weights": {name: weight.detach() for name, weight in self._weights.items()},
            "optimiser": self._optimiser.state_dict(),
            "plug-ins": [one.state for one in self._plugged],
            "objective": vars(self._objective),
            "losses": losses,
        }
        part = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            torch.save(state, part)
            part.chmod(0o600)
            part.replace(self._file)
        except (OSError, RuntimeError) as error:  # a full disk; training itself goes on
            print(f"unlearn: no checkpoint can be kept in {self._file.parent}: {error}", file=sys.stderr, flush=True)
            part.unlink(missing_ok=True)
        self._kept = time.monotonic()

    def done(self, steps: int) -> None:
        """The training has come to its end, with so many steps: what it kept goes."""
        if self._file is not None and self._place is not None:
            self._place.steps += steps
            self._file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it holds something else, or was never made
                self._file.parent.rmdir()


def _on(device: torch.device, state: Any) -> Any:
    """The same on another device."""
    if isinstance(state, torch.Tensor):
        return state.to(device)
    if isinstance(state, dict):
        return {name: _on(device, value) for name, value in state.items()}
    return [_on(device, value) for value in state] if isinstance(state, list) else state
