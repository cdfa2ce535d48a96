"""The smallest real language model: a table of probabilities of the next letter given the last one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from pytest_unlearn.methods.data import Example
from pytest_unlearn.methods.frozen import Frozen
from pytest_unlearn.methods.sampler import EncodedSet
from pytest_unlearn.methods.terms import Pair
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.sites import sites

LETTERS = "abcdefgh"


@dataclass
class Bigram:
    """An opened model over the letters a to h. A prompt and its answer are letters, each a token; spaces are none."""

    module: nn.Module
    sites: Mapping[str, nn.Module] = field(default_factory=dict)

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> TextBatch:
        rows = [
            [LETTERS.index(letter) for letter in prompt.text.replace(" ", "") + answer] for prompt, answer in examples
        ]
        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for i, ((_, answer), row) in enumerate(zip(examples, rows, strict=True)):
            start, end = len(row) - len(answer), len(row)
            ids[i, :end], mask[i, :end], labels[i, start:end] = torch.tensor(row), 1, torch.tensor(row[start:])
        return TextBatch(ids, mask, labels)

    def logits(self, batch: TextBatch) -> tuple[Tensor, Tensor]:
        answers = [row[row != -100] for row in batch.labels]
        labels = nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=-100)
        values = self.module(batch.ids)  # (batch, seq, vocab)
        rows = [row[:-1][labels[1:] != -100] for row, labels in zip(values, batch.labels, strict=True)]
        longest = labels.shape[1]  # past the end of a row stands something that means nothing and has a gradient
        return torch.stack([torch.cat([row, row[-1:].expand(longest - len(row), -1)]) for row in rows]), labels

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def stand(
    model: Bigram, views: Sequence[str | tuple[str, str]] | None = None, **sets: Sequence[tuple[str, str]]
) -> tuple[Frozen, Pair]:
    """`model` as the original, and one pair that holds all rows of the named sets, each a prompt and an answer."""
    encoded: dict[Any, EncodedSet] = {
        name: EncodedSet(name, [Example(Prompt.of(p), a, a) for p, a in rows], model)  # type: ignore[arg-type]
        for name, rows in sets.items()
    }
    every = {name: rows.rows(range(len(rows)), range(len(rows))) for name, rows in encoded.items()}
    return Frozen(model, encoded, views=views), Pair(every)  # type: ignore[arg-type]


@pytest.fixture(scope="session", name="stand")
def _stand() -> Callable[..., tuple[Frozen, Pair]]:
    return stand


@pytest.fixture(scope="session")
def tabled() -> Callable[[Tensor], Bigram]:
    """A model with these logits, (8, 8): row and column are the last letter and the next."""
    return lambda table: Bigram(nn.Embedding.from_pretrained(table.clone(), freeze=False))


@pytest.fixture
def bigram() -> Callable[..., Bigram]:
    """A model in which each named pair of letters has its probability: `bigram(ab=1/2)`. The rest is shared evenly."""

    def make(**pairs: float) -> Bigram:
        table = torch.zeros(len(LETTERS), len(LETTERS), dtype=torch.float64)
        for letter, row in zip(LETTERS, table, strict=True):
            named = {pair[1]: p for pair, p in pairs.items() if pair[0] == letter}
            rest = (1 - sum(named.values())) / (len(LETTERS) - len(named))
            row.copy_(torch.tensor([math.log(named.get(after, rest)) for after in LETTERS]))
        return Bigram(nn.Embedding.from_pretrained(table, freeze=False))

    return make


class Letters:
    """A transformer of transformers over the letters a to h, opened."""

    def __init__(self, module: nn.Module) -> None:
        self.module: Any = module

    @property
    def sites(self) -> Mapping[str, nn.Module]:
        return sites(self.module)

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> TextBatch:
        rows = [torch.tensor([ord(c) - 97 for c in prompt.text + answer]) for prompt, answer in examples]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).bool()
        labels = ids.masked_fill(~mask, -100)
        labels[:, 0] = -100
        return TextBatch(ids, mask, labels)

    def logits(self, batch: TextBatch) -> tuple[Tensor, Tensor]:
        found = self.module(input_ids=batch.ids, attention_mask=batch.mask.long(), use_cache=False).logits
        return found[:, :-1], batch.labels[:, 1:]


@pytest.fixture
def transformer() -> Callable[[str], Letters]:
    """Two layers with random weights, the same each time: `transformer("gpt2")`, `transformer("llama")`."""

    def make(kind: str) -> Letters:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            if kind == "gpt2":
                shape = GPT2Config(vocab_size=8, n_embd=32, n_layer=2, n_head=2, n_positions=16)
                return Letters(GPT2LMHeadModel(shape).eval())
            shape = LlamaConfig(
                vocab_size=8, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                num_key_value_heads=1, max_position_embeddings=16,
            )  # fmt: skip
            return Letters(LlamaForCausalLM(shape).eval())

    return make
