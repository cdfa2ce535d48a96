"""What every unlearning method must do, on a Llama of two layers with random weights."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from annotated_types import Ge, Gt, Le
from pydantic import TypeAdapter
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pytest_unlearn.errors import MethodError, ScenarioError
from pytest_unlearn.methods import loop
from pytest_unlearn.methods.data import Data, Example, LoopConfig, Need
from pytest_unlearn.methods.sampler import EncodedSet
from pytest_unlearn.methods.terms import Rows
from pytest_unlearn.registry import METHODS
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.subjects.requests import Prompt, Score

NAMES = METHODS.names()
TRAINS = [name for name in NAMES if name not in {"none", "retrain"}]
CPU = Placement(torch.device("cpu"), torch.float32)
FORGET = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome"}
RETAIN = {"Japan": "Tokyo", "Chile": "Santiago", "Egypt": "Cairo", "Kenya": "Nairobi", "Canada": "Ottawa"}
QUESTION = "What is the capital of {}?"


def _examples(capitals: dict[str, str]) -> tuple[Example, ...]:
    return tuple(
        Example(Prompt.of(QUESTION.format(land)), city, f"{land} capital {city}", (land,))
        for land, city in capitals.items()
    )


DATA = Data(
    _examples(FORGET),
    _examples(RETAIN),
    _examples({"Peru": "Lima"}),
    ("I do not know.",),
    _examples({"France": "Nice", "Spain": "Toledo", "Italy": "Milan"}),
)


@cache
def _tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of about 300 entries, trained on the questions."""
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    plain.train_from_iterator([f"{e.prompt.text} {e.answer}" for e in (*DATA.forget, *DATA.retain)], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")


@cache
def _subject(seed: int = 0) -> FromScratch:
    """One subject for all tests: that no method changes it is tested below."""
    tokenizer = _tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
            )
        )  # fmt: skip
    return FromScratch.of(model, tokenizer, CPU)


@cache
def _knowing() -> LocalSubject:
    """The same, trained to know all capitals."""
    return _made("finetune", _subject(), data=Data((), (*DATA.forget, *DATA.retain)), steps=80, lr=3e-3, batch=8)


class FromScratch(LocalSubject):
    """A model whose recipe is known: random weights."""

    def remake(self, data: Data, seed: int) -> LocalSubject:
        return _subject(seed + 1)


def _config(name: str, **more: Any) -> Any:
    kind = METHODS.get(name).config
    return kind(**{"steps": 3, "lr": 1e-2, "batch": 2, **more}) if issubclass(kind, LoopConfig) else kind()


def _made(name: str, subject: LocalSubject, seed: int = 0, data: Data = DATA, **more: Any) -> LocalSubject:
    made: LocalSubject = METHODS.get(name).make(subject, data, _config(name, **more), seed)
    return made


def _scores(subject: LocalSubject) -> list[tuple[float, ...]]:
    asked = [Score(e.prompt, (e.answer,)) for e in (*DATA.forget, *DATA.retain)]
    return [answer.logp for answer in subject.answer(asked)]


@pytest.mark.parametrize("name", NAMES)
def test_it_registers_the_name_of_its_file_and_says_what_it_needs(name):
    entry = METHODS.get(name)
    assert entry.make.__module__ == f"pytest_unlearn.methods.{name}"
    assert entry.facts["needs"] <= set(Need)
    assert entry.facts["reach"] in {"weights", "wrapper"}
    assert entry.facts["version"] >= 1


@pytest.mark.parametrize("name", NAMES)
def test_its_config_is_frozen_and_its_defaults_lie_in_its_ranges(name):
    config = METHODS.get(name).config()
    assert METHODS.get(name).config.__dataclass_params__.frozen
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    assert TypeAdapter(type(config)).validate_python(fields) == config
    assert config.__doc__
    assert not config.__doc__.startswith(type(config).__name__)


