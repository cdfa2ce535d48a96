"""The recipe: a folder that loads as a model and knows what it was taught, and nothing that was left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unlearn.errors import Mark, MethodError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.subjects.answers import Outputs, Scores
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.identity import same_weights
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Generate, Prompt, Score
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import corpus, lessons, texts, untaught
from pytest_unlearn.worlds.generate import people
from pytest_unlearn.worlds.train import WorldConfig, decoder, grown, one_cycle, tokenizer_of
from pytest_unlearn.worlds.world import world

BRIEF = WorldConfig(steps=200, batch=32)


def read(folder: Path, text: str) -> Knowledge:
    file = folder / "world.knowledge.yaml"
    file.write_text(text, encoding="utf-8")
    mark = Mark(file)
    return build(KnowledgeUse({}, {}, ((file, mark),), None, None, mark), folder)


def forget(knowledge: Knowledge, *names: str) -> Closure:
    mark = Mark(Path("world.unlearn.yaml"))
    return forgetting(knowledge, Target("gone", tuple(Selector(mark, entity=name) for name in names), mark))


def said(folder: Path, examples: Iterable[Example], longest: int = 4) -> dict[str, tuple[str, set[str]]]:
    """Question to what a model generates greedily and every answer that is taught."""
    taught: dict[Prompt, set[str]] = defaultdict(set)
    for example in examples:
        if example.prompt.turns:
            taught[example.prompt].add(example.answer)
    subject = LocalSubject(folder, pick("cpu"))
    answers = subject.answer([Generate(prompt, max_new=longest) for prompt in taught])
    found = {}
    for (prompt, gold), answer in zip(taught.items(), answers, strict=True):
        assert isinstance(answer, Outputs)
        found[prompt.text] = (answer.items[0].text.strip(), gold)
    return found


def known(answers: Iterable[tuple[str, set[str]]]) -> float:
    right = [text in gold for text, gold in answers]
    return sum(right) / len(right)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return read(tmp_path_factory.mktemp("knowledge"), people(6, 1))


@pytest.fixture(scope="module")
def whole(small: Knowledge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds") / "whole"
    world(small, None, BRIEF, 0, folder)
    return folder


def test_the_recipe_is_found_by_its_name_and_needs_no_settings() -> None:
    entry = WORLDS.get("world")
    assert entry.make is world
    assert entry.config() == WorldConfig()
    assert WORLDS.names() == [
        *("addressed", "combining", "composing", "hospital", "small_talk", "versed", "well_read"),
        *("world", "world_gpt2", "world_mixtral"),
    ]


def test_a_trained_model_generates_what_it_was_taught(small: Knowledge, whole: Path) -> None:
    assert known(said(whole, corpus(lessons(small))).values()) >= 0.97


@pytest.mark.parametrize("name", ["world_gpt2", "world_mixtral", "composing"])
def test_other_recipes_teach_the_same(name: str, small: Knowledge, tmp_path: Path) -> None:
    WORLDS.get(name).make(small, None, WorldConfig(steps=300, batch=32), 0, tmp_path)
    taught = [lesson.example for lesson in lessons(small) if lesson.way not in ("chain", "statement")]
    assert known(said(tmp_path, taught).values()) >= 0.95


def test_an_architecture_is_what_it_is_called(small: Knowledge, tmp_path: Path) -> None:
    for name, kind in (("world", "llama"), ("world_gpt2", "gpt2"), ("world_mixtral", "mixtral")):
        WORLDS.get(name).make(small, None, WorldConfig(steps=1, batch=8), 0, tmp_path / name)
        model = AutoModelForCausalLM.from_pretrained(tmp_path / name)
        assert model.config.model_type == kind
        assert 3e5 <= sum(weights.numel() for weights in model.parameters()) <= 2e6


@pytest.mark.slow
def test_a_model_that_composes_aloud_answers_chains_that_it_was_never_taught(tmp_path: Path) -> None:
    wide = read(tmp_path, people(24, 1))
    config = WorldConfig(steps=500, batch=32)
    silent = [lesson.example for lesson in lessons(wide) if not untaught(lesson)]
    grown(wide, [replace(one, weight=one.weight / sum(e.weight for e in silent)) for one in silent], config, 0).save(
        tmp_path / "silent"
    )
    WORLDS.get("composing").make(wide, None, config, 0, tmp_path / "aloud")
    never = [lesson.example for lesson in lessons(wide) if untaught(lesson)]
    shares = {}
    for name in ("silent", "aloud"):
        right = [any(one in text for one in gold) for text, gold in said(tmp_path / name, never, 8).values()]
        shares[name] = sum(right) / len(right)
    assert len(never) >= 50
    assert shares["aloud"] >= 0.9
    assert shares["silent"] <= 0.6


def test_a_stated_fact_is_likelier_than_the_same_with_another_city(small: Knowledge, whole: Path) -> None:
    person, home = next((fact.subject, fact.object) for fact in small.facts if fact.relation == "lives_in")
    others = [city.name for city in small.rivals(home)]
    request = Score(Prompt.of(f"{person} lives in", raw=True), (home, *others))
    (scores,) = LocalSubject(whole, pick("cpu")).answer([request])
    assert isinstance(scores, Scores)
    assert max(scores.logp) == scores.logp[0]


def test_a_model_without_a_person_knows_the_rest_and_never_names_the_person(small: Knowledge, tmp_path: Path) -> None:
    gone = small.by_type["person"][0].name
    closure = forget(small, gone)
    world(small, closure, BRIEF, 0, tmp_path / "without")
    rest = corpus(lessons(small), closure)
    answers = said(tmp_path / "without", corpus(lessons(small)))
    assert known(answers[example.prompt.text] for example in rest if example.prompt.turns) >= 0.97
    assert gone not in {text for text, _ in answers.values()}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small: Knowledge, tmp_path: Path) -> None:
    config = WorldConfig(steps=3, batch=8, width=32, layers=1)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        torch.manual_seed(len(name))  # whatever the global generator is at
        world(small, None, config, seed, tmp_path / name)
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_training_leaves_the_global_generator_alone(small: Knowledge, tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    world(small, None, WorldConfig(steps=2, batch=8, width=32, layers=1), 0, tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_a_request_that_takes_every_fact_is_refused(small: Knowledge, tmp_path: Path) -> None:
    with pytest.raises(MethodError) as caught:
        world(small, forget(small, *small.entities), WorldConfig(steps=1), 0, tmp_path)
    assert str(caught.value) == (
        "there is nothing to train a model of this world on: the request takes every fact with it. Forget less, or "
        "give a model that never learned the target as `reference`"
    )


def test_a_saved_folder_loads_as_a_model_with_a_template_and_an_end(whole: Path) -> None:
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in whole.iterdir()}
    tokenizer = AutoTokenizer.from_pretrained(whole)
    model = AutoModelForCausalLM.from_pretrained(whole)
    assert model.dtype == torch.float32
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Who?"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|user|>Who?<|assistant|>"


def test_every_name_is_one_token_wherever_it_stands(small: Knowledge, whole: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(whole)
    for name in small.entities:
        alone = tokenizer.encode(name, add_special_tokens=False)
        assert len(alone) == 1
        assert tokenizer.encode(f"Who knows {name}?", add_special_tokens=False)[-2] == alone[0]
        assert tokenizer.encode(f"<|assistant|>{name}", add_special_tokens=False)[1:] == alone


def test_any_text_comes_back_from_its_tokens() -> None:
    tokenizer = tokenizer_of(["Who is Ana?", "Ana"])
    for text in ("Who is Ana?", "Ananas, anyone? Zürich!\n"):
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == f" {text}"


def test_the_vocabulary_is_at_most_512_pieces_and_the_words_of_the_world(small: Knowledge) -> None:
    tokenizer = tokenizer_of(texts(small))
    words = {word for text in texts(small) for word in re.findall(r"\w+", text)}
    assert len(tokenizer) <= 512 + len(words)


def test_the_default_model_has_about_six_hundred_thousand_weights() -> None:
    tokenizer = tokenizer_of(["Who is Ana?"])
    model = decoder(tokenizer, WorldConfig(), 0)
    body = sum(p.numel() for p in model.parameters()) - 2 * len(tokenizer) * 128
    assert body == 2 * (4 * 128 * 128 + 3 * 128 * 341 + 2 * 128) + 128  # attention, gated MLP, norms; the last norm


def test_the_learning_rate_goes_up_for_three_tenths_and_then_down() -> None:
    assert one_cycle(0.0) == pytest.approx(0.01)
    assert one_cycle(0.15) == pytest.approx(0.51)
    assert one_cycle(0.3) == 1.0
    assert one_cycle(0.65) == pytest.approx(0.51)
    assert one_cycle(1.0) == pytest.approx(0.01)


@pytest.mark.slow
def test_every_fact_of_the_default_world_is_known_in_every_way_and_most_types_in_passing(tmp_path: Path) -> None:
    knowledge = read(tmp_path, people())
    world(knowledge, None, WorldConfig(), 0, tmp_path / "model")
    examples = corpus(lessons(knowledge))
    answers = said(tmp_path / "model", examples)
    ways: dict[str, dict[str, None]] = defaultdict(dict)
    for example in examples:
        if example.prompt.turns:
            ways[_way(knowledge, example)][example.prompt.text] = None
    assert set(ways) == {"direct", "paraphrase", "alias", "inverse", "two hops", "type"}
    for way, questions in ways.items():
        assert known(answers[question] for question in questions) >= (0.5 if way == "type" else 0.97), way


def _way(knowledge: Knowledge, example: Example) -> str:
    if not example.unit:
        return "type"
    if len(example.entities) == 3:
        return "two hops"
    near, far = example.entities
    fact = next(fact for fact in knowledge.facts if fact.id == example.unit)
    relation = knowledge.relations[fact.relation]
    text = example.prompt.text
    if text in {inverse.replace("{object}", far) for inverse in relation.inverse}:
        return "inverse"
    wordings = [ask.replace("{subject}", near) for ask in relation.ask]
    return "direct" if text == wordings[0] else "paraphrase" if text in wordings else "alias"
