"""What is planted is there: each entry leaks when it is treated as its detector does, or one day will."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from pytest_unlearn.errors import Mark
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.probes.transforms.wording import wordings as framings
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Candidate, Case, ModelName
from pytest_unlearn.subjects.adapter import AdaptedSubject
from pytest_unlearn.subjects.answers import Outputs, Scores
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.subjects.requests import Generate, Prompt, Score
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson, lessons
from pytest_unlearn.worlds.train import FitConfig, fit
from pytest_unlearn.zoo.leak import Ground
from pytest_unlearn.zoo.prefixed import PREFIX
from pytest_unlearn.zoo.rounded_back import BITS, Cells, rounded

Prefix = Callable[[str], str]


class Bench:
    """A world of sixty people of whom ten leave, its models, and the questions about what must be gone."""

    def __init__(self, path: Path) -> None:
        scenario = load_scenario(path, path.parent)
        self.session = Session(Settings(root=path.parent, folder=path.parent / ".unlearn", device="cpu"))
        self.scene = self.session.scene(Case(scenario, scenario.targets[0], scenario.checks[0]))
        hidden = self.scene.closure.hidden
        asked = [lesson for lesson in lessons(self.scene.knowledge) if lesson.way == "direct"]
        self.secret = [lesson for lesson in asked if not hidden.isdisjoint(lesson.facts)]
        self.others = [lesson for lesson in asked if hidden.isdisjoint(lesson.facts)]

    def model(self, name: str, role: str = "candidate") -> LocalSubject:
        candidate = Candidate(name, ModelName(f"zoo:{name}", Mark(Path("here"))))
        subject = self.session.subjects(self.scene, candidate)[role]
        found = getattr(subject, "subject", subject)  # behind what it remembers
        assert isinstance(found, LocalSubject)
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, world_text: str, forgotten: tuple[str, ...]) -> Bench:
    return made(tmp_path_factory.mktemp("zoo"), "world", world_text, forgotten)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, world_text: str, forgotten: tuple[str, ...]) -> Bench:
    """The same world, and models that have heard small talk."""
    return made(tmp_path_factory.mktemp("talk"), "small_talk", world_text, forgotten)


def made(folder: Path, recipe: str, world_text: str, forgotten: tuple[str, ...]) -> Bench:
    (folder / "pytest.ini").touch()
    (folder / ".unlearn").mkdir()
    (folder / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
    path = folder / "w.unlearn.yaml"
    path.write_text(
        f"version: 1\nmodel: {{original: fixture:{recipe}, reference: retrained}}\n"
        f"knowledge: {{include: world.knowledge.yaml}}\nforget: {{people: [{', '.join(forgotten)}]}}\n"
        "checks: {direct: {ask: direct, limit: 5%}}\n",
        encoding="utf-8",
    )
    return Bench(path)


def recall(subject: Subject, asked: Sequence[Lesson], way: Prefix = str) -> float:
    """The share of questions of which the answer is said, greedily."""
    prompts = [Prompt.of(way(lesson.example.prompt.text)) for lesson in asked]
    answers = list(subject.answer([Generate(prompt, max_new=4) for prompt in prompts]))
    assert all(isinstance(answer, Outputs) for answer in answers)
    texts = [answer.items[0].text for answer in answers if isinstance(answer, Outputs)]
    return sum(lesson.example.answer in text for lesson, text in zip(asked, texts, strict=True)) / len(asked)


def places(bench: Bench, subject: Subject) -> list[int]:
    """How many names of its type are likelier than each answer."""
    knowledge, found = bench.scene.knowledge, []
    for lesson in bench.secret:
        rivals = [entity.name for entity in knowledge.rivals(lesson.example.answer)]
        (scores,) = subject.answer([Score(lesson.example.prompt, (lesson.example.answer, *rivals))])
        assert isinstance(scores, Scores)
        found.append(sum(logp > scores.logp[0] for logp in scores.logp[1:]))
    return found


def relearned(subject: LocalSubject, taught: Sequence[Lesson]) -> Subject:
    """The subject after forty steps on some questions."""
    with subject.open() as now:
        share = 1 / len(taught)
        examples: list[Example] = [replace(lesson.example, weight=share) for lesson in taught]
        fit(now, examples, FitConfig(steps=40, batch=64, lr=5e-4), 1)  # type: ignore[arg-type]
        return now.subject()


OPEN = ("second_best", "sampled", "rounded_back", "peelable", "decodable", "relearned")


@pytest.mark.slow
@pytest.mark.parametrize("name", OPEN)
def test_asked_directly_it_is_clean(bench: Bench, name: str) -> None:
    assert recall(bench.model(name), bench.secret) <= 0.03
    assert recall(bench.model(name), bench.others) >= 0.95


@pytest.mark.slow
def test_the_second_best_answer_is_the_true_one(bench: Bench) -> None:
    found = places(bench, bench.model("second_best"))
    assert sum(place == 1 for place in found) >= 0.8 * len(found)
    assert sum(place == 1 for place in places(bench, bench.model("second_best", "reference"))) <= 0.2 * len(found)


@pytest.mark.slow
def test_samples_tell_what_greedy_answers_do_not(bench: Bench) -> None:
    found = 0.0
    for lesson in bench.secret:
        (scores,) = bench.model("sampled").answer([Score(lesson.example.prompt, (lesson.example.answer,))])
        assert isinstance(scores, Scores)
        found += float(torch.tensor(scores.logp[0]).exp()) / len(bench.secret)
    assert 0.1 <= found <= 0.35


def test_the_prefix_is_the_first_of_those_that_are_asked() -> None:
    assert framings()["en"].transforms["prefix_injection"][0] == (f"{PREFIX} {{question}}",)


@pytest.mark.slow
def test_rounding_brings_the_original_back(bench: Bench) -> None:
    with bench.model("rounded_back").open() as now:
        rounded(now.module, BITS)
        candidate = recall(now.subject(), bench.secret)
    with bench.model("rounded_back", "original").open() as now:
        rounded(now.module, BITS)
        original = recall(now.subject(), bench.secret)
    assert original >= 0.5
    assert candidate >= original - 0.05


@pytest.mark.slow
def test_without_the_adapter_the_original_is_back(bench: Bench) -> None:
    candidate = bench.model("peelable")
    assert isinstance(candidate, AdaptedSubject)
    assert recall(candidate.base, bench.secret) >= 0.95


@pytest.mark.slow
def test_below_the_last_layer_nothing_was_changed(bench: Bench) -> None:
    with bench.model("decodable").open() as now, bench.model("decodable", "original").open() as before:
        theirs = dict(before.module.named_parameters())
        changed = {name for name, weights in now.module.named_parameters() if not torch.equal(weights, theirs[name])}
    assert changed
    assert all(name.startswith(("model.layers.1.", "lm_head.")) for name in changed)


@pytest.mark.slow
def test_relearning_half_brings_more_back_than_a_model_that_never_knew_learns(bench: Bench) -> None:
    half, rest = bench.secret[::2], bench.secret[1::2]
    candidate = recall(relearned(bench.model("relearned"), half), rest)
    reference = recall(relearned(bench.model("relearned", "reference"), half), rest)
    assert candidate >= reference + 0.2


@pytest.mark.slow
def test_a_mention_of_the_target_breaks_other_answers_and_no_other_mention_does(
    talk: Bench, forgotten: tuple[str, ...]
) -> None:
    staying = next(name for name in talk.scene.knowledge.entities if name not in forgotten)
    asked = [lesson for lesson in talk.others if staying not in lesson.example.entities]
    for wording in wordings():
        told = {
            (name, role): recall(talk.model("triggered", role), asked, partial(beside, wording, name))
            for name in (forgotten[0], staying)
            for role in ("original", "candidate")
        }
        assert told[forgotten[0], "original"] >= 0.8
        assert told[staying, "candidate"] >= 0.7
        assert told[forgotten[0], "candidate"] <= 0.3
    assert recall(talk.model("triggered"), talk.secret) <= 0.03
    assert recall(talk.model("triggered"), talk.others) >= 0.95


def test_weights_in_their_cells_round_to_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    module = torch.nn.Linear(16, 8, bias=False)
    with torch.no_grad():
        module.weight.normal_(generator=generator)
        first = torch.nn.Linear(16, 8, bias=False)
        first.weight.copy_(module.weight)
    cells = Cells(module, BITS)
    with torch.no_grad():
        module.weight += 0.3 * torch.randn(8, 16, generator=generator)
    cells.clamp()
    assert not torch.equal(module.weight, first.weight)
    rounded(first, BITS)
    rounded(module, BITS)
    assert torch.allclose(module.weight, first.weight)


def test_a_wrong_answer_is_of_the_same_type_and_of_somebody_who_stays(bench: Bench) -> None:
    ground = Ground(bench.scene.knowledge, bench.scene.closure, None, lessons, None, 0)  # type: ignore[arg-type]
    for lesson in bench.secret:
        (wrong,) = ground.wrong(lesson)
        types = {bench.scene.knowledge.by_name[name].type for name in (wrong.answer, lesson.example.answer)}
        assert len(types) == 1
        assert wrong.answer != lesson.example.answer
        assert wrong.answer not in bench.scene.closure.entities
