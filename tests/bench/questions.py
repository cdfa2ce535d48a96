"""What the benchmarks ask: questions about countries, put to SmolLM2-135M-Instruct or a model folder."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.render import question
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.devices import Placement, pick
from pytest_unlearn.subjects.fetch import ready
from pytest_unlearn.subjects.local import read
from pytest_unlearn.subjects.store import Store

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True)
class Asked:
    """A question, its answer, and as many wrong answers of the same type as were asked for."""

    question: str
    answer: str
    rivals: tuple[str, ...]


def asked(n: int, rivals: int = 0) -> list[Asked]:
    """The first `n` questions about countries, in every wording."""
    path = ROOT / "scenarios" / "europe.unlearn.yaml"
    knowledge = build(load_scenario(path, ROOT).knowledge, ROOT)
    names = {kind: sorted(e.name for e in knowledge.entities.values() if e.type == kind) for kind in
             {e.type for e in knowledge.entities.values()}}  # fmt: skip
    found = []
    for template in range(3):
        for fact in knowledge.facts:
            relation = knowledge.relations[fact.relation]
            if template < len(relation.ask):
                others = [name for name in names[knowledge.entities[fact.object].type] if name != fact.object]
                text = question(relation, fact.subject, template)
                found.append(Asked(text, fact.object, tuple(islice(others, rivals))))
    if len(found) < n:
        raise SystemExit(f"there are {len(found)} questions, fewer than {n}")
    step = len(found) / n
    return [found[int(i * step)] for i in range(n)]


def model(folder: str | None) -> tuple[Any, Any, Placement]:
    """The weights, the tokenizer and where they are."""
    placement = pick("auto")
    return *read(place_of(folder), placement), placement


def place_of(folder: str | None) -> Path:
    """Where the weights are."""
    return ready(MODEL, Store()) if folder is None else Path(folder)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, until the device is done."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, after a round that does not count; every round runs all of them."""
    for work in contenders.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            times[name].append(seconds(work))
    return {name: statistics.median(some) for name, some in times.items()}


def best(work: Callable[[int], object], sizes: Sequence[int]) -> int:
    """The batch size with which `work` is quickest."""
    return min(sizes, key=lambda size: seconds(lambda: work(size)))


def head() -> str:
    """Machine, versions, date."""
    names = ("pytest-unlearn", "torch", "transformers", "lm_eval")
    kept = []
    for name in names:
        try:
            kept.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            kept.append(f"{name} is not installed")
    place = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU threads"
    return f"{date.today()}, {platform.machine()}, {place}, {', '.join(kept)}"


def table(title: str, medians: Mapping[str, float], ours: str, notes: Mapping[str, str] | None = None) -> str:
    """A Markdown table: seconds, and how many times as long as ours."""
    lines = [f"### {title}", "", head(), "", "| | seconds | times ours | |", "|---|---:|---:|---|"]
    for name, value in medians.items():
        lines.append(f"| {name} | {value:.2f} | {value / medians[ours]:.2f} | {(notes or {}).get(name, '')} |")
    return "\n".join(lines)


def profile(contenders: dict[str, Callable[[], object]]) -> str:
    """A Markdown table of where the time goes: seconds on the CPU by kind of operation, and what is not one."""
    kinds = {"matrix products": ("mm", "linear"), "attention": ("attention",), "activations": ("silu", "gelu")}
    spent: dict[str, dict[str, float]] = {}
    for name, work in contenders.items():
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            wall = seconds(work)
        row = spent[name] = dict.fromkeys((*kinds, "other operations"), 0.0)
        for event in seen.key_averages():
            kind = next((k for k, parts in kinds.items() if any(part in event.key for part in parts)), None)
            row[kind or "other operations"] += event.self_cpu_time_total / 1e6
        row["between operations"] = wall - sum(row.values())
    columns = list(next(iter(spent.values())))
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(f'{row[column]:.2f}' for column in columns)} |" for name, row in spent.items()]
    return "\n".join(lines)
