"""A training that is cut off goes on where it was, and ends with the same weights to the bit."""

from __future__ import annotations

import copy
from typing import ClassVar

import pytest
import torch

from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.registry import PLUG_INS, Use
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example, LoraConfig
from pytest_unlearn.training.loop import fit
from pytest_unlearn.training.resume import resumable
from pytest_unlearn.training.retain import retain_views
from pytest_unlearn.training.terms import Term

STEPS = 6


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair, tuple(pair[:2])) for pair in pairs)


DATA = Data(_examples("abcd", "bc", "cdef", "dgh"), _examples("fgh", "ghab", "hc", "fa", "gbcd", "hhh"))


class CutError(Exception):
    """The power is gone."""


class Remembering:
    """An objective that counts its steps, and leans on the count. `cut_at` is no part of what it remembers."""

    cut_at: ClassVar[int | None] = None

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, now, original, pair, config):
        self.steps += 1
        if self.steps == Remembering.cut_at:
            raise CutError
        terms = grad_diff_terms(now, original, pair, config)
        retain = terms["retain"]
        return {**terms, "retain": Term(retain.total, retain.count, 1 + 0.5 * self.steps)}


@pytest.fixture(params=["table", "gpt2", "llama"])
def model(request, bigram, transformer):
    return bigram(ab=1 / 2, bc=1 / 2) if request.param == "table" else transformer(request.param)


def _fit(model, config, cut_at=None):
    """The weights of a trained copy, by name, and its losses."""
    now = copy.deepcopy(model)
    Remembering.cut_at = cut_at
    losses = fit(now, DATA, config, 5, Remembering(), retain_views(config))
    return {name: weight.detach() for name, weight in now.module.named_parameters()}, losses


def _same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _resumed(model, config, cut_at, folder):
    """Cut off in a step, and taken up by a training that begins as the first did."""
    with resumable(folder, every=0.0):
        with pytest.raises(CutError):
            _fit(model, config, cut_at)
        assert folder.is_dir() is (cut_at > 1)
    with resumable(folder, every=0.0):
        found = _fit(model, config)
    assert not folder.exists()
    return found


@pytest.mark.parametrize("cut_at", [1, 2, STEPS])
def test_it_goes_on_to_the_same_weights_to_the_bit(model, cut_at, tmp_path):
    config = GradDiffConfig(steps=STEPS, lr=0.01, batch=3)
    weights, losses = _fit(model, config)
    again, same = _resumed(model, config, cut_at, tmp_path / "left")
    assert _same(again, weights)
    assert same == losses
    assert len(losses) == STEPS


@pytest.mark.parametrize("options", [{"sampler": "modular"}, {"schedule": "cosine"}, {"optimiser": "sgd"}], ids=str)
def test_the_options_of_the_loop_go_on_too(transformer, options, tmp_path):
    config = GradDiffConfig(steps=STEPS, lr=0.01, batch=3, **options)
    assert _same(_resumed(transformer("gpt2"), config, 4, tmp_path / "left")[0], _fit(transformer("gpt2"), config)[0])


@pytest.mark.parametrize("name", PLUG_INS.names())
def test_what_a_plug_in_remembers_survives(transformer, name, tmp_path):
    wrap = (Use(name, PLUG_INS.get(name).config()),)
    config = GradDiffConfig(steps=STEPS, lr=0.01, batch=3, wrap=wrap, retain="kl")  # rna speaks through the original
    model = transformer("llama")
    assert _same(_resumed(model, config, 5, tmp_path / "left")[0], _fit(model, config)[0])


def test_adapters_go_on_too(transformer, tmp_path):
    model = transformer("llama")
    config = GradDiffConfig(steps=STEPS, lr=0.01, trainable="lora", lora=LoraConfig(rank=2))
    assert _same(_resumed(model, config, 4, tmp_path / "left")[0], _fit(model, config)[0])


def test_without_a_folder_nothing_is_written(bigram, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _fit(bigram(), GradDiffConfig(steps=2))
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_written_only_as_often_as_asked(bigram, tmp_path):
    with resumable(tmp_path / "left", every=1e6), pytest.raises(CutError):
        _fit(bigram(), GradDiffConfig(steps=STEPS), cut_at=STEPS)
    assert not (tmp_path / "left").exists()


def test_two_trainings_of_one_method_keep_theirs_apart(bigram, tmp_path):
    config = GradDiffConfig(steps=STEPS, lr=0.01)
    first, second = _fit(bigram(ab=1 / 2), config), _fit(bigram(cd=1 / 2), config)
    with resumable(tmp_path / "left", every=0.0):
        _fit(bigram(ab=1 / 2), config)
        with pytest.raises(CutError):
            _fit(bigram(cd=1 / 2), config, cut_at=3)
        assert [path.name for path in (tmp_path / "left").iterdir()] == ["1.pt"]
    with resumable(tmp_path / "left", every=0.0):
        assert _same(_fit(bigram(ab=1 / 2), config)[0], first[0])
        assert _same(_fit(bigram(cd=1 / 2), config)[0], second[0])


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04 half a file"])
def test_a_checkpoint_that_cannot_be_read_is_no_checkpoint(bigram, tmp_path, left):
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / "0.pt").write_bytes(left)
    config = GradDiffConfig(steps=STEPS, lr=0.01)
    with resumable(folder, every=0.0):
        assert _same(_fit(bigram(), config)[0], _fit(bigram(), config)[0])


def test_a_full_disk_is_told_and_stops_no_training(bigram, tmp_path, capsys, monkeypatch):
    def full(state, file):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    config = GradDiffConfig(steps=2, lr=0.01)
    with resumable(tmp_path / "left", every=0.0):
        weights, _ = _fit(bigram(), config)
    assert _same(weights, _fit(bigram(), config)[0])
    told = f"unlearn: no checkpoint can be kept in {tmp_path / 'left'}: [Errno 28] No space left on device"
    assert capsys.readouterr().err.splitlines() == [told, told]
    assert not (tmp_path / "left").exists()
