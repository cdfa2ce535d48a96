"""What a model knows, on a world that it was taught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.cli.draft import draft
from pytest_unlearn.cli.known import notes
from pytest_unlearn.errors import ScenarioError, UnlearnError
from pytest_unlearn.runner.known import CENSUS, KINDS, Share, known
from pytest_unlearn.runner.make import Maker
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.subjects.answers import Answer, Failed
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.protocol import Reach, Subject
from pytest_unlearn.subjects.requests import Request, Verb


class Silent:
    """A subject that can only generate, and ends every answer before it begins."""

    digest = "silent"
    can: frozenset[Verb] = frozenset({"generate"})
    reach: Reach = "weights"
    base: Subject | None = None

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        return (Failed("empty", "it says nothing") for _ in requests)

    def open(self) -> AbstractContextManager[Any]:
        raise AssertionError

    def close(self) -> None: ...


@pytest.fixture
def world(tmp_path: Path, world_text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "world.knowledge.yaml"
    file.write_text(world_text, encoding="utf-8")
    return file


@pytest.fixture
def view(world: Path) -> Scene:
    scenario = draft("fixture:world", None, world, None)
    return scene(scenario, scenario.targets[0], world.parent)


def test_a_model_knows_the_world_it_was_taught(world: Path, forgotten: tuple[str, ...]) -> None:
    scenario = draft("fixture:world", None, world, f"[{', '.join(forgotten[:2])}]")
    view = scene(scenario, scenario.targets[0], world.parent)
    maker = Maker(Settings(root=world.parent, folder=world.parent / ".unlearn"), pick("cpu"), Residency())
    shares = known(view.knowledge, view.closure, maker.original(view))
    assert [(share.kind, share.grader) for share in shares] == [(k, g) for k in KINDS for g in ("text", "rank")]
    assert all(share.asked == share.probes and share.silent == 0 for share in shares)
    assert all(share.known == share.units for share in shares if share.kind == "direct")
    assert all(share.known > 0.5 * share.units for share in shares)


def test_without_a_target_every_fact_is_hidden(view: Scene) -> None:
    assert view.closure.hidden == set(view.knowledge.facts)


def test_a_model_that_says_nothing_knows_nothing_and_is_asked_by_text_alone(view: Scene) -> None:
    (share,) = known(view.knowledge, view.closure, Silent(), kinds=["direct"])
    assert (share.grader, share.known, share.silent) == ("text", 0, share.asked)
    assert notes([share], 0.01)[-1] == (
        f"{share.asked} questions got no answer: not known here, and an `error` in a check."
    )


def test_a_sample_is_told(view: Scene) -> None:
    share = Share(
        "direct", "text", probes=CENSUS + 500, asked=CENSUS, units=900, right=frozenset(map(str, range(450))), silent=0
    )
    assert notes([share], 0.01)[2] == "direct: 2,000 of 2,500 questions asked"
    assert all(len(line) <= 80 for note in notes([share], 0.01) for line in note.splitlines())


def test_the_least_limit_is_the_bound_on_a_sample_without_a_leak() -> None:
    # 59 draws without a leak rule out 5 % at alpha 5 %: 1 - 0.05 ** (1 / 59) = 0.0495
    assert Share("direct", "text", 59, 59, 59, frozenset(map(str, range(59))), 0).least_limit(0.05) == pytest.approx(
        0.0495, abs=1e-4
    )


@pytest.mark.parametrize(
    ("source", "file", "target", "message"),
    [
        (None, None, None, "say what there is to know: --source countries, or --knowledge FILE"),
        ("countrys", None, None, "unknown knowledge source 'countrys' - did you mean 'countries'?"),
        (None, "none.yaml", None, "there is no knowledge file none.yaml"),
        (
            "countries",
            None,
            "{relaton: capital}",
            "--target:1:2: unknown key 'relaton' - did you mean 'relation'?\n    {relaton: capital}\n     ^",
        ),
    ],
)
def test_a_mistake_on_the_command_line_is_told(
    source: str | None, file: str | None, target: str | None, message: str
) -> None:
    with pytest.raises(UnlearnError) as caught:
        draft("m", source, Path(file) if file else None, target)
    assert str(caught.value) == message


def test_an_unknown_entity_of_a_target_is_placed_in_the_option(tmp_path: Path) -> None:
    scenario = draft("m", "countries", None, "[France, Jpan]")
    with pytest.raises(ScenarioError) as caught:
        scene(scenario, scenario.targets[0], tmp_path)
    assert str(caught.value).startswith("--target:1:10: unknown entity 'Jpan' - did you mean 'Japan'?")
