"""What an unlearning method is given, and the plain-data recipe it is stored under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Lt, MaxLen, MinLen

from pytest_unlearn.errors import MethodError
from pytest_unlearn.registry import METHODS, Entry, Use
from pytest_unlearn.subjects.requests import Prompt, Score


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
    """The forget set and the trained-on half of the retain set, with what else a method may need.

    `watch`: what `LoopConfig.watch` asks, the answer that must go before the others that could be given in its place
    """

    forget: tuple[Example, ...]
    retain: tuple[Example, ...] = ()
    holdout: tuple[Example, ...] = ()
    refusals: tuple[str, ...] = ()
    alternates: tuple[Example, ...] = ()
    watch: tuple[Score, ...] = ()

    def has(self, need: Need) -> bool:
        """Whether this data answers a need that is answered by data."""
        return bool(getattr(self, need.value, True))


BARELY = 0.5  # recall above which a method barely forgets

Sampler: TypeAlias = Literal["paired", "cyclic", "modular"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """Low-rank adapters on all linear layers, merged before the model is judged.

    `rank`: the rank of the adapters. `alpha`: their scale, divided by the rank. `keep`: keep the candidate as the
    original with adapters, which are not merged: a small folder that peft can load
    """

    rank: Annotated[int, Ge(1)] = 16
    alpha: Annotated[float, Gt(0)] = 32.0
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """When a training ends before its last step: as soon as the model recalls no more of the forget set than `limit`.

    A fact is recalled where its answer is the likeliest of up to twenty of its type, a question without other answers
    where the model would say the answer word for word; of a document, the share of tokens that it would say counts.
    Only what is trained on is asked, in the words of the training.

    `limit`: the share that may still be recalled, e.g. `10%`
    `every`: after how many steps the model is asked, each time anew
    """

    limit: Annotated[float, Ge(0), Lt(1)]
    every: Annotated[int, Ge(1)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """Options of the one training loop, shared by every method that trains.

    `steps`: how many steps; wins over `epochs`, e.g. `20`
    `epochs`: passes over the forget set, or over the pairs of another sampler
    `lr`: the learning rate
    `batch`: forget rows in a step; as many retain rows are paired with them
    `sampler`: which retain rows stand beside the forget rows: any, from passes of their own (`paired`); the next, until
    the larger set is through (`cyclic`); those about the same entity, until both are through (`modular`)
    `watch`: end before the last step, as soon as little enough of the forget set is recalled, e.g. `{limit: 10%}`; the
    schedule stays that of all steps
    `schedule`: how the learning rate changes
    `warmup`: steps in which the learning rate rises to `lr`; below 1 it is a share of the steps
    `optimiser`: AdamW, AdamW that keeps its states in 8 bits (with the package bitsandbytes), or plain gradient descent
    `momentum`: of AdamW, its beta_1
    `weight_decay`: of the optimiser
    `clip`: the norm that a gradient has at most; null for no limit
    `trainable`: the weights that may change: `all`, `lora`, `{layers: [a, b]}` or `{modules: [name, ...]}`
    `lora`: the adapters, where `trainable` is `lora`, e.g. `{rank: 8}`
    `precision`: on CUDA, `mixed` multiplies matrices in bfloat16; weights that train are float32 either way
    `gradient_checkpointing`: work activations out again on the way back instead of keeping them: less memory, for about
    a third more time
    `wrap`: plug-ins of the loop, applied in this order: a name, `{name: {key: value}}`, or a list of these, e.g.
    `[geometric_disentanglement, {task_arithmetic: {factor: 0.5}}]`
    """

    steps: Annotated[int, Ge(1)] | None = None
    epochs: Annotated[float, Gt(0)] = 5.0
    lr: Annotated[float, Gt(0)] = 1e-5
    batch: Annotated[int, Ge(1)] = 8
    sampler: Sampler = "paired"
    watch: WatchConfig | None = None
    schedule: Literal["constant", "linear", "cosine", "one_cycle"] = "constant"
    warmup: Annotated[float, Ge(0)] = 0.0
    optimiser: Literal["adamw", "adamw_8bit", "sgd"] = "adamw"
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 0.0
    clip: Annotated[float, Gt(0)] | None = 1.0
    trainable: Literal["all", "lora"] | Layers | Modules = "all"
    lora: LoraConfig = LoraConfig()
    precision: Literal["mixed", "full"] = "mixed"
    gradient_checkpointing: bool = False
    wrap: tuple[Use, ...] = ()

    def __post_init__(self) -> None:
        """Raises MethodError for options that do not go together."""
        if self.lora.keep and self.trainable != "lora":
            raise MethodError("`lora: {keep: true}` keeps adapters, which only `trainable: lora` makes")

    @property
    def keeps_adapter(self) -> bool:
        """Whether the candidate is the original with adapters."""
        return self.trainable == "lora" and self.lora.keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Train some decoder layers.

    `layers`: the first and the last of them, both included, counted from 0, e.g. `[20, 29]`
    """

    layers: Annotated[tuple[int, ...], MinLen(1), MaxLen(2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """Train some modules.

    `modules`: the parameters whose dotted name contains one of these, e.g. `[mlp.down_proj]`
    """

    modules: Annotated[tuple[Annotated[str, MinLen(1)], ...], MinLen(1)]


@dataclass(frozen=True, slots=True)
class Band:
    """Between which shares, in [0, 1], lies what a method leaves of a small world after 30 steps of 8 rows at 5e-4.

    In it 60 people have seven facts each; ten of them are to be forgotten. The contract holds a method to its band.

    `recall`: of the facts that must go, those whose answer is still the likeliest of up to twenty-one
    `retention`: of the facts that must stay and were not trained on, those that are still told word for word
    """

    recall: tuple[float, float]
    retention: tuple[float, float]

    def __str__(self) -> str:
        recall, retention = (f"{low:.0%} to {high:.0%}" for low, high in (self.recall, self.retention))
        barely = "; barely forgets" if self.recall[0] >= BARELY else ""
        return f"on a small world: recalled of what must go {recall}, kept of the rest {retention}{barely}"


def method(
    name: str,
    *,
    needs: set[Need],
    reach: Literal["weights", "wrapper"] = "weights",
    on: frozenset[str] = frozenset({"weights"}),
    version: int = 1,
    more: Callable[[Any], set[Need]] | None = None,
    cost: float | None = None,
    band: Band | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an unlearning method: `(subject, data, config, seed) -> Subject`, which leaves `subject` as it is.

    `needs`: what of `data` it cannot do without; `more` tells what else it needs with a config. Raise `version` when
    its mathematics changes, so that candidates are remade. `cost`: what a step puts through the model, relative to
    fine-tuning on as many rows, where a pass without gradient is a third of one with it; without it, each set in
    `needs` is read once. `band`: how much it forgets and keeps, which the contract tests.
    """
    if cost is None:
        cost = float(len(needs - {ORIGINAL, REFERENCE}))
    facts = {"needs": frozenset(needs), "more": more, "cost": cost, "band": band}
    return METHODS.register(name, **facts, reach=reach, on=on, version=version)


def needs_of(entry: Entry[Any], config: Any) -> frozenset[Need]:
    """What a method needs with this config."""
    needs: frozenset[Need] = entry.facts["needs"]
    more = entry.facts.get("more")
    return needs | more(config) if more else needs


def passes(entry: Entry[Any]) -> float | None:
    """The declared cost of a step of a method, as `method` explains it; None where it takes no steps of the loop."""
    cost: float = entry.facts["cost"]
    return cost if issubclass(entry.config, LoopConfig) else None
