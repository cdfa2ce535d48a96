"""`unlearn` from Python, on a small model that learned four facts."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unlearn.cli.draft import draft
from pytest_unlearn.errors import MethodError, SubjectError, UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.methods import unlearn
from pytest_unlearn.registry import METHODS, PLUG_INS, WORLDS, Use
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.training.data import Data, Layers, LoraConfig
from pytest_unlearn.training.library import _examples

KNOWLEDGE = """\
entities: {Jane: person, John: person, Joan: person, Jack: person, Lyon: city, Turin: city, Oslo: city, Bern: city}
relations: {lives_in: {ask: ["Where does {subject} live?", "Which city is the home of {subject}?"]}}
facts: {lives_in: {Jane: Lyon, John: Turin, Joan: Oslo, Jack: Bern}}
"""
JANE = ("Where does Jane live?", "Lyon")
OTHERS = [("Where does John live?", "Turin"), ("Where does Joan live?", "Oslo"), ("Where does Jack live?", "Bern")]
BRIEF: dict[str, Any] = {"steps": 3, "lr": 1e-3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows where four people live."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "k.knowledge.yaml").write_text(KNOWLEDGE, encoding="utf-8")
    knowledge = build(draft("model", None, folder / "k.knowledge.yaml", None).knowledge, folder)
    world = WORLDS.get("world")
    world.make(knowledge, None, world.config(steps=100, width=64), 0, folder / "model")
    return folder / "model"


@pytest.fixture
def given(folder: Path) -> tuple[Any, Any]:
    """It and its tokenizer, as a person loads them."""
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def likelihood(subject: Subject, pair: tuple[str, str]) -> float:
    (answer,) = subject.answer([Score(Prompt.of(pair[0]), (pair[1],), end=True)])
    return answer.logp[0]  # type: ignore[union-attr]


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_answer_goes_and_the_others_stay(given: tuple[Any, Any]) -> None:
    made = unlearn(*given, forget=[JANE], retain=OTHERS, method="npo", steps=40, lr=1e-3, retain_weight=5)
    assert isinstance(made, Subject)
    assert likelihood(made, JANE) < -3
    assert all(likelihood(made, pair) > -1 for pair in OTHERS)
    assert type(made.model) is type(given[0]) and made.tokenizer is given[1]
    assert not same(weights(made.model), weights(given[0]))


def test_what_it_gives_is_a_model_like_any_other(given: tuple[Any, Any], tmp_path: Path) -> None:
    made = unlearn(*given, forget=[JANE], retain=OTHERS, method="grad_diff", **BRIEF)
    made.model.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert same(weights(again), weights(made.model))
    assert not made.model.training
    ids = made.tokenizer("Jane", return_tensors="pt").input_ids
    made.model(ids, labels=ids).loss.backward()  # and can be trained on


@pytest.mark.parametrize("trainable", ["all", "lora"])
@pytest.mark.parametrize("training", [True, False])
def test_the_model_that_is_given_stays_as_it_was(given: tuple[Any, Any], training: bool, trainable: str) -> None:
    model, tokenizer = given
    model.train(training)
    model.model.layers[0].train(not training)
    model.model.norm.weight.requires_grad_(False)
    before, modes = weights(model), [module.training for module in model.modules()]
    flags = [weight.requires_grad for weight in model.parameters()]
    made = unlearn(model, tokenizer, forget=[JANE], retain=OTHERS, method="npo", trainable=trainable, **BRIEF)
    assert same(weights(model), before)
    assert [module.training for module in model.modules()] == modes
    assert [weight.requires_grad for weight in model.parameters()] == flags
    assert [weight.requires_grad for weight in made.model.parameters()] == flags
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(module.training for module in made.model.modules())


def test_none_gives_another_model_with_the_same_weights(given: tuple[Any, Any]) -> None:
    made = unlearn(*given, forget=[], method="none")
    assert made.model is not given[0] and same(weights(made.model), weights(given[0]))


def test_the_seed_decides(given: tuple[Any, Any]) -> None:
    sets: dict[str, Any] = {"forget": [JANE, OTHERS[0]], "retain": OTHERS[1:], "method": "npo", "batch": 1}
    one, again, other = (weights(unlearn(*given, **sets, **BRIEF, seed=seed).model) for seed in (1, 1, 2))
    assert same(one, again) and not same(one, other)


def test_it_makes_what_a_scenario_makes(folder: Path, given: tuple[Any, Any]) -> None:
    entry = METHODS.get("npo")
    made = unlearn(*given, forget=[JANE], retain=OTHERS, method="npo", **BRIEF, lora={"rank": 2})
    original = LocalSubject(folder, made.placement)
    sets = Data(_examples("forget", [JANE]), _examples("retain", OTHERS))
    by_entry = entry.make(original, sets, entry.config(**BRIEF, lora=LoraConfig(rank=2)), 0)
    assert same(weights(made.model), weights(by_entry.model))


def test_a_system_prompt_is_trained_with(given: tuple[Any, Any]) -> None:
    plain, prompted = (
        unlearn(*given, forget=[JANE], method="grad_ascent", system=system, **BRIEF) for system in (None, "Be brief.")
    )
    assert prompted.system == "Be brief." and not same(weights(plain.model), weights(prompted.model))


def test_texts_are_trained_on_as_they_are_in_pieces() -> None:
    long = " ".join(f"w{i}" for i in range(130))
    first, second, pair = _examples("forget", [long, ("q?", "a")])
    assert (first.prompt, second.prompt) == (Prompt((), raw=True),) * 2
    assert f"{first.answer} {second.answer}" == long
    assert first.unit == second.unit != pair.unit
    assert (pair.prompt, pair.answer) == (Prompt.of("q?"), "a")
    assert _examples("forget", [pair]) == (pair,)


def test_dataclasses_and_mappings_say_the_same(given: tuple[Any, Any]) -> None:
    sets: dict[str, Any] = {"forget": [JANE], "method": "grad_ascent", **BRIEF}
    one, other = (unlearn(*given, **sets, trainable=some) for some in (Layers(layers=(0, 0)), {"layers": [0, 0]}))
    assert same(weights(one.model), weights(other.model))
    assert same(weights(one.model.model.layers[1]), weights(given[0].model.layers[1]))


def test_plug_ins_are_named_as_in_a_scenario(given: tuple[Any, Any]) -> None:
    sets: dict[str, Any] = {"forget": [JANE], "retain": OTHERS, "method": "grad_diff", **BRIEF}
    average = PLUG_INS.get("weight_averaging").config(last=1.0)
    ways = [
        ["blur_bilevel", {"weight_averaging": {"last": 1.0}}],
        [{"blur_bilevel": {}, "weight_averaging": 1.0}],
        ("blur_bilevel", Use("weight_averaging", average)),
    ]
    first, *others = [weights(unlearn(*given, **sets, wrap=way).model) for way in ways]
    assert all(same(first, other) for other in others)
    assert not same(first, weights(unlearn(*given, **sets, wrap="blur_bilevel").model))
    assert not same(first, weights(unlearn(*given, **sets, wrap=Use("weight_averaging", average)).model))
    plain = weights(unlearn(*given, **sets).model)
    assert not same(first, plain)
    assert same(plain, weights(unlearn(*given, **sets, wrap=[]).model))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"wrap": ["blur_bilvel"]},
            "unlearn(method='npo'):1:6: unknown plug-in 'blur_bilvel' - did you mean 'blur_bilevel'?",
        ),
        ({"wrap": [{"coreset": {"share": 2}}]}, "must be at most 1: 2 percent is 2% or 0.02"),
        ({"trainable": {"layers": []}}, "unlearn(method='npo'):1:11: must not be empty"),
        ({"trainable": {"layers": [1, 2, 3]}}, "unlearn(method='npo'):1:11: must have at most 2 items"),
        ({"trainable": {"modules": []}}, "unlearn(method='npo'):1:11: must not be empty"),
        ({"beta": -1.0}, "unlearn(method='npo'):1:6: must be above 0\n    beta=-1.0\n         ^"),
        (
            {"lr": 1e-3, "bta": 2},
            "unlearn(method='npo'):2:1: unknown key 'bta' - did you mean 'beta'?\n    bta=2\n    ^",
        ),
        ({"steps": 2.5}, "unlearn(method='npo'):1:7: expected a whole number, got 2.5"),
        ({"lora": {"rank": 0}}, "unlearn(method='npo'):1:6: must be at least 1\n    lora={'rank': 0}\n         ^"),
        ({"schedule": "linaer"}, "got 'linaer' - did you mean 'linear'?"),
    ],
)
def test_options_are_refused_in_the_words_of_a_scenario(
    options: dict[str, Any], told: str, given: tuple[Any, Any], tmp_path: Path
) -> None:
    with pytest.raises(MethodError) as caught:
        unlearn(*given, forget=[JANE], retain=OTHERS, method="npo", **options)
    assert told in str(caught.value)
    (tmp_path / "s.unlearn.yaml").write_text(
        f"version: 1\nmodel: {{original: m, candidate: {{method: npo, {str(options)[1:]}}}\n"
        "knowledge: {source: countries}\nforget: France\nchecks: {d: {ask: direct, limit: 5%}}\n"
    )
    with pytest.raises(UnlearnError) as scenario:
        load_scenario(tmp_path / "s.unlearn.yaml", tmp_path)
    message = str(caught.value).split("\n")[0].split(": ", 1)[1]
    assert message in str(scenario.value)


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ({"forget": "Jane lives in Lyon."}, "`forget` is one text: put it into a list"),
        ({"forget": [JANE, ""]}, "`forget[1]` must be a text or a (question, answer) pair, got ''"),
        (
            {"forget": [JANE], "retain": [("a", "b", "c")]},
            "`retain[0]` must be a text or a (question, answer) pair, got ('a', 'b', 'c')",
        ),
        ({"forget": [JANE]}, "method 'npo' needs a retain set: give `retain=` with something in it"),
    ],
)
def test_sets_that_cannot_be_used_are_refused(sets: dict[str, Any], told: str, given: tuple[Any, Any]) -> None:
    with pytest.raises(MethodError) as caught:
        unlearn(*given, **sets, method="npo")
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "ceu", "wrap": "blur_bilevel"}, "plug-in 'blur_bilevel' needs a retain set: give `retain=` with"),
        ({"method": "undial", "retain_weight": 1.0}, "method 'undial' needs a retain set: give `retain=` with"),
    ],
)
def test_what_an_option_needs_is_needed_too(options: dict[str, Any], told: str, given: tuple[Any, Any]) -> None:
    with pytest.raises(MethodError) as caught:
        unlearn(*given, forget=[JANE], **options)
    assert str(caught.value) == f"{told} something in it"


def test_a_method_that_is_not_there_is_told_with_the_nearest(given: tuple[Any, Any]) -> None:
    with pytest.raises(UnlearnError) as caught:
        unlearn(*given, forget=[JANE], method="npi")
    assert str(caught.value) == "unknown method 'npi' - did you mean 'npo'?"


def test_a_model_that_is_spread_out_is_refused(given: tuple[Any, Any]) -> None:
    model = copy.deepcopy(given[0])
    model.model.norm.to("meta")
    with pytest.raises(SubjectError) as caught:
        unlearn(model, given[1], forget=[JANE], method="grad_ascent")
    assert str(caught.value) == "the model must be on one device, and its weights are on cpu, meta"


def test_a_subject_of_a_folder_has_its_model_too(folder: Path, given: tuple[Any, Any]) -> None:
    subject = LocalSubject(folder, unlearn(*given, forget=[], method="none").placement)
    assert same(weights(subject.model), weights(given[0]))
    assert subject.tokenizer.get_vocab() == given[1].get_vocab()


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"torch", "transformers", "peft", "pydantic", "networkx", "numpy", "yaml", "hypothesis"}
    code = f"import sys; from pytest_unlearn.methods import unlearn; print(*{heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
