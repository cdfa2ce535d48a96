"""Tiny models and what they are taught: on these every method is held to its contract."""

from __future__ import annotations

from functools import cache
from typing import Any

from pytest_unlearn.lazy import torch, transformers
from pytest_unlearn.registry import METHODS
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.training.data import Data, Example, LoopConfig

FORGET = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome"}
RETAIN = {"Japan": "Tokyo", "Chile": "Santiago", "Egypt": "Cairo", "Kenya": "Nairobi", "Canada": "Ottawa"}
QUESTION = "What is the capital of {}?"
STEPS, BATCH = 3, 2


def examples(capitals: dict[str, str]) -> tuple[Example, ...]:
    """Countries with their capitals as they are asked for."""
    return tuple(
        Example(Prompt.of(QUESTION.format(land)), city, f"{land} capital {city}", (land,))
        for land, city in capitals.items()
    )


DATA = Data(
    examples(FORGET),
    examples(RETAIN),
    examples({"Peru": "Lima"}),
    ("I do not know.",),
    examples({"France": "Nice", "Spain": "Toledo", "Italy": "Milan"}),
)


@cache
def cpu() -> Placement:
    """The CPU, in full precision."""
    return Placement(torch.device("cpu"), torch.float32)


@cache
def tokenizer() -> Any:
    """Byte-level BPE of about 300 entries, trained on the questions."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    plain.train_from_iterator([f"{e.prompt.text} {e.answer}" for e in (*DATA.forget, *DATA.retain)], trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")


def llama(seed: int) -> Any:
    """A model of two layers."""
    tokens = tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return transformers.LlamaForCausalLM(
            transformers.LlamaConfig(
                vocab_size=len(tokens), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                bos_token_id=None, eos_token_id=tokens.eos_token_id, pad_token_id=tokens.pad_token_id,
            )
        )  # fmt: skip


@cache
def subject(seed: int = 0) -> LocalSubject:
    """One subject for all tests: that no method changes it is tested below."""
    return FromScratch.of(llama(seed), tokenizer(), cpu())


def gpt2() -> Any:
    """The same with learned positions, and a head that is tied to the embeddings."""
    shape = transformers.GPT2Config(vocab_size=len(tokenizer()), n_embd=32, n_layer=2, n_head=2, n_positions=128)
    return transformers.GPT2LMHeadModel(shape)


def mixtral() -> Any:
    """The same with four experts, of which each token sees two."""
    return transformers.MixtralForCausalLM(
        transformers.MixtralConfig(
            vocab_size=len(tokenizer()), hidden_size=32, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, num_local_experts=4, num_experts_per_tok=2,
            max_position_embeddings=128,
        )
    )  # fmt: skip


OTHERS = {"gpt2": gpt2, "mixtral": mixtral}


@cache
def other(kind: str) -> LocalSubject:
    """A subject of another architecture."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LocalSubject.of(OTHERS[kind](), tokenizer(), cpu())


class FromScratch(LocalSubject):
    """A model whose recipe is known: random weights."""

    def remake(self, data: Data, seed: int) -> LocalSubject:
        """Others."""
        return subject(seed + 1)


@cache
def knowing() -> LocalSubject:
    """One that has learned all of the answers."""
    known: LocalSubject = made("finetune", data=Data((), (*DATA.forget, *DATA.retain)), steps=60, lr=3e-3, batch=8)
    return known


def config(name: str, **more: Any) -> Any:
    """A few quick steps, where the method takes steps."""
    kind = METHODS.get(name).config
    return kind(**{"steps": STEPS, "lr": 1e-2, "batch": BATCH, **more}) if issubclass(kind, LoopConfig) else kind()


def made(name: str, original: LocalSubject | None = None, seed: int = 0, data: Data = DATA, **more: Any) -> Any:
    """What a method makes."""
    return METHODS.get(name).make(original or subject(), data, config(name, **more), seed)


def scores(of: LocalSubject) -> list[tuple[float, ...]]:
    """The log-probabilities of all answers, those of the forget set first."""
    asked = [Score(e.prompt, (e.answer,)) for e in (*DATA.forget, *DATA.retain)]
    return [answer.logp for answer in of.answer(asked)]  # type: ignore[union-attr]


def weights(of: LocalSubject) -> dict[str, Any]:
    """Parameters by name."""
    with of.open() as opened:
        return {name: weight.detach() for name, weight in opened.module.named_parameters()}


def anew(of: LocalSubject) -> str:
    """The digest of the weights as they are now."""
    with of.open() as opened:
        return FromScratch.of(opened.module, opened.tokenizer, cpu()).digest


def changed(name: str, trainable: Any) -> set[str]:
    """The parameters that a method changes."""
    before, after = weights(subject()), weights(made(name, trainable=trainable))
    assert before.keys() == after.keys()
    return {one for one in before if not torch.equal(before[one], after[one])}


def apart(one: LocalSubject, other: LocalSubject) -> float:
    """How far two subjects are from each other, as a share of how far the first is from the model that knows."""
    first, start, second = (
        torch.cat([weight.flatten() for weight in weights(of).values()]) for of in (one, knowing(), other)
    )
    return float((first - second).norm() / (first - start).norm())