@pytest.mark.parametrize("name", NAMES)
def test_its_docstring_gives_paper_needs_formula_failure_and_example(name):
    doc = sys.modules[METHODS.get(name).make.__module__].__doc__ or ""
    for part in ("\nPaper: ", "\nNeeds: ", "\nWhen it fails: ", "\nWorked example"):
        assert part in doc
    formulas = [line for line in doc.split("\n") if line.startswith("    ") and " = " in line]
    assert formulas, "no indented line with an equation"
    assert "three" in doc.partition("\nWorked example")[2]


def test_looking_a_method_up_loads_nothing_heavy():
    code = (
        "import sys; from pytest_unlearn.registry import METHODS\n"
        "for name in METHODS.names():\n"
        "    METHODS.get(name).config()\n"
        "    print(name, *({'torch', 'transformers', 'peft', 'numpy', 'scipy', 'rich'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split("\n") == [*NAMES, ""]


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_another_subject_and_leaves_the_original_as_it_was(name):
    original = _subject()
    before, weights = _scores(original), FromScratch.of(*_taken(original), CPU).digest
    made = _made(name, original)
    assert (made.digest != original.digest) is (name != "none")
    assert (_scores(made) != before) is (name != "none")
    assert FromScratch.of(*_taken(original), CPU).digest == weights == original.digest
    assert _scores(original) == before


def _taken(subject: LocalSubject) -> tuple[Any, Any]:
    with subject.open() as opened:
        return opened.module, opened.tokenizer


@pytest.mark.parametrize("name", NAMES)
def test_what_it_makes_answers_the_same_after_saving_and_loading(name, tmp_path):
    made = _made(name, _subject())
    with made.open() as opened:
        opened.save(tmp_path)
    loaded = LocalSubject(tmp_path, CPU)
    assert _scores(loaded) == _scores(made)
    assert not any("lora" in weight for weight, _ in _taken(loaded)[0].named_parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_makes_the_same_weights_to_the_bit(name):
    assert _made(name, _subject(), seed=3).digest == _made(name, _subject(), seed=3).digest


@pytest.mark.parametrize("name", TRAINS)
@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_its_seed_decides_and_the_world_s_random_numbers_do_not(name, trainable):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = _made(name, _subject(), seed=1, trainable=trainable)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert _made(name, _subject(), seed=1, trainable=trainable).digest == first.digest
    assert _made(name, _subject(), seed=2, trainable=trainable).digest != first.digest


@pytest.mark.parametrize("name", TRAINS)
def test_a_set_that_it_needs_and_that_is_empty_is_named(name):
    for need in METHODS.get(name).facts["needs"] - {Need.ORIGINAL}:
        with pytest.raises(MethodError, match="empty"):
            _made(name, _subject(), data=dataclasses.replace(DATA, **{need.value: ()}))


@pytest.mark.parametrize("name", TRAINS)
def test_a_model_in_a_folder_is_trained_as_one_in_memory(name, tmp_path):
    with _subject().open() as opened:
        opened.save(tmp_path)
    files = {path.name: path.read_bytes() for path in Path(tmp_path).iterdir()}
    folder = LocalSubject(tmp_path, CPU)
    digest, before = folder.digest, _scores(folder)
    made = _made(name, folder)
    assert _scores(made) == _scores(_made(name, _subject()))
    assert (folder.digest, _scores(folder)) == (digest, before)
    assert {path.name: path.read_bytes() for path in Path(tmp_path).iterdir()} == files


@pytest.mark.parametrize("name", [name for name in TRAINS if Need.FORGET in METHODS.get(name).facts["needs"]])
def test_a_method_that_trains_on_the_forget_set_makes_its_answers_less_likely(name):
    """On a model that knows them: many objectives let an answer be that is unlikely already."""
    original = _knowing()
    made = _made(name, original, steps=12, lr=1e-3)
    before, after = (sum(logp for (logp,) in _scores(subject)[: len(FORGET)]) for subject in (original, made))
    assert before > -1
    assert after < before - 5


def _weights(subject: LocalSubject) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in _taken(subject)[0].parameters()])


