"""Two folders are one model when their numbers, their tokens and their wording are; never because of their files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.identity import compatible, folder_digest, same_weights, tensors
from pytest_unlearn.subjects.local import LocalSubject


def edit(path: Path, **entries: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.fixture
def copy(llama_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(llama_folder, tmp_path / "copy")


def test_a_copy_saved_again_in_other_shards_is_the_same_model(llama_folder: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(llama_folder)
    model.save_pretrained(tmp_path / "m", max_shard_size="50KB")
    AutoTokenizer.from_pretrained(llama_folder).save_pretrained(tmp_path / "m")
    assert len(list((tmp_path / "m").glob("*.safetensors"))) > 2
    assert same_weights(llama_folder, tmp_path / "m")
    assert folder_digest(llama_folder, None, "float32") == folder_digest(tmp_path / "m", None, "float32")
    compatible(llama_folder, tmp_path / "m")


def test_a_head_written_beside_the_embedding_it_repeats_changes_nothing(copy: Path, llama_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert same_weights(llama_folder, copy)
    compatible(llama_folder, copy)


def test_the_last_bit_of_one_weight_makes_another_model(
    llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace
) -> None:
    model = tiny.llama()
    weight = model.model.layers[1].mlp.up_proj.weight
    weight.data[3, 3] = torch.nextafter(weight.data[3, 3], torch.tensor(9.0))
    other = tiny.write(tmp_path / "m", model, tiny.tokenizer())
    assert not same_weights(llama_folder, other)
    assert folder_digest(llama_folder, None, "float32") != folder_digest(other, None, "float32")
    compatible(llama_folder, other)


def test_the_same_weights_at_a_coarser_precision_are_the_same(
    llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace
) -> None:
    rounded = tiny.write(tmp_path / "half", tiny.llama().to(torch.bfloat16), tiny.tokenizer())
    assert same_weights(llama_folder, rounded) and same_weights(rounded, llama_folder)
    other = tiny.write(tmp_path / "other", tiny.llama(seed=1).to(torch.bfloat16), tiny.tokenizer())
    assert not same_weights(llama_folder, other)


def test_a_changed_file_is_read_again(copy: Path, llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace) -> None:
    assert same_weights(llama_folder, copy)
    other = tiny.write(tmp_path / "other", tiny.llama(seed=1), tiny.tokenizer())
    (other / "model.safetensors").replace(copy / "model.safetensors")
    assert not same_weights(llama_folder, copy)


CHANGES: dict[str, Callable[[Path], object]] = {
    "config": lambda f: edit(f / "config.json", rope_parameters={"rope_theta": 5e4, "rope_type": "default"}),
    "end tokens": lambda f: edit(f / "generation_config.json", eos_token_id=[2, 0]),
    "template": lambda f: (f / "chat_template.jinja").write_text("{{ messages[0]['content'] }}"),
    "tokens": lambda f: edit(f / "tokenizer.json", normalizer={"type": "Lowercase"}),
    "special": lambda f: edit(f / "tokenizer_config.json", eos_token="<|endoftext|>"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_decides_an_answer_is_in_the_digest(what: str, copy: Path) -> None:
    before = folder_digest(copy, None, "float32")
    CHANGES[what](copy)
    assert folder_digest(copy, None, "float32") != before


def test_what_decides_no_answer_is_not_in_the_digest(copy: Path) -> None:
    before = folder_digest(copy, None, "float32")
    edit(copy / "config.json", transformers_version="9.9", _name_or_path="elsewhere", use_cache=False)
    (copy / "README.md").write_text("a model")
    assert folder_digest(copy, None, "float32") == before
    assert len({before, folder_digest(copy, "", "float32"), folder_digest(copy, None, "bfloat16")}) == 3


def test_the_digest_is_known_without_loading_the_model(llama: LocalSubject) -> None:
    assert len(llama.digest) == 40
    assert llama._loaded is None


def test_weights_in_memory_have_a_digest_of_what_they_are(tiny: SimpleNamespace, cpu: object) -> None:
    one, same, other = (LocalSubject.of(tiny.llama(seed), tiny.tokenizer(), cpu) for seed in (0, 0, 1))
    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"num_attention_heads": 8, "num_key_value_heads": 8},
            "its config.json says `num_attention_heads: 8`, the original's `num_attention_heads: 4`",
        ),
        (
            {"num_hidden_layers": 1},
            "its config.json says `num_hidden_layers: 1`, the original's `num_hidden_layers: 2`",
        ),
        ({"vocab_size": 390}, "'model.embed_tokens.weight' has the shape [390, 64], in the original [400, 64]"),
        (
            {"attention_bias": True},
            "it has weights called 'model.layers.0.self_attn.k_proj.bias', which the original has not",
        ),
    ],
)
def test_another_architecture_cannot_stand_for_the_original(
    changes: dict[str, object], message: str, llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace
) -> None:
    other = tiny.write(tmp_path / "m", tiny.llama(**changes), tiny.tokenizer())
    with pytest.raises(SubjectError) as caught:
        compatible(llama_folder, other)
    assert str(caught.value) == f"{other} cannot stand for the original after unlearning: {message}"


def test_weights_that_are_not_there_cannot_stand_for_those_of_the_original(
    llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace
) -> None:
    other = tiny.write(tmp_path / "m", tiny.llama(attention_bias=True), tiny.tokenizer())
    with pytest.raises(SubjectError) as caught:
        compatible(other, llama_folder)
    assert str(caught.value) == (
        f"{llama_folder} cannot stand for the original after unlearning: it has no weights called "
        "'model.layers.0.self_attn.k_proj.bias'. Give the folder of a whole model, or of an adapter"
    )


def test_another_family_of_models_cannot_stand_for_the_original(llama_folder: Path, gpt2_folder: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        compatible(llama_folder, gpt2_folder)
    assert str(caught.value) == (
        f"{gpt2_folder} cannot stand for the original after unlearning: its config.json says `model_type: gpt2`, the "
        "original's `model_type: llama`"
    )


def test_a_tokenizer_that_numbers_words_otherwise_does_not_fit(copy: Path, llama_folder: Path) -> None:
    path = copy / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    path.write_text(json.dumps(content))
    with pytest.raises(SubjectError) as caught:
        compatible(llama_folder, copy)
    assert str(caught.value) == (
        f"{copy} cannot stand for the original after unlearning: its tokenizer gives 'a' the id {vocabulary['a']}, the "
        f"original's the id {vocabulary['b']}"
    )


def test_tokens_added_at_the_end_do_not_disturb(llama_folder: Path, tmp_path: Path, tiny: SimpleNamespace) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    compatible(llama_folder, tiny.write(tmp_path / "m", tiny.llama(vocab_size=408), tokenizer))


def test_a_file_that_was_cut_off_is_told(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    whole = weights.stat().st_size + 100
    with pytest.raises(SubjectError) as caught:
        tensors(copy)
    assert str(caught.value) == f"{weights} was cut off: it holds {whole - 100} bytes of {whole}. Copy it again"
    weights.write_bytes(b"\xff" * 100)
    with pytest.raises(SubjectError) as caught:
        tensors(copy)
    assert str(caught.value) == f"{weights} is not a safetensors file, or it was cut off while it was written"
