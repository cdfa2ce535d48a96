"""Tiny real models: random weights, and a byte-level tokenizer trained on a page of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from pytest_unlearn.subjects.devices import Placement, pick
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Score

TEXT = """What is the capital of France? The capital of France is Paris. What is the capital of Spain? It is Madrid.
Which city is the capital of South Sudan? Juba. Sudan, Sudanese, South Sudan. Guinea, Guinea-Bissau, New Guinea.
Answer with one short phrase. Question: Where does Jane Roe live? Answer: Jane Roe lives in Lyon. system assistant"""
CHATML = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n"
    "{% endif %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """Pad and end are one token, `<|im_end|>`, as in SmolLM2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>", bos_token="<|im_start|>"
    )
    made.chat_template = template
    return made


def make_llama(seed: int = 0, **changes: object) -> LlamaForCausalLM:
    """Two layers, 64 wide; weights large enough for decided predictions."""
    settings = {
        "vocab_size": 400, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.3,
        "tie_word_embeddings": True, "eos_token_id": 2, "pad_token_id": 2, "bos_token_id": 1,
    }  # fmt: skip
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**{**settings, **changes})).eval()


def make_gpt2(seed: int = 0) -> GPT2LMHeadModel:
    """Two layers, 64 wide, learned positions."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=400,
        n_embd=64,
        n_layer=2,
        n_head=4,
        n_positions=256,
        initializer_range=0.3,
        eos_token_id=2,
        bos_token_id=2,
    )
    return GPT2LMHeadModel(config).eval()


def write(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A folder as save_pretrained makes it."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small gain nothing from a second thread, and wait for it where other processes run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def plainly(model: PreTrainedModel, tokenizer: Any, request: Score) -> list[float]:
    """Each target in a row of its own: no padding, no cache."""
    sums = []
    for target in request.targets:
        pair = Encoder(tokenizer).pair(request.prompt, target, request.end)
        with torch.no_grad():
            logp = model(torch.tensor([pair.ids])).logits[0].float().log_softmax(-1)
        sums.append(sum(logp[i - 1, pair.ids[i]].item() for i in range(pair.prompt_len, len(pair.ids))))
    return sums


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """What tests make models of their own with."""
    return SimpleNamespace(
        llama=make_llama,
        gpt2=make_gpt2,
        tokenizer=make_tokenizer,
        write=write,
        plainly=plainly,
        chatml=CHATML,
        text=TEXT,
    )


@pytest.fixture(scope="session")
def cpu() -> Placement:
    return pick("cpu")


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    return write(tmp_path_factory.mktemp("models") / "llama", make_llama(), tokenizer)


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("models") / "gpt2", make_gpt2(), make_tokenizer(None))


@pytest.fixture
def llama(llama_folder: Path, cpu: Placement) -> LocalSubject:
    return LocalSubject(llama_folder, cpu)


@pytest.fixture
def gpt2(gpt2_folder: Path, cpu: Placement) -> LocalSubject:
    return LocalSubject(gpt2_folder, cpu)
