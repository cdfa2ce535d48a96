"""The one training loop, read from top to bottom: rows, terms, gradient, step; plug-ins are asked on the way."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.compute import checkpointed, precision
from pytest_unlearn.training.data import Data, Example, LoopConfig
from pytest_unlearn.training.frozen import Frozen, View
from pytest_unlearn.training.optimiser import optimiser_of
from pytest_unlearn.training.partners import Beside, partners_of, with_partners
from pytest_unlearn.training.plug import Gradients, add_gradients, having, plug_ins, spread_of, weigh
from pytest_unlearn.training.resume import Checkpoint
from pytest_unlearn.training.sampler import EncodedSet, in_pieces, sampled
from pytest_unlearn.training.terms import Config, Objective, SetName
from pytest_unlearn.training.trainable import trainable
from pytest_unlearn.training.watch import Watching

TOKENS_AT_ONCE = 2048  # about 6 GB of activations in a model of 135M parameters
ON_CPU = 512  # less memory; larger products are no faster there
ROUNDING = 1e-9  # of a number of steps: 1.1 passes over 10 rows are 11
LOSS_LIMIT = 1e4  # ascent goes down without bound by design; beyond this nothing is left of the model

Losses = list[dict[str, float]]


def train(
    subject: Subject,
    data: Data,
    config: Config,
    seed: int,
    objective: Objective[Config],
    original: Sequence[SetName | View] | Callable[[Opened], Sequence[View]] = (),
    beside: Beside | None = None,
) -> Subject:
    """A new subject: the weights of `subject` trained on `data` by `objective`. `subject` itself is not changed.

    `original` says where the objective compares with the frozen original: a set, where it needs the log-probability of
    each answer, or `(set, "logits")`, or `(set, site)` for the states of a site; a function where that depends on the
    model. `beside` asks for a refusal or an alternate answer beside each forget row of a step. An objective with a
    method `begin` is told by it how many steps there will be.

    Raises MethodError where a set that is needed is empty, where `trainable` matches nothing, and where the training
    breaks down; SubjectError where the weights are not in this process. Cut off, it leaves nothing behind.
    """
    with subject.open() as now:
        fit(now, data, config, seed, objective, original, beside=beside)
        return now.subject()


def fit(
    now: Opened,
    data: Data,
    config: Config,
    seed: int,
    objective: Objective[Config],
    original: Sequence[SetName | View] | Callable[[Opened], Sequence[View]] = (),
    tokens_at_once: int | None = None,
    beside: Beside | None = None,
) -> Losses:
    """Train `now` in place; returns the mean of each term in every step, before its update and without its weight.

    A step of more than about `tokens_at_once` tokens, of as many as the device takes well unless it is given, goes
    through the model in pieces; their gradients add up to that of one large batch. With `watch` there may be fewer
    steps than were planned. The same seed gives the same weights to the bit on the same device, also where the training
    was cut off within `resumable` and goes on.
    """
    now.module.eval()  # no dropout: the gradient is that of the function that is judged
    plugged = plug_ins(config.wrap, seed)
    combining = having(plugged, "combine")
    for one in plugged:
        data = one.data(data, now)
    examples: dict[SetName, tuple[Example, ...]] = {"forget": data.forget, "retain": data.retain}
    sets = {name: EncodedSet(name, rows, now) for name, rows in examples.items() if rows}
    if not sets:
        raise MethodError("there is nothing to train on: the forget set and the retain set are both empty")
    if tokens_at_once is None:
        tokens_at_once = ON_CPU if next(now.module.parameters()).device.type == "cpu" else TOKENS_AT_ONCE
    epoch, places = sampled(config.sampler, data, config.batch, seed)
    steps = in_pieces(sets, places, tokens_at_once if beside is None else tokens_at_once * 2 // 3)
    if beside is not None and (partners := partners_of(data, beside, seed)):
        sets[beside] = EncodedSet(beside, [one for some in partners for one in some], now)
        steps = with_partners(steps, sets[beside], [len(some) for some in partners])
    n = steps_of(config, epoch)
    if begin := getattr(objective, "begin", None):
        begin(n)
    generator = torch.Generator().manual_seed(seed_of(seed, "adapters"))

    with trainable(now, config, generator) as weights, checkpointed(now, config), _progress(n) as show:
        with precision(now.module, config):  # of the weights as they train, so that nothing has moved before a step
            frozen = Frozen(now, sets, views=original(now) if callable(original) else original)
        for one in plugged:
            frozen = one.original(frozen, now)
        frozen.hold(weights)
        named = {name: weight for name, weight in now.module.named_parameters() if weight.requires_grad}
        start = {name: weight.detach().clone() for name, weight in named.items()} if having(plugged, "finished") else {}
        optimiser = optimiser_of(weights, config)
        watching = Watching(now, data, config.watch) if config.watch else None
        checkpoint = Checkpoint(named, optimiser, plugged, objective)
        losses: Losses = checkpoint.load()
        for done in losses:
            next(steps)
            show(done)
        for i in range(len(losses), n):
            if watching and watching.enough(i):
                break
            for group in optimiser.param_groups:
                group["lr"] = config.lr * pace(i, n, config)
            optimiser.zero_grad()

            seen: dict[str, float] = {}
            gradients: Gradients = {}
            for pair in next(steps):
                with precision(now.module, config):
                    terms = objective(now, frozen, pair, config)
                if not any(term.total.requires_grad for term in terms.values()):
                    raise MethodError(
                        f"nothing that `trainable` names changes the loss ({', '.join(terms)}) of this method: choose "
                        "other layers or modules"
                    )
                for name, term in terms.items():
                    seen[name] = seen.get(name, 0.0) + term.mean.item()
                _check(i, n, seen)
                if combining:
                    add_gradients(gradients, terms, named)
                else:
                    torch.autograd.backward([term.weight * term.mean for term in terms.values()])

            if combining:
                spread = spread_of(optimiser, named)
                for one in combining:
                    gradients = one.combine(gradients, spread)
                weigh(gradients, {name: term.weight for name, term in terms.items()}, named)
            norm = torch.nn.utils.clip_grad_norm_(weights, config.clip or math.inf)
            if not torch.isfinite(norm):
                raise MethodError(_broken(i, n, "the norm of the gradient", norm.item()))
            optimiser.step()
            with torch.no_grad():
                for one in plugged:
                    one.stepped(named, i, n)
            losses.append(seen)
            checkpoint.keep(losses)
            show(seen)
        optimiser.zero_grad()
        with torch.no_grad():
            for one in plugged:
                one.finished(start, named)
        checkpoint.done(len(losses))
    return losses


def steps_of(config: LoopConfig, examples: int) -> int:
    """How many steps: `steps`, else as many as `epochs` passes over `examples` rows take."""
    passes = config.epochs * examples / min(config.batch, examples)
    return config.steps or max(1, math.ceil(passes - ROUNDING))


def pace(i: int, n: int, config: LoopConfig) -> float:
    """The share of `lr` used in step `i` (from 0) of `n`: a linear warm-up, then the schedule.

    `warmup` counts steps; below 1 it is a share of `n`.

    constant   1
    linear     from 1 towards 0, which would be reached in step n
    cosine     the same along half a cosine
    one_cycle  up from 1/25 in the first 30 % (or `warmup`), down to 1/250000, along half cosines (arXiv 1708.07120)
    """
    warm = config.warmup * n if config.warmup < 1 else config.warmup
    if config.schedule == "one_cycle":
        top = (warm or 0.3 * n) - 1
        if i < top:
            return _between(1 / 25, 1.0, i / top)
        return _between(1.0, 1 / 250_000, (i - top) / max(n - 1 - top, 1))
    if i < warm:
        return min((i + 1) / warm, 1.0)
    done = (i - warm) / max(n - warm, 1)
    if config.schedule == "linear":
        return 1 - done
    if config.schedule == "cosine":
        return _between(1.0, 0.0, done)
    return 1.0


def _between(start: float, end: float, done: float) -> float:
    """Along half a cosine from `start` to `end`, `done` in [0, 1]."""
    return end + (start - end) * (1 + math.cos(math.pi * min(max(done, 0.0), 1.0))) / 2


def _check(i: int, n: int, losses: Mapping[str, float]) -> None:
    for name, value in losses.items():
        if not abs(value) <= LOSS_LIMIT:  # written so that nan fails too
            raise MethodError(_broken(i, n, f"the loss '{name}'", value))


def _broken(i: int, n: int, what: str, value: float) -> str:
    return (
        f"the training broke down in step {i + 1} of {n}: {what} is {value:g}. "
        f"Lower `lr`, train for fewer steps, or choose a method whose loss is bounded"
    )


@contextlib.contextmanager
def _progress(n: int) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield lambda losses: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.description}")
    with Progress(
        text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("training", total=n)

        def show(losses: Mapping[str, float]) -> None:
            told = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            bar.update(task, advance=1, description=f"training  {told}")

        yield show
