"""What every unlearning method must do, on a Llama of two layers with random weights; the least of it on others too.

pytest collects this file for the methods of `--unlearn-contract`; without it the bundled ones are held to the same.
"""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.contract import names
from pytest_unlearn.contract.tiny import (
    BATCH,
    DATA,
    FORGET,
    OTHERS,
    STEPS,
    FromScratch,
    anew,
    apart,
    changed,
    config,
    cpu,
    knowing,
    llama,
    made,
    other,
    scores,
    subject,
    tokenizer,
    weights,
)
from pytest_unlearn.contract.world import shares, small_world
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.registry import METHODS
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.training.data import (
    ORIGINAL,
    REFERENCE,
    Layers,
    LoopConfig,
    Modules,
    Need,
    needs_of,
    passes,
)
from pytest_unlearn.training.library import config_of
from pytest_unlearn.training.resume import Checkpoint, resumable
from pytest_unlearn.training.sampler import EncodedSet, in_pieces
from pytest_unlearn.training.terms import Rows

HEAVY = frozenset({"torch", "transformers", "peft", "numpy", "scipy", "rich"})
ROUNDED = 0.1  # of a step; a bfloat16 has 8 bits, and what it rounds adds up over layers
PLAIN: dict[str, Any] = {"batch": 3, "optimiser": "sgd", "momentum": 0.0}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a `name` runs once a method."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", names(metafunc.config))


@pytest.fixture
def trained(name: str) -> str:
    """A method that the loop trains by."""
    if not issubclass(METHODS.get(name).config, LoopConfig):
        pytest.skip(f"'{name}' takes no steps of the loop")
    return name


def test_it_says_what_it_does_needs_and_reaches(name: str) -> None:
    entry = METHODS.get(name)
    assert entry.about
    assert entry.facts["needs"] <= set(Need)
    assert entry.facts["reach"] in {"weights", "wrapper"}
    assert entry.facts["version"] >= 1


def test_its_config_is_frozen_and_its_defaults_lie_in_its_ranges(name: str) -> None:
    entry = METHODS.get(name)
    defaults: Any = entry.config()
    assert defaults.__dataclass_params__.frozen
    assert config_of(entry, {field.name: getattr(defaults, field.name) for field in dataclasses.fields(defaults)}) == (
        defaults
    )
    assert entry.config.__doc__
    assert not entry.config.__doc__.startswith(f"{entry.config.__name__}(")


def test_a_number_out_of_its_range_is_refused_with_the_range(name: str) -> None:
    for key, value in _out_of_range(name):
        with pytest.raises(MethodError, match=r"must be (above|at least|below|at most) "):
            config_of(METHODS.get(name), {key: value})