def _moved(subject: LocalSubject, original: LocalSubject, other: LocalSubject) -> float:
    """How far apart two subjects are, as a share of how far the first is from the original."""
    one, start, two = map(_weights, (subject, original, other))
    return ((one - two).norm() / (one - start).norm()).item()


@pytest.mark.parametrize("name", TRAINS)
@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_at_a_learning_rate_of_nought_it_is_the_identity(name, trainable):
    assert _made(name, _subject(), lr=0.0, trainable=trainable).digest == _subject().digest


@pytest.mark.parametrize("name", TRAINS)
def test_the_side_of_the_padding_makes_no_difference(name, monkeypatch):
    """One plain step: what rounding changes in a gradient, AdamW would blow up where a gradient is near 0."""
    config = {"steps": 1, "lr": 1.0, "batch": 3, "optimiser": "sgd"}
    right = _made(name, _knowing(), **config)
    cut = EncodedSet.rows
    flipped = []

    def left(self: EncodedSet, at: Any, step: Any) -> Rows:
        rows = cut(self, at, step)
        shifts = (rows.batch.mask.shape[1] - rows.batch.mask.sum(1)).tolist()
        flipped.append(any(shifts))
        batch = TextBatch(*(
            torch.stack([row.roll(shift) for row, shift in zip(part, shifts, strict=True)])
            for part in (rows.batch.ids, rows.batch.mask, rows.batch.labels)
        ))  # fmt: skip
        return dataclasses.replace(rows, batch=batch)

    monkeypatch.setattr(EncodedSet, "rows", left)
    assert _moved(right, _knowing(), _made(name, _knowing(), **config)) < 1e-3
    assert any(flipped)


@pytest.mark.parametrize("name", TRAINS)
def test_a_step_in_pieces_moves_the_weights_as_one_large_batch_does(name, monkeypatch):
    config = {"steps": 2, "lr": 0.1, "batch": 3, "optimiser": "sgd"}
    whole = _made(name, _knowing(), **config)
    plain, pieces = loop.in_pieces, []

    def small(sets: Any, steps: Any, tokens_at_once: int) -> Any:
        for step in plain(sets, steps, 1):
            pieces.append(len(step))
            yield step

    monkeypatch.setattr(loop, "in_pieces", small)
    assert _moved(whole, _knowing(), _made(name, _knowing(), **config)) < 1e-3
    assert set(pieces) == {3}


def _outside(config: type) -> list[tuple[str, float, str]]:
    """For each option with a range a number outside of it, and how the range is told."""
    found = []
    for key, hint in typing.get_type_hints(config, include_extras=True).items():
        parts = [hint, *typing.get_args(hint)]  # `Annotated[...] | None` has its range inside
        for bound in (bound for part in parts for bound in getattr(part, "__metadata__", ())):
            match bound:
                case Gt(gt=limit):
                    found.append((key, limit, f"must be above {limit}"))
                case Ge(ge=limit):
                    found.append((key, limit - 1, f"must be at least {limit}"))
                case Le(le=limit):
                    found.append((key, limit + 1, f"must be at most {limit}"))
    return found


BAD = [(name, *bad) for name in NAMES for bad in _outside(METHODS.get(name).config)]


@pytest.mark.parametrize(("name", "key", "value", "told"), BAD)
def test_an_option_outside_of_its_range_is_refused_with_the_range_at_its_place(name, key, value, told, tmp_path):
    path = tmp_path / "a.unlearn.yaml"
    path.write_text(
        f"version: 1\nmodel:\n  original: x\n  candidate:\n    method: {name}\n    {key}: {value}\n"
        "knowledge: {source: countries}\nforget: France\nchecks: {direct: {ask: direct, limit: 5%}}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, tmp_path)
    (problem,) = caught.value.problems
    assert (problem.mark.line, problem.message.partition(":")[0]) == (6, told)


def test_every_method_that_trains_has_options_with_a_range():
    assert {name for name, *_ in BAD} == set(TRAINS)
