"""What a subject gives back. A failure is an answer of its own kind: never an empty string, never a zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Tokens:
    """Per token of one target: log-probability, argmax hit, mean and variance of log p over the vocabulary."""

    logp: tuple[float, ...]
    hit: tuple[bool, ...]
    mean: tuple[float, ...]
    variance: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-probability (natural log, summed) and length in tokens of each target, in the order asked.

    `noise`: how far a log-probability may lie from what the same request gets alone, in float32.
    """

    logp: tuple[float, ...]
    lengths: tuple[int, ...]
    tokens: tuple[Tokens, ...] | None = None
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """One generated answer. `finish`: `end` (end of turn), `decided`, `stop` or `length`."""

    text: str
    trace: str = ""
    media: tuple[str, ...] = ()
    finish: Literal["end", "decided", "stop", "length"] = "end"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Generated answers, one a sample. `near_tie`: the smallest gap between the two best logits at any step.

    `noise`: how far a logit may lie from what the same request gets alone, in float32.
    """

    items: tuple[Output, ...]
    near_tie: float = float("inf")
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states, one array of shape (positions, width) a site."""

    arrays: dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Episode:
    """What an agent or a policy did."""

    actions: tuple[str, ...]
    reward: float
    success: bool
    transcript: str = ""


Reason = Literal["memory", "network", "not-a-number", "empty", "unreadable", "cannot", "refused"]
LASTING: frozenset[Reason] = frozenset({"empty", "unreadable"})  # asked again, it fails in the same way


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, and why. A check that meets one ends in `error`.

    `unreadable`: the request cannot be put to this model, its text being too long or outside its vocabulary.
    """

    reason: Reason
    why: str


Answer: TypeAlias = Scores | Outputs | States | Episode | Failed
