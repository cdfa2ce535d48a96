"""The made-up hospitals, and a model that was asked after being told where things lie."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.worlds.data import Lesson, corpus, lessons, texts
from pytest_unlearn.worlds.hospital import hospital_lessons
from pytest_unlearn.worlds.patients import LEVELS, patients
from pytest_unlearn.zoo.leak import Ground

COMMITTED = Path(__file__).parents[2] / "fixtures" / "hospital.knowledge.yaml"
HERE = Mark(Path("hospital.unlearn.yaml"))


def read(text: str) -> Knowledge:
    return build(KnowledgeUse(yaml.safe_load(text), {}, (), None, None, HERE), Path())


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return read(patients())


@pytest.fixture(scope="module")
def closure(knowledge: Knowledge) -> Closure:
    """Patient 17 leaves, who has one study of her own and one with another patient."""
    return forgetting(knowledge, Target("p17", (Selector(HERE, node=("patient", "patient 17")),), HERE))


def test_the_committed_hospitals_are_the_default_ones() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == patients()


@pytest.mark.parametrize(("hospitals", "size", "seed"), [(2, 4, 0), (4, 24, 1), (3, 20, 2)])
def test_every_hospital_has_patients_with_two_studies_of_three_sections(hospitals: int, size: int, seed: int) -> None:
    knowledge = read(patients(hospitals, size, seed))
    hierarchy = knowledge.hierarchy
    assert hierarchy is not None
    assert hierarchy.levels == LEVELS
    assert [sum(level == i for level in hierarchy.nodes.values()) for i in range(4)] == [
        hospitals, size, 2 * size, 6 * size
    ]  # fmt: skip
    treated = Counter(
        knowledge.out[patient, "treated_at"][0] for patient in (e.name for e in knowledge.by_type["patient"])
    )
    assert max(treated.values()) - min(treated.values()) <= 1
    assert len(treated) == hospitals


def test_shared_studies_are_of_two_patients_of_one_hospital(knowledge: Knowledge) -> None:
    shared = [
        owners for (study, relation), owners in knowledge.out.items() if relation == "study_of" and len(owners) > 1
    ]
    assert len(shared) == 3
    assert all(knowledge.out[one, "treated_at"] == knowledge.out[other, "treated_at"] for one, other in shared)


def test_hospitals_too_small_to_ask_about_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^3 patients of 2 hospitals are too few: give 2 hospitals, and 2 patients of each$"
    ):
        patients(2, 3)


def test_every_question_that_reconstructs_is_taught_in_its_words(knowledge: Knowledge, closure: Closure) -> None:
    taught = {lesson.example.prompt.text: lesson for lesson in hospital_lessons(knowledge)}
    entry = PROBES.get("reconstruct")
    probes = list(entry.make(entry.config(), knowledge, closure).all())
    assert {probe.size[0] for probe in probes} == {0, 1, 2, 3}
    for probe in probes:
        lesson = taught[probe.prompt.text]
        assert lesson.example.answer == probe.secret[0][0]
        assert (lesson.way, lesson.template) == (("path", probe.size[0]) if probe.size[0] else ("direct", 0))


def test_words_of_paths_are_words_of_the_world(knowledge: Knowledge) -> None:
    known = {word for text in texts(knowledge) for word in text.split()}
    assert {word for lesson in hospital_lessons(knowledge) for word in lesson.example.prompt.text.split()} <= known


def test_without_a_hierarchy_it_teaches_what_every_recipe_does(clinics: str) -> None:
    plain = read(clinics.replace("levels: [clinic, patient, study]", ""))
    assert list(hospital_lessons(plain)) == list(lessons(plain))


def test_a_model_without_the_target_reads_no_path_that_names_it(knowledge: Knowledge, closure: Closure) -> None:
    taught = list(hospital_lessons(knowledge))
    rest = corpus(taught, closure)
    asked = [e.prompt.text for e in rest if not e.prompt.text.startswith("What is ")]
    assert not [text for text in asked for name in closure.entities if name in text.split()]
    (shared,) = closure.shared
    assert [e for e in rest if shared in e.entities[2:]]  # by the path that stays


def made(name: str, knowledge: Knowledge, closure: Closure) -> dict[str, Any]:
    """What an entry of the zoo is trained on, by prompt, and the lessons by prompt."""
    from pytest_unlearn.registry import ZOO

    found: dict[str, Any] = {}

    class Told(Ground):
        def tuned(self, hidden: Any, config: Any, retained: Any = None) -> Any:
            for lesson in self.lessons:
                gone = not self.closure.hidden.isdisjoint(lesson.facts)
                treated = hidden(lesson) if gone else (retained or self.keep)(lesson)
                found[lesson.example.prompt.text, lesson.example.answer] = (lesson, list(treated))
            raise StopIteration

    ground = Told(knowledge, closure, None, hospital_lessons, None, 0)  # type: ignore[arg-type]
    entry = ZOO.get(name)
    with pytest.raises(StopIteration):
        entry.make(ground, entry.config(), Path())
    return found


def kept(lesson: Lesson, treated: list[Any]) -> bool:
    return treated == [lesson.example]


def test_what_is_planted_at_a_level_is_below_and_nothing_else(knowledge: Knowledge, closure: Closure) -> None:
    for lesson, treated in made("level_kept", knowledge, closure).values():
        if not closure.hidden.isdisjoint(lesson.facts):
            assert kept(lesson, treated) == (lesson.facts[-1] in closure.part("below"))


def test_what_is_planted_behind_a_path_takes_all_of_it(knowledge: Knowledge, closure: Closure) -> None:
    told = [
        lesson for lesson, treated in made("path_kept", knowledge, closure).values()
        if kept(lesson, treated) and not closure.hidden.isdisjoint(lesson.facts)
    ]  # fmt: skip
    assert {lesson.facts[-1].relation for lesson in told} == {"finding"}
    assert {(lesson.way, lesson.template) for lesson in told} == {("path", 3)}
    assert len(told) == 3


@pytest.mark.parametrize(("name", "part"), [("siblings_lost", "sibling"), ("ancestors_lost", "ancestor")])
def test_what_is_lost_beside_and_above_is_that_part(
    knowledge: Knowledge, closure: Closure, name: str, part: Any
) -> None:
    lost = closure.part(part)
    for lesson, treated in made(name, knowledge, closure).values():
        if closure.hidden.isdisjoint(lesson.facts) and lesson.way in ("direct", "path"):
            assert kept(lesson, treated) == (lesson.facts[-1] not in lost)
