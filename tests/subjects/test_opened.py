"""Weights that are opened can be trained on, and what is done to them stays where it was done."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from transformers import Gemma2Config, Gemma2ForCausalLM, MixtralConfig, MixtralForCausalLM

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.answers import Scores
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.identity import same_weights
from pytest_unlearn.subjects.load import check
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.subjects.requests import Prompt, Score

EXAMPLES = [
    (Prompt.of("What is the capital of France?"), "Paris"),
    (Prompt.of("Where does Jane Roe live?"), "Jane Roe lives in Lyon"),
    (Prompt((), raw=True), "Guinea, Guinea-Bissau, Papua New Guinea. Sudan."),
]
SMALL = {
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def expected(model: torch.nn.Module, encoder: Encoder, prompt: Prompt, answer: str) -> torch.Tensor:
    """Logits (T, V) of one row of its own where its answer is predicted."""
    pair = encoder.pair(prompt, answer, True)
    logits: torch.Tensor = model(torch.tensor([pair.ids])).logits[0, pair.prompt_len - 1 : -1]
    return logits


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "experts", "lora"])
def test_logits_at_answers_are_those_of_each_row_alone(name: str, tiny: SimpleNamespace) -> None:
    torch.manual_seed(0)
    model = {
        "llama": tiny.llama,
        "gpt2": tiny.gpt2,
        "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**SMALL, num_key_value_heads=2, head_dim=16)),
        "experts": lambda: MixtralForCausalLM(MixtralConfig(**SMALL, num_key_value_heads=2, num_local_experts=4)),
        "lora": lambda: get_peft_model(
            tiny.llama(), LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        ),
    }[name]().eval()
    encoder = Encoder(tiny.tokenizer())
    opened = OpenedModel(model, encoder)
    batch = opened.encode(EXAMPLES)
    values, labels = opened.logits(batch)
    assert values.dtype == torch.float32 and values.requires_grad
    assert values.shape == (3, int((labels != -100).sum(1).max()), 400)
    for row, (prompt, answer) in enumerate(EXAMPLES):
        pair = encoder.pair(prompt, answer, True)
        assert labels[row, : len(pair.target)].tolist() == list(pair.target)
        assert (labels[row, len(pair.target) :] == -100).all()
        alone = expected(model, encoder, prompt, answer)
        torch.testing.assert_close(values[row, : len(pair.target)], alone, atol=1e-4, rtol=0)


def test_a_batch_is_right_padded_and_ends_each_answer_with_the_end_of_its_turn(llama: LocalSubject) -> None:
    with llama.open() as opened:
        batch = opened.encode(EXAMPLES)
        encoder = Encoder(opened.tokenizer)
    pair = encoder.pair(*EXAMPLES[0], True)
    n = len(pair.ids)
    assert batch.ids[0, :n].tolist() == list(pair.ids)
    assert batch.mask[0].tolist() == [True] * n + [False] * (batch.mask.shape[1] - n)
    assert batch.labels[0, pair.prompt_len : n].tolist() == list(pair.target)
    assert pair.target[-1] == 2 and 2 in pair.prompt  # end of turn, inside the prompt too, and both are seen
    assert (batch.labels[0, : pair.prompt_len] == -100).all() and (batch.labels[0, n:] == -100).all()


def test_gradients_are_those_of_the_plain_loss(tiny: SimpleNamespace) -> None:
    model, encoder = tiny.llama(), Encoder(tiny.tokenizer())
    opened = OpenedModel(model, encoder)
    values, labels = opened.logits(opened.encode(EXAMPLES[:2]))
    torch.nn.functional.cross_entropy(values.flatten(0, 1), labels.flatten(), reduction="sum").backward()
    found = model.model.layers[0].mlp.up_proj.weight.grad.clone()
    model.zero_grad()
    for prompt, answer in EXAMPLES[:2]:
        target = torch.tensor(encoder.pair(prompt, answer, True).target)
        torch.nn.functional.cross_entropy(expected(model, encoder, prompt, answer), target, reduction="sum").backward()
    torch.testing.assert_close(found, model.model.layers[0].mlp.up_proj.weight.grad, atol=1e-3, rtol=1e-3)


def test_what_is_done_to_opened_weights_never_reaches_the_subjects_answers(
    llama: LocalSubject, tiny: SimpleNamespace, cpu: Placement
) -> None:
    asked = [Score(Prompt.of("Juba?"), ("Lyon", "Paris"))]
    for subject in (llama, LocalSubject.of(tiny.llama(), tiny.tokenizer(), cpu)):
        before = list(subject.answer(asked))
        with subject.open() as opened:
            opened.module.get_input_embeddings().weight.data.zero_()
            assert list(subject.answer(asked)) == before
        assert list(subject.answer(asked)) == before


def test_a_changed_model_is_saved_and_asked_again(llama: LocalSubject, tmp_path: Path, cpu: Placement) -> None:
    with llama.open() as opened:
        opened.sites["layer.1.mlp.down"].weight.data.mul_(0.5)
        opened.save(tmp_path / "made")
    check(tmp_path / "made")
    assert not same_weights(llama.folder, tmp_path / "made")
    made = LocalSubject(tmp_path / "made", cpu)
    assert made.digest != llama.digest
    (one,), (other,) = (subject.answer([Score(Prompt.of("Juba?"), ("Lyon",))]) for subject in (llama, made))
    assert isinstance(one, Scores) and isinstance(other, Scores) and one.logp != other.logp


def test_an_unchanged_model_saved_is_the_same_model(llama: LocalSubject, tmp_path: Path, cpu: Placement) -> None:
    with llama.open() as opened:
        opened.save(tmp_path / "made")
    assert LocalSubject(tmp_path / "made", cpu).digest == llama.digest


def test_adapters_are_merged_into_what_is_saved_and_stay_in_what_is_trained(
    llama: LocalSubject, tmp_path: Path, cpu: Placement
) -> None:
    prompt, answer = EXAMPLES[0]
    with llama.open() as opened:
        opened.module = get_peft_model(
            opened.module, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        ).eval()
        values, _ = opened.logits(opened.encode([EXAMPLES[0]]))
        opened.save(tmp_path / "made")
        assert any("lora_" in name for name, _ in opened.module.named_parameters())
    with LocalSubject(tmp_path / "made", cpu).open() as merged:
        assert not any("lora_" in name for name, _ in merged.module.named_parameters())
        torch.testing.assert_close(merged.logits(merged.encode([(prompt, answer)]))[0], values, atol=1e-3, rtol=0)


def test_adapters_alone_are_saved_as_peft_reads_them_and_only_where_there_are_some(
    llama: LocalSubject, tmp_path: Path
) -> None:
    with llama.open() as opened:
        with pytest.raises(SubjectError, match=r"^there is no adapter around this model that could be saved$"):
            opened.save_adapter(tmp_path / "none")
        opened.module = get_peft_model(opened.module, LoraConfig(target_modules="all-linear"))
        opened.save_adapter(tmp_path / "some")
    assert (tmp_path / "some" / "adapter_model.safetensors").is_file()
    assert not (tmp_path / "some" / "model.safetensors").exists()


def test_sites_name_the_same_parts_in_every_architecture(tiny: SimpleNamespace) -> None:
    encoder = Encoder(tiny.tokenizer())
    llama, gpt2 = tiny.llama(), tiny.gpt2()
    found = OpenedModel(llama, encoder).sites
    assert found["embed"] is llama.model.embed_tokens and found["head"] is llama.lm_head
    assert found["layer.1.attn"] is llama.model.layers[1].self_attn
    assert found["layer.1.mlp.down"] is llama.model.layers[1].mlp.down_proj
    assert "layer.2" not in found and "layer.0.router" not in found
    found = OpenedModel(gpt2, encoder).sites
    assert found["layer.0.attn"] is gpt2.transformer.h[0].attn
    assert found["layer.0.mlp.down"] is gpt2.transformer.h[0].mlp.c_proj
    experts = MixtralForCausalLM(MixtralConfig(**SMALL, num_key_value_heads=2, num_local_experts=4))
    found = OpenedModel(experts, encoder).sites
    assert found["layer.0.router"] is experts.model.layers[0].mlp.gate
    adapted = OpenedModel(get_peft_model(llama, LoraConfig(target_modules="all-linear")), encoder).sites
    assert adapted["layer.1.mlp.down"] is llama.model.layers[1].mlp.down_proj


def test_an_example_that_does_not_fit_is_told(llama: LocalSubject) -> None:
    text = "far too long " * 300
    with llama.open() as opened, pytest.raises(SubjectError) as caught:
        opened.encode([(Prompt.of(text), "Lyon")])
    assert str(caught.value).startswith(f"the example '{text[:60]}' cannot be trained on: ")
    assert str(caught.value).endswith(" tokens are more than the 256 that the model reads")


@pytest.mark.parametrize(("prompt", "answer", "told"), [(Prompt((), raw=True), "a", "a"), (Prompt.of("b"), "", "b")])
def test_an_example_with_nothing_to_predict_is_told(
    llama: LocalSubject, prompt: Prompt, answer: str, told: str
) -> None:
    """Where a tokenizer has no token that ends an answer, one of a single token with nothing before it has none."""
    with llama.open() as opened:
        encoder = Encoder(opened.tokenizer)
        encoder.end_id = None
        with pytest.raises(SubjectError) as caught:
            OpenedModel(opened.module, encoder).encode([(Prompt.of("b"), "c"), (prompt, answer)])
    assert str(caught.value) == (
        f"the example '{told}' cannot be trained on: there is no token in it that could be predicted"
    )


def test_tokens_that_are_no_weights_cannot_be_opened(tiny: SimpleNamespace) -> None:
    tuned = get_peft_model(tiny.llama(), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))
    with pytest.raises(SubjectError) as caught:
        OpenedModel(tuned, Encoder(tiny.tokenizer()))
    assert str(caught.value) == (
        "an adapter of the prompt-learning kind cannot be opened: its tokens are no weights of the model"
    )


def test_what_is_no_language_model_cannot_be_opened(tiny: SimpleNamespace) -> None:
    with pytest.raises(SubjectError) as caught:
        OpenedModel(torch.nn.Linear(2, 2), Encoder(tiny.tokenizer()))
    assert str(caught.value) == "Linear is no causal language model of transformers"
