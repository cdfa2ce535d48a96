"""Whatever is shared, padded or packed, each number is that of one plain row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedModel,
)

from pytest_unlearn.subjects import reading
from pytest_unlearn.subjects.answers import Failed, Scores
from pytest_unlearn.subjects.devices import Placement, pick
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Media, Prompt, Score

QUESTIONS = (
    "What is the capital of France?",
    "Where does Jane Roe live?",
    "Juba?",
    "Which city is the capital of South Sudan?",
)
TARGETS = ("Paris", "Lyon", "South Sudan", "Papua New Guinea", "Papua New Guinea is the capital", "Guinea-Bissau", "x")
WIDE = {
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
DEEP = {**WIDE, "num_key_value_heads": 2, "initializer_range": 0.3, "max_position_embeddings": 256}


def requests() -> list[Score]:
    chat = [Score(Prompt.of(question), TARGETS) for question in QUESTIONS]
    raw = [Score(Prompt.of(question, raw=True), TARGETS[:3]) for question in QUESTIONS]
    more = [Score(Prompt.of(QUESTIONS[0], opening="The answer:"), TARGETS, end=True, detail="tokens")]
    document = [Score(Prompt((), raw=True), ("The capital of France is Paris. " * 3,))]
    return chat + raw + more + document


MODELS: dict[str, Callable[[SimpleNamespace], PreTrainedModel]] = {
    "llama": lambda tiny: tiny.llama(),
    "gpt2": lambda tiny: tiny.gpt2(),
    "a window of 5 tokens": lambda _: MistralForCausalLM(MistralConfig(**DEEP, sliding_window=5)),
    "capped logits": lambda _: Gemma2ForCausalLM(
        Gemma2Config(**DEEP, head_dim=16, sliding_window=7, final_logit_softcapping=3.0, attn_implementation="eager")
    ),
    "experts": lambda _: MixtralForCausalLM(MixtralConfig(**DEEP, num_local_experts=4, num_experts_per_tok=2)),
    "recurrent": lambda _: MambaForCausalLM(MambaConfig(vocab_size=400, hidden_size=64, num_hidden_layers=2)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("tokens", [4096, 60])
def test_every_score_is_that_of_its_plain_row(name: str, tokens: int, tiny: SimpleNamespace, cpu: Placement) -> None:
    torch.manual_seed(0)
    model, tokenizer = MODELS[name](tiny).eval(), tiny.tokenizer()
    subject = LocalSubject.of(model, tokenizer, cpu)
    subject._budget.tokens = tokens
    for request, answer in zip(requests(), subject.answer(requests()), strict=True):
        assert isinstance(answer, Scores)
        assert list(answer.logp) == pytest.approx(tiny.plainly(model, tokenizer, request), abs=1e-4)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_asking_alone_gives_the_same_numbers(name: str, request: pytest.FixtureRequest) -> None:
    subject: LocalSubject = request.getfixturevalue(name)
    together, alone = subject.answer(requests()), subject.answer(requests(), alone=True)
    for a, b in zip(together, alone, strict=True):
        assert isinstance(a, Scores) and isinstance(b, Scores)
        assert a.logp == pytest.approx(b.logp, abs=1e-4)
        assert a.lengths == b.lengths


def test_a_prompt_is_read_once_for_all_its_targets_and_a_common_start_once_for_all_prompts(llama: LocalSubject) -> None:
    encoder = Encoder(llama._load()[1].tokenizer)
    asked = [Score(Prompt.of(question), TARGETS) for question in QUESTIONS]
    naive = sum(len(encoder.pair(r.prompt, t).ids) for r in asked for t in r.targets)
    list(llama.answer(asked))
    assert llama.effort.requests == 4
    assert llama.effort.tokens < naive / 4


def test_token_details_are_those_of_the_distribution(llama: LocalSubject) -> None:
    # mean = sum of p log p, variance = sum of p (log p - mean)^2, from the plain row
    request = Score(Prompt.of("Juba?"), ("South Sudan",), detail="tokens")
    (answer,) = llama.answer([request])
    assert isinstance(answer, Scores) and answer.tokens is not None
    body, encoder, _ = llama._load()
    pair = encoder.pair(request.prompt, "South Sudan")
    with torch.no_grad():
        logp = body.causal(torch.tensor([pair.ids])).logits[0].log_softmax(-1)[pair.prompt_len - 1 : -1]
    p = logp.exp()
    mean = (p * logp).sum(-1)
    tokens = answer.tokens[0]
    assert list(tokens.mean) == pytest.approx(mean.tolist(), abs=1e-4)
    assert list(tokens.variance) == pytest.approx((p * (logp - mean[:, None]) ** 2).sum(-1).tolist(), abs=1e-3)
    assert list(tokens.hit) == (logp.argmax(-1) == torch.tensor(pair.target)).tolist()
    assert sum(tokens.logp) == pytest.approx(answer.logp[0])


def test_the_end_of_turn_counts_where_it_is_asked_for(llama: LocalSubject) -> None:
    bare, closed = llama.answer([Score(Prompt.of("Juba?"), ("Lyon",)), Score(Prompt.of("Juba?"), ("Lyon",), end=True)])
    assert isinstance(bare, Scores) and isinstance(closed, Scores)
    assert closed.lengths[0] == bare.lengths[0] + 1
    assert closed.logp[0] < bare.logp[0]


def test_broken_weights_give_a_failure_and_not_a_number(tiny: SimpleNamespace, cpu: Placement) -> None:
    model = tiny.llama()
    model.model.layers[1].mlp.down_proj.weight.data[0, 0] = math.nan
    (answer,) = LocalSubject.of(model, tiny.tokenizer(), cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))])
    assert answer == Failed(
        "not-a-number", "the log-probability of 'Lyon' is not a finite number: the weights are broken"
    )


def test_what_is_no_number_in_one_prompt_leaves_the_others_theirs(tiny: SimpleNamespace, cpu: Placement) -> None:
    model, tokenizer = tiny.llama(tie_word_embeddings=False), tiny.tokenizer()
    asked = [Score(Prompt.of(question), TARGETS[:3]) for question in QUESTIONS]
    expected = list(LocalSubject.of(model, tokenizer, cpu).answer(asked))
    encoder = Encoder(tokenizer)
    others = {token for one in asked[1:] for target in TARGETS[:3] for token in encoder.pair(one.prompt, target).ids}
    (own, *_) = [token for token in encoder.prompt(asked[0].prompt) if token not in others]
    with torch.no_grad():
        model.get_input_embeddings().weight[own] = float("nan")
    first, *rest = LocalSubject.of(model, tokenizer, cpu).answer(asked)
    assert isinstance(first, Failed) and first.reason == "not-a-number"
    for found, answer in zip(rest, expected[1:], strict=True):
        assert isinstance(found, Scores) and isinstance(answer, Scores)
        assert found.logp == pytest.approx(answer.logp, abs=1e-4)


def test_one_bad_request_leaves_the_others_their_answers_and_their_order(llama: LocalSubject) -> None:
    good = Score(Prompt.of("Juba?"), ("Lyon",))
    bad = [
        Score(Prompt.of("far too long " * 300), ("Lyon",)),
        Score(Prompt.of("Juba?"), ("Lyon", "")),
        Score(Prompt.of("Juba?"), ("Lyon",), layout="elsewhere"),
        Score(Prompt((("user", (Media("image", "00"),)),)), ("Lyon",)),
    ]
    answers = list(llama.answer([bad[0], good, *bad[1:], good]))
    assert isinstance(answers[0], Failed)
    assert re.fullmatch(r"\d+ tokens are more than the 256 that the model reads", answers[0].why)
    assert answers[2:5] == [
        Failed("unreadable", "the target '' has no token that could be predicted"),
        Failed("cannot", "no token layout is called 'elsewhere'"),
        Failed("cannot", "this subject reads text only, and the prompt holds media"),
    ]
    assert isinstance(answers[1], Scores) and answers[1] == answers[-1]


def test_a_tokenizer_with_more_tokens_than_the_model_has_rows_is_a_failure(
    tiny: SimpleNamespace, cpu: Placement
) -> None:
    subject = LocalSubject.of(tiny.llama(vocab_size=300), tiny.tokenizer(), cpu)
    (answer,) = subject.answer([Score(Prompt.of("What is the capital of France?"), ("Paris",))])
    assert isinstance(answer, Failed)
    assert re.fullmatch(r"the tokenizer's token \d+ is beyond the model's 300 embeddings", answer.why)


def test_memory_that_runs_out_makes_batches_smaller_until_they_fit(tiny: SimpleNamespace, cpu: Placement) -> None:
    model, tokenizer = tiny.llama(), tiny.tokenizer()
    expected = list(LocalSubject.of(model, tokenizer, cpu).answer(requests()))
    limited = LocalSubject.of(model, tokenizer, cpu)
    limited._load()
    model.model.register_forward_pre_hook(memory_of(60), with_kwargs=True)
    for a, b in zip(limited.answer(requests()), expected, strict=True):
        assert isinstance(a, Scores) and isinstance(b, Scores)
        assert a.logp == pytest.approx(b.logp, abs=1e-4)
    assert limited._budget.tokens < pick("cpu").tokens_at_once


def test_a_row_that_never_fits_fails_for_memory(tiny: SimpleNamespace, cpu: Placement) -> None:
    model = tiny.llama()
    subject = LocalSubject.of(model, tiny.tokenizer(), cpu)
    subject._load()
    model.model.register_forward_pre_hook(memory_of(0), with_kwargs=True)
    (answer,) = subject.answer([Score(Prompt.of("Juba?"), ("Lyon",))])
    assert isinstance(answer, Failed) and answer.reason == "memory"


def memory_of(tokens: int) -> Callable[..., None]:
    """A device with room for so many positions at once, fed only as fast as it can take them."""

    def check(_: Any, __: Any, given: dict[str, Any]) -> None:
        rows, columns = given["attention_mask"].shape[0], given["attention_mask"].shape[-1]
        if rows * columns > tokens * 2 or given["input_ids"].numel() > tokens:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")

    return check


@pytest.mark.parametrize("field", [5, len(TARGETS) + 10])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_where_only_the_likeliest_counts_it_is_the_same_and_less_is_read(
    name: str, field: int, request: pytest.FixtureRequest
) -> None:
    subject: LocalSubject = request.getfixturevalue(name)
    long = tuple(f"{start} {TARGETS[4]}" for start in "ABCDEFGHIJ")
    whole = [Score(Prompt.of(question), (*TARGETS, *long)) for question in QUESTIONS]
    expected = list(subject.answer(whole))
    full, subject.effort.tokens = subject.effort.tokens, 0
    found = list(subject.answer([replace(asked, field=field) for asked in whole]))
    assert subject.effort.tokens < full
    for all_read, some_read in zip(expected, found, strict=True):
        assert isinstance(all_read, Scores) and isinstance(some_read, Scores)
        best = max(all_read.logp[:field])
        for bound, true in zip(some_read.logp, all_read.logp, strict=True):
            assert bound == pytest.approx(true, abs=1e-5) or true < bound < best
        assert some_read.lengths == all_read.lengths


def test_very_many_targets_are_read_in_passes_that_fit(
    llama: LocalSubject, tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 50)
    many = tuple(f"{first}{second} Guinea" for first in "abcdefghij" for second in "klmnopqrst")
    asked = Score(Prompt.of(QUESTIONS[0]), many)
    widths = []
    body = llama._load()[0]
    read = body.read_trees
    monkeypatch.setattr(body, "read_trees", lambda ids, *rest: widths.append(ids.shape[1]) or read(ids, *rest))
    for field in (0, 40):
        (answer,) = llama.answer([replace(asked, field=field)])
        assert isinstance(answer, Scores)
        plain = tiny.plainly(body.causal, tiny.tokenizer(), asked)
        if field == 0:
            assert list(answer.logp) == pytest.approx(plain, abs=1e-4)
        else:
            assert max(answer.logp[:field]) == pytest.approx(max(plain[:field]), abs=1e-4)
    prompt = len(llama._load()[1].prompt(asked.prompt))
    assert len(widths) > 4
    assert max(widths) <= prompt + 50


def test_every_target_is_read_where_another_request_has_the_same_prompt(llama: LocalSubject) -> None:
    some, others = (Score(Prompt.of(QUESTIONS[0]), targets, field=3) for targets in (TARGETS[:3], TARGETS[3:]))
    expected = [replace(asked, field=0) for asked in (some, others)]
    assert list(llama.answer([some, others])) == list(llama.answer(expected))
