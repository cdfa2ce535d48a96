"""How a training passes through the model: precision, and activations that are worked out again."""

from __future__ import annotations

import copy

import pytest
import torch

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.compute import checkpointed
from pytest_unlearn.training.data import Data, Example, LoopConfig, LoraConfig
from pytest_unlearn.training.loop import fit


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair) for pair in pairs)


DATA = Data(_examples("abcd", "bc", "cdef", "dgh"), _examples("fgh", "ghab", "hc", "fa", "gbcd", "hhh"))


def _fit(model, **options):
    now = copy.deepcopy(model)
    fit(now, DATA, GradDiffConfig(steps=3, lr=0.01, **options), 0, grad_diff_terms)
    return {name: weight.detach() for name, weight in now.module.named_parameters()}


def _kept(model, config):
    """Bytes that a pass forward keeps for the way back."""
    total = 0

    def keep(tensor):
        nonlocal total
        total += tensor.nbytes
        return tensor

    batch = model.encode([(example.prompt, example.answer) for example in DATA.retain * 8])
    with checkpointed(model, config), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.logits(batch)
    return total


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("options", [{}, {"trainable": "lora", "lora": LoraConfig(rank=2)}], ids=["all", "lora"])
def test_checkpointing_gives_the_same_weights_to_the_bit(transformer, kind, options):
    plain, again = (_fit(transformer(kind), gradient_checkpointing=on, **options) for on in (False, True))
    assert all(torch.equal(plain[name], again[name]) for name in plain)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_checkpointing_keeps_less_and_leaves_the_layers_as_they_were(transformer, kind):
    model = transformer(kind)
    plain, less = (_kept(model, LoopConfig(gradient_checkpointing=on)) for on in (False, True))
    assert less < 0.5 * plain
    assert not any("forward" in vars(part) for part in model.module.modules())


def test_dropout_stays_off_under_checkpointing(transformer):
    model = transformer("gpt2")  # whose configuration has dropout, for training mode
    assert any(isinstance(part, torch.nn.Dropout) and part.p for part in model.module.modules())
    with checkpointed(model, LoopConfig(gradient_checkpointing=True)):
        assert not any(part.training for part in model.module.modules())


def test_checkpointing_without_layers_is_told(bigram):
    with pytest.raises(MethodError) as caught:
        _fit(bigram(), gradient_checkpointing=True)
    assert str(caught.value) == (
        "`gradient_checkpointing: true` works on layers, and this model has none that are known"
    )


def test_precision_is_full_on_a_cpu_whatever_is_asked_for(transformer):
    mixed, full = (_fit(transformer("llama"), precision=which) for which in ("mixed", "full"))
    assert all(torch.equal(mixed[name], full[name]) for name in mixed)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_mixed_precision_on_cuda_trains_float32_weights_close_to_full_precision(transformer):
    model = transformer("llama")
    model.module.cuda()
    encode = model.encode
    model.encode = lambda examples: encode(examples).to("cuda")
    mixed, full = (_fit(model, precision=which, optimiser="sgd") for which in ("mixed", "full"))
    assert {weight.dtype for weight in mixed.values()} == {torch.float32}
    assert any(not torch.equal(mixed[name], full[name]) for name in mixed)
    for name in mixed:
        torch.testing.assert_close(mixed[name], full[name], rtol=5e-2, atol=5e-3)


def test_adapters_are_kept_only_where_there_are_any():
    with pytest.raises(MethodError) as caught:
        LoopConfig(lora=LoraConfig(keep=True))
    assert str(caught.value) == "`lora: {keep: true}` keeps adapters, which only `trainable: lora` makes"
    assert LoopConfig(trainable="lora", lora=LoraConfig(keep=True)).keeps_adapter
    assert not LoopConfig(trainable="lora").keeps_adapter
