"""What may change and what may not, on a tiny Llama."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from pytest_unlearn.errors import MethodError
from pytest_unlearn.training.data import Layers, LoopConfig, LoraConfig, Modules
from pytest_unlearn.training.trainable import trainable

IDS = torch.arange(12).reshape(2, 6)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    """Three layers of width 32, head tied to the embedding."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
                num_key_value_heads=2, tie_word_embeddings=True, max_position_embeddings=64,
            )
        ).eval()  # fmt: skip


@dataclass
class Held:
    """An opened model as far as it is needed here."""

    module: nn.Module


def _trained(module: nn.Module, seed: int = 0, steps: int = 2, **config) -> nn.Module:
    """A copy after some steps of AdamW on what the configuration lets train."""
    module = copy.deepcopy(module)
    with trainable(Held(module), LoopConfig(**config), torch.Generator().manual_seed(seed)) as weights:
        optimiser = torch.optim.AdamW(weights, lr=1e-2, weight_decay=0.0)
        for _ in range(steps):
            optimiser.zero_grad()
            module(IDS, labels=IDS, use_cache=False).loss.float().backward()
            optimiser.step()
        optimiser.zero_grad()
    return module


def _changed(before: nn.Module, after: nn.Module) -> set[str]:
    old = dict(before.named_parameters())
    assert old.keys() == dict(after.named_parameters()).keys()
    return {name for name, weight in after.named_parameters() if not torch.equal(weight, old[name])}


def test_all_changes_every_parameter(llama):
    assert _changed(llama, _trained(llama)) == set(dict(llama.named_parameters()))


def test_lora_changes_the_linear_layers_alone_and_leaves_a_plain_model(llama):
    after = _trained(llama, trainable="lora")
    linear = {name for name, _ in llama.named_parameters() if name.endswith("_proj.weight")}
    assert len(linear) == 3 * 7
    assert _changed(llama, after) == linear
    assert type(after.model.layers[0].mlp.down_proj) is nn.Linear
    assert not any(hasattr(part, "lora_A") for part in after.modules())


def test_a_lora_update_has_the_rank_asked_for(llama):
    after = _trained(llama, trainable="lora", lora=LoraConfig(rank=3, alpha=6.0))
    change = after.model.layers[1].mlp.up_proj.weight - llama.model.layers[1].mlp.up_proj.weight
    singular = torch.linalg.svdvals(change.detach().double())
    assert singular[2] > 1e3 * singular[3]


def test_lora_starts_at_the_model_itself(llama):
    after = _trained(llama, trainable="lora", steps=0)
    torch.testing.assert_close(after(IDS).logits, llama(IDS).logits, rtol=0, atol=0)


def test_lora_s_start_depends_on_the_generator_and_not_on_the_world(llama):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = _trained(llama, seed=5, trainable="lora")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert _changed(first, _trained(llama, seed=5, trainable="lora")) == set()
    assert _changed(first, _trained(llama, seed=6, trainable="lora")) != set()


@pytest.mark.parametrize(("span", "layers"), [((1, 2), {1, 2}), ((0,), {0}), ((0, 2), {0, 1, 2})])
def test_layers_are_counted_from_zero_and_both_ends_train(llama, span, layers):
    changed = _changed(llama, _trained(llama, trainable=Layers(layers=span)))
    assert changed == {name for name, _ in llama.named_parameters() if any(f"layers.{i}." in name for i in layers)}


def test_layers_are_found_under_another_architecture_s_names():
    gpt = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=2, n_positions=32)).eval()
    changed = _changed(gpt, _trained(gpt, trainable=Layers(layers=(1,))))
    assert changed == {name for name, _ in gpt.named_parameters() if ".h.1." in name}


def test_modules_train_what_their_name_matches(llama):
    changed = _changed(llama, _trained(llama, trainable=Modules(modules=("layers.0.mlp.down", "model.norm"))))
    assert changed == {"model.layers.0.mlp.down_proj.weight", "model.norm.weight"}


@pytest.mark.parametrize(("name", "meant"), [("q_prj", "q_proj"), ("self_atn", "self_attn"), ("layers.0.mpl", "mlp")])
def test_a_module_that_is_not_there_gets_a_suggestion(llama, name, meant):
    with pytest.raises(MethodError) as caught:
        _trained(llama, trainable=Modules(modules=("mlp", name)))
    assert str(caught.value) == (
        f"`trainable: {{modules: ...}}`: no parameter has '{name}' in its name - did you mean '{meant}'?"
    )


@pytest.mark.parametrize("span", [(3,), (1, 7), (-1, 2)])
def test_a_layer_that_is_not_there_says_how_many_there_are(llama, span):
    with pytest.raises(MethodError) as caught:
        _trained(llama, trainable=Layers(layers=span))
    assert str(caught.value) == (
        f"`trainable: {{layers: {list(span)}}}` names a layer that is not there: the model has 3, counted from 0"
    )


@pytest.mark.parametrize("which", ["all", "lora", Layers(layers=(1,)), Modules(modules=("mlp",))])
def test_a_half_precision_model_trains_in_float32_and_ends_as_it_began(llama, which):
    half = copy.deepcopy(llama).bfloat16()
    with trainable(Held(copy.deepcopy(half)), LoopConfig(trainable=which), torch.Generator()) as weights:
        assert {weight.dtype for weight in weights} == {torch.float32}
    after = _trained(half, trainable=which)
    assert {weight.dtype for weight in after.parameters()} == {torch.bfloat16}
    assert after.lm_head.weight.data_ptr() == after.model.embed_tokens.weight.data_ptr()
    assert {name: b.dtype for name, b in after.named_buffers()} == {name: b.dtype for name, b in half.named_buffers()}
    assert _changed(half, after)


def test_nothing_asks_for_a_gradient_afterwards(llama):
    for which in ("all", "lora", Layers(layers=(1,))):
        assert not any(weight.requires_grad for weight in _trained(llama, trainable=which).parameters())
