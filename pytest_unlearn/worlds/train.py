"""A small decoder trained from scratch on a world: its tokenizer, its weights, its one loop.

Tuned for two CPU cores and less than a minute. What matters most is the scale of the first weights: at 0.02, the usual
choice for large models, as many steps leave most two-hop questions unlearned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MultipleOf

from pytest_unlearn.errors import MethodError
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.lazy import torch, transformers
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.opened import IGNORED, OpenedModel
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import texts, timetable

BOS, EOS, PAD, USER, ASSISTANT = SPECIAL = ("<|bos|>", "<|eos|>", "<|pad|>", "<|user|>", "<|assistant|>")
POSITIONS = 256
LONG = 72  # tokens of a row that short ones are not padded to
PIECES = 512  # entries of the byte-level vocabulary before whole words are added
SCALE = 0.07  # standard deviation of the first weights
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|eos|>"
    "{% else %}{{ raise_exception('this model knows no ' + message['role'] + ' turns') }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


Architecture = Literal["llama", "gpt2", "mixtral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """`batch` counts the rows of a step, on average. `lr` is the peak of a one-cycle schedule."""

    steps: Annotated[int, Ge(1)] = 800
    batch: Annotated[int, Ge(1)] = 64
    lr: Annotated[float, Gt(0)] = 1.5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig(FitConfig):
    """How large a model is, and how long it is trained."""

    width: Annotated[int, Ge(32), Le(1024), MultipleOf(32)] = 128
    layers: Annotated[int, Ge(1), Le(12)] = 2


def tokenizer_of(texts: Iterable[str], positions: int = POSITIONS) -> Any:
    """A byte-level tokenizer in which every word of `texts` is one entry; other words fall into at most 512 pieces.

    A space before each word belongs to it, also at the start of a text, so that a name is the same entry everywhere.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    texts = list(texts)
    split = pre_tokenizers.ByteLevel(add_prefix_space=True)
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = split
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    learned = json.loads(pieces.to_str())["model"]
    vocabulary: dict[str, int] = dict(learned["vocab"])
    for word in sorted({word for text in texts for word, _ in split.pre_tokenize_str(text)}):
        vocabulary.setdefault(word, len(vocabulary))
    merges = [tuple(pair) for pair in learned["merges"]]
    whole = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    whole.pre_tokenizer, whole.decoder = split, decoders.ByteLevel()
    whole.add_special_tokens(list(SPECIAL))
    whole.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, vocabulary[BOS])])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=whole,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[USER, ASSISTANT],
        add_prefix_space=True,
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
        chat_template=TEMPLATE,
    )


def decoder(tokenizer: Any, config: WorldConfig, seed: int, architecture: Architecture = "llama") -> Any:
    """A causal model with first weights drawn from `seed`, in float32."""
    heads, positions = config.width // 32, tokenizer.model_max_length
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": False,
        "initializer_range": SCALE,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if architecture == "gpt2":
        sizes = {"n_positions": positions, "n_embd": config.width, "n_layer": config.layers, "n_head": heads}
        still = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        shape = transformers.GPT2Config(**common, **sizes, **still)
    else:
        sizes = {
            "hidden_size": config.width,
            "num_hidden_layers": config.layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": positions,
        }
        if architecture == "mixtral":
            experts = {"num_local_experts": 4, "num_experts_per_tok": 2, "intermediate_size": config.width}
            shape = transformers.MixtralConfig(**common, **sizes, **experts)
        else:
            shape = transformers.LlamaConfig(**common, **sizes, intermediate_size=config.width * 8 // 3)
    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(shape, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim >= 2:
                weights.normal_(0.0, SCALE, generator=generator)
    return model


def grown(
    knowledge: Knowledge,
    examples: Sequence[Example],
    config: WorldConfig,
    seed: int,
    architecture: Architecture = "llama",
    more: Iterable[str] = (),
    positions: int = POSITIONS,
) -> OpenedModel:
    """A model with the vocabulary of the whole world and of `more`, trained from scratch on some examples.

    `positions`: how many tokens it reads.
    """
    tokenizer = tokenizer_of((*texts(knowledge), *more), positions)
    opened = OpenedModel(decoder(tokenizer, config, seed, architecture), Encoder(tokenizer))
    fit(opened, examples, config, seed)
    return opened


def fit(
    opened: OpenedModel,
    examples: Sequence[Example],
    config: FitConfig,
    seed: int,
    weights: Sequence[Any] | None = None,
    stepped: Callable[[], None] | None = None,
) -> list[float]:
    """Train the module in place on the answers of `examples`; returns the loss of each step, nats a token.

    weights  the parameters that are trained, without them all
    stepped  is called after every step

    Raises MethodError where no fact is left to train on.
    """
    if not any(example.unit for example in examples):
        raise MethodError(
            "there is nothing to train a model of this world on: the request takes every fact with it. Forget less, or "
            "give a model that never learned the target as `reference`"
        )
    model: Any = opened.module
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model  # peft puts adapters inside it
    body, head = causal.base_model, causal.get_output_embeddings()
    weights = list(model.parameters() if weights is None else weights)
    rows = opened.encode([(example.prompt, example.answer) for example in examples])
    lengths = rows.mask.sum(1)
    optimiser = torch.optim.AdamW(weights, lr=config.lr, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    losses: list[float] = []
    model.train()
    for step, places in enumerate(timetable(examples, config.steps, config.batch, seed)):
        if not places:
            continue
        states, expected = [], []
        for batch in _alike(torch.tensor(places), lengths):
            longest = int(lengths[batch].max())
            read, wanted = rows.ids[batch, : longest - 1], rows.labels[batch, 1:longest]  # (batch, seq)
            answers = wanted != IGNORED
            # No mask: padding stands on the right, where a causal model's answers do not see it.
            states.append(body(input_ids=read, use_cache=False).last_hidden_state[answers])  # (answers, width)
            expected.append(wanted[answers])
        loss = torch.nn.functional.cross_entropy(head(torch.cat(states)), torch.cat(expected))
        optimiser.param_groups[0]["lr"] = config.lr * one_cycle(step / config.steps)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        if stepped is not None:
            stepped()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def _alike(batch: Any, lengths: Any) -> list[Any]:
    """The rows of a step; where one is long, those of much the same length together, so that few are padded much."""
    if int(lengths[batch].max()) <= LONG:
        return [batch]
    sizes = [int(length - 1).bit_length() for length in lengths[batch]]  # up to a power of two
    return [batch[[size == one for size in sizes]] for one in sorted(set(sizes))]


def one_cycle(done: float) -> float:
    """The share of the peak rate after a share `done` of the steps: up for three tenths, then down, linearly."""
    return min(done / 0.3 + 0.01, (1.0 - done) / 0.7 + 0.01, 1.0)
