"""Tiny kinds of every family, registered while a test runs, and a file to load them from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, MinLen

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.registry import GRADERS, METHODS, METRICS, PROBES, SOURCES, UTILITY, Registry
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Scenario
from pytest_unlearn.training.data import LoopConfig

Load = Callable[[str], Scenario]
Complaints = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkConfig:
    hops: Annotated[int, Ge(2), Le(6)] = 2
    position: tuple[Literal["start", "bridge", "answer"], ...] = ("start", "bridge", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearConfig:
    relation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GapConfig:
    statements: Annotated[int, Ge(1)] = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterConfig:
    length: Annotated[int, Ge(1)] = 20
    normalise: Literal["tokens", "mean"] = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig(LoopConfig):
    beta: Annotated[float, Gt(0)] = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashConfig:
    limit: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedyConfig:
    words: Annotated[tuple[str, ...], MinLen(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapConfig:
    pass


def toy_walk(config: WalkConfig) -> None: ...
def toy_clash(config: ClashConfig) -> None: ...
def toy_needy(config: NeedyConfig) -> None: ...
def toy_near(config: NearConfig) -> None: ...
def toy_gap(config: GapConfig) -> None: ...
def toy_letter(config: LetterConfig) -> None: ...
def toy_step(config: StepConfig) -> None: ...
def toy_map(config: MapConfig) -> None: ...


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    registries: list[Registry[Any]] = [PROBES, UTILITY, METRICS, GRADERS, METHODS, SOURCES]
    before = [dict(registry._entries) for registry in registries]
    PROBES.register("toy_walk")(toy_walk)
    PROBES.register("toy_clash")(toy_clash)
    PROBES.register("toy_needy")(toy_needy)
    UTILITY.register("toy_near")(toy_near)
    METRICS.register("toy_gap", claim="privacy")(toy_gap)
    METRICS.register("toy_ratio")(toy_gap)
    GRADERS.register("toy_letter")(toy_letter)
    METHODS.register("toy_step")(toy_step)
    SOURCES.register("toy_map")(toy_map)
    yield
    for registry, entries in zip(registries, before, strict=True):
        for name in registry._entries.keys() - entries.keys():
            if name.startswith("toy_"):
                del registry._entries[name]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A text as a scenario."""

    def load(text: str) -> Scenario:
        path = tmp_path / "a.unlearn.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path, tmp_path)

    return load


@pytest.fixture
def complaints(load: Load) -> Complaints:
    """The mistakes of a text, as `line:column message`."""

    def complaints(text: str) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            load(text)
        return [f"{p.mark.line}:{p.mark.column} {p.message}" for p in caught.value.problems]

    return complaints


@pytest.fixture
def around() -> Callable[..., str]:
    """A scenario without mistakes, in which lines can be replaced by their key."""
    lines = {
        "version": "version: 1",
        "model": "model: tiny",
        "knowledge": "knowledge: {source: toy_map}",
        "forget": "forget: France",
        "checks": "checks: {walk: {ask: toy_walk, limit: 5%}}",
    }

    def around(**changed: str) -> str:
        return "\n".join(filter(None, {**lines, **changed}.values())) + "\n"

    return around
