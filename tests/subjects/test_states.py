"""Hidden states are those of the plain forward pass, whatever else is in the batch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import MixtralConfig, MixtralForCausalLM

from pytest_unlearn.subjects.answers import Failed, States
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Prompt, Read, Request, Score

PROMPTS = [Prompt.of(text, raw=True) for text in ("Juba?", "Which city is the capital of South Sudan?", "Paris, Lyon")]


@pytest.fixture(params=["llama", "gpt2"])
def subject(request: pytest.FixtureRequest) -> LocalSubject:
    found: LocalSubject = request.getfixturevalue(request.param)
    return found


def plainly(subject: LocalSubject, prompt: Prompt) -> tuple[list[np.ndarray], np.ndarray]:
    """Every hidden state, embeddings first, and the logits of one row."""
    body, encoder, _ = subject._load()
    with torch.no_grad():
        told = body.causal(torch.tensor([encoder.prompt(prompt)]), output_hidden_states=True)
    return [state[0].numpy() for state in told.hidden_states], told.logits[0].numpy()


@pytest.mark.parametrize("alone", [False, True])
def test_states_are_those_of_each_prompt_alone(subject: LocalSubject, alone: bool) -> None:
    sites = ("layer.0", "embed", "head")
    answers = list(subject.answer([Read(prompt, sites, "all") for prompt in PROMPTS], alone=alone))
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert isinstance(answer, States)
        hidden, logits = plainly(subject, prompt)
        assert list(answer.arrays) == list(sites)
        np.testing.assert_allclose(answer.arrays["layer.0"], hidden[1], atol=1e-4)
        np.testing.assert_allclose(answer.arrays["head"], logits, atol=1e-3)
        assert answer.arrays["embed"].shape == hidden[0].shape


def test_the_last_position_is_the_last_of_all(subject: LocalSubject) -> None:
    asked: list[Request] = [Read(PROMPTS[1], ("layer.1.mlp", "head"), position) for position in ("last", "all")]
    last, every = subject.answer(asked)
    assert isinstance(last, States) and isinstance(every, States)
    for site, state in last.arrays.items():
        assert state.shape[0] == 1
        np.testing.assert_allclose(state[0], every.arrays[site][-1], atol=1e-5)


def test_a_router_has_a_state_at_every_position(tiny: SimpleNamespace, cpu: Placement) -> None:
    torch.manual_seed(0)
    config = MixtralConfig(
        vocab_size=400, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4, max_position_embeddings=256,
    )  # fmt: skip
    subject = LocalSubject.of(MixtralForCausalLM(config), tiny.tokenizer(), cpu)
    short, long = subject.answer([Read(prompt, ("layer.1.router",), "all") for prompt in PROMPTS[:2]])
    assert isinstance(short, States) and isinstance(long, States)
    assert short.arrays["layer.1.router"].shape[0] < long.arrays["layer.1.router"].shape[0]
    (alone,) = subject.answer([Read(PROMPTS[0], ("layer.1.router",), "all")])
    assert isinstance(alone, States)
    np.testing.assert_allclose(short.arrays["layer.1.router"], alone.arrays["layer.1.router"], atol=1e-5)


def test_states_stand_in_order_among_other_answers_and_leave_no_trace(llama: LocalSubject) -> None:
    score = Score(PROMPTS[0], ("Juba",))
    (before,) = llama.answer([score])
    first, second, third = llama.answer([score, Read(PROMPTS[0], ("layer.0",)), score])
    assert first == third == before
    assert isinstance(second, States)
    assert not any(module._forward_hooks for module in llama._load()[0].causal.modules())


def test_what_cannot_be_read_is_told(llama: LocalSubject, tiny: SimpleNamespace, cpu: Placement) -> None:
    asked: list[Request] = [
        Read(PROMPTS[0], ("layer.0.mpl",)),
        Read(PROMPTS[0], ("layer.0",), "entity"),
        Read(Prompt((), raw=True), ("layer.0",)),
        Read(Prompt.of("x" * 2_000), ("layer.0",)),
        Read(PROMPTS[0], ("layer.0",)),
    ]
    site, entity, empty, long, good = llama.answer(asked)
    assert site == Failed("cannot", "this model has no site 'layer.0.mpl' - did you mean 'layer.0.mlp'?")
    assert entity == Failed("cannot", "a prompt does not say where its entity stands")
    assert empty == Failed("unreadable", "the prompt has no token")
    assert isinstance(long, Failed) and long.why.endswith("are more than the 256 that the model reads")
    assert isinstance(good, States)
    broken = tiny.llama()
    torch.nn.init.constant_(broken.model.layers[0].mlp.down_proj.weight, float("nan"))
    (nan,) = LocalSubject.of(broken, tiny.tokenizer(), cpu).answer([Read(PROMPTS[0], ("layer.0",))])
    assert nan == Failed("not-a-number", "the states at layer.0 are not finite numbers: the weights are broken")
