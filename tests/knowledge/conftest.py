"""Small worlds from YAML text, and what forgetting something in them takes along."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target

World = Callable[..., Knowledge]
Forget = Callable[..., Closure]

AT = Mark(Path("some.unlearn.yaml"), 3, 5)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """`world(yaml text, ..., relations=None)`: the knowledge of one or more files."""
    folder, numbers = tmp_path_factory.mktemp("worlds"), count()

    def made(*texts: str, relations: tuple[str, ...] | None = None, body: dict[str, Any] | None = None) -> Knowledge:
        include = []
        for text in texts:
            path = folder / f"{next(numbers)}.knowledge.yaml"
            path.write_text(text, encoding="utf-8")
            include.append((path, AT))
        return build(KnowledgeUse(body or {}, {}, tuple(include), None, relations, AT), folder)

    return made


@pytest.fixture(scope="session")
def complaints(world: World) -> Callable[..., list[str]]:
    """The mistakes of such files, each as `line:column message`."""

    def told(*texts: str, **options: Any) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            world(*texts, **options)
        return [f"{one.mark.line}:{one.mark.column} {one.message}" for one in caught.value.problems]

    return told


@pytest.fixture(scope="session")
def forget() -> Forget:
    """`forget(knowledge, *entities)`, or with the keys of one selector."""

    def made(knowledge: Knowledge, *entities: str, **keys: Any) -> Closure:
        selectors = [Selector(AT, entity=name) for name in entities]
        if keys:
            selectors.append(Selector(AT, **keys))
        return forgetting(knowledge, Target("request", tuple(selectors), AT))

    return made
