"""What an unlearning method is given, and the plain-data recipe it is stored under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt

from pytest_unlearn.registry import METHODS, Entry
from pytest_unlearn.subjects.requests import Prompt


class Need(StrEnum):
    """What a method may ask for. A missing one is an error at the scenario's line."""

    FORGET = "forget"
    RETAIN = "retain"
    HOLDOUT = "holdout"
    REFUSALS = "refusals"
    ALTERNATES = "alternates"
    ORIGINAL = "original"
    REFERENCE = "reference"


FORGET, RETAIN, HOLDOUT, REFUSALS, ALTERNATES, ORIGINAL, REFERENCE = Need


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to train on. A document is an answer to an empty raw prompt."""

    prompt: Prompt
    answer: str
    unit: str
    entities: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Data:
    """The forget set and the trained-on half of the retain set, with what else a method may need."""

    forget: tuple[Example, ...]
    retain: tuple[Example, ...] = ()
    holdout: tuple[Example, ...] = ()
    refusals: tuple[str, ...] = ()
    alternates: tuple[Example, ...] = ()

    def has(self, need: Need) -> bool:
        """Whether this data answers a need that is answered by data."""
        return bool(getattr(self, need.value, True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """Low-rank adapters on all linear layers, merged before the model is judged.

    `rank`: the rank of the adapters. `alpha`: their scale, divided by the rank.
    """

    rank: Annotated[int, Ge(1)] = 16
    alpha: Annotated[float, Gt(0)] = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """Options of the one training loop, shared by every method that trains.

    `steps`: how many steps; wins over `epochs`, e.g. `20`
    `epochs`: passes over the forget set
    `lr`: the learning rate
    `batch`: forget rows in a step; as many retain rows are paired with them
    `schedule`: how the learning rate changes
    `warmup`: steps in which the learning rate rises to `lr`; below 1 it is a share of the steps
    `weight_decay`: of the AdamW optimiser
    `clip`: the norm that a gradient has at most; null for no limit
    `trainable`: the weights that may change: `all`, `lora`, `{layers: [a, b]}` or `{modules: [name, ...]}`
    `lora`: the adapters, where `trainable` is `lora`, e.g. `{rank: 8}`
    """

    steps: Annotated[int, Ge(1)] | None = None
    epochs: Annotated[float, Gt(0)] = 5.0
    lr: Annotated[float, Gt(0)] = 1e-5
    batch: Annotated[int, Ge(1)] = 8
    schedule: Literal["constant", "linear", "cosine", "one_cycle"] = "constant"
    warmup: Annotated[float, Ge(0)] = 0.0
    weight_decay: Annotated[float, Ge(0)] = 0.0
    clip: Annotated[float, Gt(0)] | None = 1.0
    trainable: Literal["all", "lora"] | Layers | Modules = "all"
    lora: LoraConfig = LoraConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Train some decoder layers.

    `layers`: the first and the last of them, both included, counted from 0, e.g. `[20, 29]`
    """

    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """Train some modules.

    `modules`: the parameters whose dotted name contains one of these, e.g. `[mlp.down_proj]`
    """

    modules: tuple[str, ...]


def method(
    name: str,
    *,
    needs: set[Need],
    reach: Literal["weights", "wrapper"] = "weights",
    on: frozenset[str] = frozenset({"weights"}),
    version: int = 1,
    cost: float | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an unlearning method: `(subject, data, config, seed) -> Subject`, which leaves `subject` as it is.

    `needs`: what of `data` it cannot do without. Raise `version` when its mathematics changes, so that candidates are
    remade. `cost`: what a step puts through the model, relative to fine-tuning on as many rows, where a pass without
    gradient is a third of one with it; without it, each set in `needs` is read once.
    """
    if cost is None:
        cost = float(len(needs - {ORIGINAL, REFERENCE}))
    return METHODS.register(name, needs=frozenset(needs), reach=reach, on=on, version=version, cost=cost)


def passes(entry: Entry[Any]) -> float | None:
    """The declared cost of a step of a method, as `method` explains it; None where it takes no steps of the loop."""
    cost: float = entry.facts["cost"]
    return cost if issubclass(entry.config, LoopConfig) else None