def _out_of_range(name: str) -> Iterator[tuple[str, float]]:
    from pytest_unlearn.scenario.schema import options

    for key, told in options(METHODS.get(name).config).items():
        for one in (told, *told.get("anyOf", ())):
            beyond = {"minimum": -1, "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 0}
            yield from ((key, one[limit] + step) for limit, step in beyond.items() if limit in one)


def test_looking_it_up_loads_nothing_heavy(name: str) -> None:
    module = METHODS.get(name).make.__module__
    code = f"import sys, {module}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout == "\n"


def test_it_makes_another_subject_and_leaves_the_original_as_it_was(name: str) -> None:
    original = subject()
    before, digest = scores(original), anew(original)
    after = made(name)
    assert (after.digest != original.digest) is (name != "none")
    assert (scores(after) != before) is (name != "none")
    assert anew(original) == digest == original.digest
    assert scores(original) == before


def test_what_it_makes_answers_the_same_after_saving_and_loading(name: str, tmp_path: Path) -> None:
    after = made(name)
    with after.open() as opened:
        opened.save(tmp_path)
    loaded = LocalSubject(tmp_path, cpu())
    assert scores(loaded) == scores(after)
    assert not any("lora" in weight for weight in weights(loaded))


def test_a_seed_makes_the_same_weights_to_the_bit(name: str) -> None:
    assert made(name, seed=3).digest == made(name, seed=3).digest


@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_its_seed_decides_and_the_world_s_random_numbers_do_not(trained: str, trainable: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        state = torch.get_rng_state()
        first = made(trained, seed=1, trainable=trainable)
        assert torch.equal(torch.get_rng_state(), state)
        torch.manual_seed(2)
        assert made(trained, seed=1, trainable=trainable).digest == first.digest
    assert made(trained, seed=2, trainable=trainable).digest != first.digest


def test_a_set_that_it_needs_and_that_is_empty_is_named(trained: str) -> None:
    for need in METHODS.get(trained).facts["needs"] - {ORIGINAL, REFERENCE}:
        with pytest.raises(MethodError, match="empty"):
            made(trained, data=dataclasses.replace(DATA, **{need.value: ()}))


def test_a_set_that_it_does_not_declare_makes_no_difference(name: str) -> None:
    declared = needs_of(METHODS.get(name), config(name))
    others = set(Need) - declared - {ORIGINAL, REFERENCE}
    try:
        after = made(name, data=dataclasses.replace(DATA, **{need.value: () for need in others}))
    except Exception as error:
        needs = ", ".join(sorted(declared)) or "nothing"
        pytest.fail(f"'{name}' declares that it needs {needs}, and breaks down where there is nothing else: {error}")
    assert after.digest == made(name).digest


@pytest.mark.parametrize(
    "trainable", [Layers(layers=(1, 1)), Modules(modules=("mlp.down_proj",))], ids=["layer", "mlp"]
)
def test_it_changes_what_is_trainable_and_nothing_else(trained: str, trainable: Layers | Modules) -> None:
    words = ["layers.1."] if isinstance(trainable, Layers) else trainable.modules
    touched = changed(trained, trainable)
    assert touched
    assert {weight for weight in touched if not any(word in weight for word in words)} == set()


def test_adapters_change_linear_layers_and_not_the_head(trained: str) -> None:
    touched = changed(trained, "lora")
    assert touched
    assert {weight for weight in touched if not weight.endswith("_proj.weight")} == set()


def test_a_step_costs_what_is_declared(trained: str) -> None:
    read: list[float] = []
    for steps in (STEPS, 2 * STEPS):  # what is read once, whatever the steps, is the same in both
        rows: Counter[bool] = Counter()
        model = llama(0)
        model.model.embed_tokens.register_forward_pre_hook(
            lambda _, given, rows=rows: rows.update({torch.is_grad_enabled(): given[0].shape[0]})
        )
        made(trained, FromScratch.of(model, tokenizer(), cpu()), steps=steps)
        read.append(rows[True] + rows[False] / 3)
    cost = (read[1] - read[0]) / (STEPS * BATCH)
    assert cost == pytest.approx(passes(METHODS.get(trained)), rel=0.01), f"declare `cost={cost:g}`"


def test_a_model_in_a_folder_is_trained_as_one_in_memory(trained: str, tmp_path: Path) -> None:
    with subject().open() as opened:
        opened.save(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    folder = LocalSubject(tmp_path, cpu())
    digest, before = folder.digest, scores(folder)
    after = made(trained, folder)
    assert scores(after) == scores(made(trained))
    assert (folder.digest, scores(folder)) == (digest, before)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_one_that_trains_on_the_forget_set_makes_its_answers_less_likely(trained: str) -> None:
    if Need.FORGET not in METHODS.get(trained).facts["needs"]:
        pytest.skip(f"'{trained}' does not train on the forget set")
    original = knowing()
    taught = made(trained, original, steps=12, lr=1e-3)
    before, after = (sum(logp for (logp,) in scores(one)[: len(FORGET)]) for one in (original, taught))
    assert before > -1, "the model was to know the answers"
    assert after < before - 0.5  # nats; more than the noise of training on what is known


@pytest.mark.parametrize("kind", OTHERS)
def test_it_trains_other_architectures_too(trained: str, kind: str) -> None:
    """The same seed the same weights, finite, and at a learning rate of nought none other."""
    original = other(kind)
    after = made(trained, original, seed=1)
    assert after.digest != original.digest
    assert after.digest == made(trained, original, seed=1).digest
    assert all(bool(weight.isfinite().all()) for weight in weights(after).values())
    assert all(math.isfinite(logp) for (logp,) in scores(after))
    assert made(trained, original, lr=0.0).digest == original.digest


def test_cut_off_it_goes_on_to_the_same_weights(trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(trained)
    keep, kept = Checkpoint.keep, []

    def cut(self: Checkpoint, losses: list[dict[str, float]]) -> None:
        keep(self, losses)
        kept.append(len(losses))
        if len(kept) == 2:
            raise InterruptedError

    monkeypatch.setattr(Checkpoint, "keep", cut)
    with resumable(tmp_path / "left", every=0.0), pytest.raises(InterruptedError):
        made(trained)
    with resumable(tmp_path / "left", every=0.0):
        assert made(trained).digest == whole.digest
    assert kept == [1, 2, 3], "it did not go on where it was cut off"


def test_mixed_precision_moves_the_weights_as_full_precision_does(
    trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One plain step in which matrices multiply in bfloat16, as they do on CUDA."""
    full = made(trained, knowing(), **PLAIN, steps=1, lr=1.0)
    passed = []

    def mixed(*_: Any) -> Any:
        passed.append(True)
        return torch.autocast("cpu", dtype=torch.bfloat16)

    monkeypatch.setattr("pytest_unlearn.training.loop.precision", mixed)
    gap = apart(full, made(trained, knowing(), **PLAIN, steps=1, lr=1.0))
    assert passed
    assert 0 < gap < ROUNDED


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_on_a_device_half_precision_moves_the_answers_as_full_precision_does(trained: str, dtype: str) -> None:
    """Weights in half precision; those that train are in float32 meanwhile."""
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    found = []
    for kind, precision in ((torch.float32, "full"), (getattr(torch, dtype), "mixed")):
        with knowing().open() as opened:
            module = opened.module.to("cuda", kind)
        on_device = FromScratch.of(module, tokenizer(), Placement(torch.device("cuda"), kind))
        after = made(trained, on_device, **PLAIN, steps=1, lr=1.0, precision=precision)
        assert {weight.dtype for weight in weights(after).values()} == {kind}
        found.append(torch.tensor(scores(after)) - torch.tensor(scores(on_device)))
    assert (found[0] - found[1]).norm() < 0.2 * found[0].norm()


def test_recall_and_retention_on_a_small_world_lie_in_its_band(name: str) -> None:
    held(name, 0)


def held(name: str, seed: int) -> None:
    """Hold what a method makes of the small world to the band that it declares."""
    entry = METHODS.get(name)
    band = entry.facts["band"]
    if band is None:
        pytest.skip(f"'{name}' declares no band")
    original, data = small_world()
    budget = {"steps": 30, "batch": 8, "lr": 5e-4} if issubclass(entry.config, LoopConfig) else {}
    found = shares(entry.make(original, data, entry.config(**budget), seed))
    for what, share, (low, high) in zip(("recall", "retention"), found, (band.recall, band.retention), strict=True):
        assert low <= share <= high, f"its {what} is {share:.2f}, and its band says {low:g} to {high:g}"


@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_at_a_learning_rate_of_nought_it_is_the_identity(trained: str, trainable: str) -> None:
    assert made(trained, lr=0.0, trainable=trainable).digest == subject().digest


def test_the_side_of_the_padding_makes_no_difference(trained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One plain step: what rounding changes in a gradient, AdamW would blow up where a gradient is near 0."""
    right = made(trained, knowing(), **PLAIN, steps=1, lr=1.0)
    cut, flipped = EncodedSet.rows, []

    def left(self: EncodedSet, *given: Any) -> Rows:
        rows = cut(self, *given)
        shifts = (rows.batch.mask.shape[1] - rows.batch.mask.sum(1)).tolist()
        flipped.append(any(shifts))
        parts = (rows.batch.ids, rows.batch.mask, rows.batch.labels)
        moved = (torch.stack([row.roll(shift) for row, shift in zip(part, shifts, strict=True)]) for part in parts)
        return dataclasses.replace(rows, batch=TextBatch(*moved))

    monkeypatch.setattr(EncodedSet, "rows", left)
    assert apart(right, made(trained, knowing(), **PLAIN, steps=1, lr=1.0)) < 1e-3
    assert any(flipped)


def test_a_step_in_pieces_moves_the_weights_as_one_large_batch_does(
    trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(trained, knowing(), **PLAIN, steps=2, lr=0.1)
    pieces = []

    def small(sets: Any, steps: Any, tokens_at_once: int) -> Any:
        for step in in_pieces(sets, steps, 1):
            pieces.append(len(step))
            yield step

    monkeypatch.setattr("pytest_unlearn.training.loop.in_pieces", small)
    assert apart(whole, made(trained, knowing(), **PLAIN, steps=2, lr=0.1)) < 1e-3
    assert set(pieces) == {3}
