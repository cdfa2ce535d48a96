"""Batched decoding gives each row what it would have said alone."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2LMHeadModel, MambaConfig, MambaForCausalLM

from pytest_unlearn.subjects.answers import Failed, Outputs
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Generate, Prompt, Rollout

QUESTIONS = ("What is the capital of France?", "Where does Jane Roe live?", "Juba?", "Which city? " * 4)


def one(subject: LocalSubject, request: Generate) -> Outputs:
    (answer,) = subject.answer([request])
    assert isinstance(answer, Outputs)
    return answer


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_batch_says_what_greedy_decoding_row_by_row_says(name: str, request: pytest.FixtureRequest) -> None:
    subject: LocalSubject = request.getfixturevalue(name)
    asked = [Generate(Prompt.of(question), max_new) for question in QUESTIONS for max_new in (3, 12)]
    answers = list(subject.answer(asked))
    body, encoder, ends = subject._load()
    for question, answer in zip(asked, answers, strict=True):
        ids, gap = list(encoder.prompt(question.prompt)), math.inf
        said: list[int] = []
        while len(said) < question.max_new and not (said and said[-1] in ends):
            with torch.no_grad():
                best = body.causal(torch.tensor([ids + said])).logits[0, -1].topk(2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            said.append(int(best.indices[0]))
        assert isinstance(answer, Outputs)
        assert answer.items[0].text == encoder.decode(said).strip()
        assert answer.items[0].finish == ("end" if said[-1] in ends else "length")
        assert answer.near_tie == pytest.approx(gap, abs=1e-4)
    assert list(subject.answer(asked, alone=True)) == [
        Outputs(a.items, pytest.approx(a.near_tie, abs=1e-4)) for a in answers if isinstance(a, Outputs)
    ]


def test_rows_that_ended_leave_the_batch(llama: LocalSubject) -> None:
    short, long = [Generate(Prompt.of(q), 2) for q in QUESTIONS[:3]], Generate(Prompt.of(QUESTIONS[3]), 30)
    list(llama.answer([long]))
    alone = llama.effort.tokens
    list(llama.answer([*short, long]))
    assert llama.effort.tokens - 2 * alone < 3 * 60  # three prompts and one more token each, not 30 more each


def test_an_architecture_without_a_shared_cache_generates_the_same(tiny: SimpleNamespace, cpu: Placement) -> None:
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(vocab_size=400, hidden_size=64, num_hidden_layers=2)).eval()
    for weight in model.parameters():
        weight.data.mul_(3)
    subject = LocalSubject.of(model, tiny.tokenizer(), cpu)
    together = list(subject.answer([Generate(Prompt.of(q), 6) for q in QUESTIONS]))
    assert not subject._load()[0].shares
    assert [a.items for a in together if isinstance(a, Outputs)] == [
        one(subject, Generate(Prompt.of(q), 6)).items for q in QUESTIONS
    ]


def test_samples_depend_on_their_seed_and_not_on_the_batch(llama: LocalSubject) -> None:
    warm = Generate(Prompt.of(QUESTIONS[0]), 8, samples=5, temperature=1.5, seed=3)
    first = one(llama, warm)
    others = [Generate(Prompt.of(q), 9, samples=2, temperature=1.0, seed=3) for q in QUESTIONS]
    *_, among = llama.answer([*others, warm])
    assert among == first
    assert len(set(first.items)) > 1
    assert one(llama, Generate(Prompt.of(QUESTIONS[0]), 8, samples=5, temperature=1.5, seed=4)) != first


def test_sampling_follows_the_distribution(llama: LocalSubject) -> None:
    # 400 draws of one token: the share of the likeliest text is within 4 standard errors of its probability
    body, encoder, _ = llama._load()
    prompt = Prompt.of(QUESTIONS[1], raw=True)
    with torch.no_grad():
        p = (body.causal(torch.tensor([encoder.prompt(prompt)])).logits[0, -1] / 2.0).softmax(-1)
    texts = [encoder.decode([token]).strip() for token in range(len(p))]
    chance = sum(float(p[i]) for i, text in enumerate(texts) if text == texts[int(p.argmax())])
    answer = one(llama, Generate(prompt, 1, samples=400, temperature=2.0))
    share = sum(item.text == texts[int(p.argmax())] for item in answer.items) / 400
    assert 0.05 < chance < 0.95
    assert abs(share - chance) < 4 * math.sqrt(chance * (1 - chance) / 400)


def test_a_greedy_answer_is_the_same_in_every_sample(llama: LocalSubject) -> None:
    answer = one(llama, Generate(Prompt.of(QUESTIONS[0]), 4, samples=3))
    assert len(answer.items) == 3 and len(set(answer.items)) == 1


def test_a_model_that_says_nothing_is_a_failure(tiny: SimpleNamespace, cpu: Placement) -> None:
    tokenizer = tiny.tokenizer()
    blank = LocalSubject.of(always(tiny.gpt2(), tokenizer.encode(" ", add_special_tokens=False)[0]), tokenizer, cpu)
    (answer,) = blank.answer([Generate(Prompt.of("Juba?"), 5)])
    assert answer == Failed("empty", "the model said nothing but spaces")


def test_a_model_that_ends_its_turn_at_once_shows_what_it_would_say(tiny: SimpleNamespace, cpu: Placement) -> None:
    tokenizer = tiny.tokenizer()
    ending = LocalSubject.of(always(tiny.gpt2(), 2), tokenizer, cpu)
    for alone in (False, True):
        (answer,) = ending.answer([Generate(Prompt.of("Juba?"), 5)], alone=alone)
        assert isinstance(answer, Outputs)
        assert answer.items[0].text and answer.items[0].finish == "end"
    (sampled,) = ending.answer([Generate(Prompt.of("Juba?"), 5, temperature=0.01)])
    assert isinstance(sampled, Failed) and sampled.reason == "empty"  # a sample is what it does say


def test_broken_weights_are_a_failure(tiny: SimpleNamespace, cpu: Placement) -> None:
    model = tiny.llama()
    model.model.norm.weight.data[:] = math.nan
    (answer,) = LocalSubject.of(model, tiny.tokenizer(), cpu).answer([Generate(Prompt.of("Juba?"), 5)])
    assert answer == Failed(
        "not-a-number", "the logits of the next token are not finite numbers: the weights are broken"
    )


def test_generation_stays_inside_what_the_model_can_read(llama: LocalSubject, gpt2: LocalSubject) -> None:
    for subject in (llama, gpt2):
        prompt = Prompt.of("x" * 250, raw=True)
        room = 256 - len(subject._load()[1].prompt(prompt))
        assert one(subject, Generate(prompt, 100)) == one(subject, Generate(prompt, room))


def test_memory_that_runs_out_is_survived(tiny: SimpleNamespace, cpu: Placement) -> None:
    asked = [Generate(Prompt.of(question), 5) for question in QUESTIONS]
    model = tiny.llama()
    subject = LocalSubject.of(model, tiny.tokenizer(), cpu)
    expected = list(subject.answer(asked))

    def check(_: object, __: object, given: dict[str, torch.Tensor]) -> None:
        if given["attention_mask"].numel() > 120:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.model.register_forward_pre_hook(check, with_kwargs=True)
    found = list(subject.answer(asked))
    assert [a.items for a in found if isinstance(a, Outputs)] == [a.items for a in expected if isinstance(a, Outputs)]


def test_what_a_local_model_cannot_do_is_said(llama: LocalSubject) -> None:
    answers = list(llama.answer([Rollout("task", 1, 0), Generate(Prompt.of("Juba?"), 1)]))
    assert answers[0] == Failed("cannot", "a language model takes no actions")
    assert isinstance(answers[1], Outputs | Failed)


def test_a_prompt_that_leaves_nothing_to_say_is_a_failure(gpt2: LocalSubject) -> None:
    """256 positions: as many tokens can be read, but no answer can follow."""
    size = next(n for n in range(1, 999) if len(gpt2._load()[1].prompt(Prompt.of("x" * n, raw=True))) == 256)
    full, longer, none = gpt2.answer(
        [
            Generate(Prompt.of("x" * size, raw=True), 5),
            Generate(Prompt.of("x" * (size + 1), raw=True), 5),
            Generate(Prompt((), raw=True), 5),
        ]
    )
    assert full == Failed("unreadable", "the prompt's 256 tokens leave no room for an answer")
    assert longer == Failed("unreadable", "257 tokens are more than the 256 that the model reads")
    assert none == Failed("unreadable", "the prompt has no token")


def always(model: GPT2LMHeadModel, token: int) -> GPT2LMHeadModel:
    """The model made to say one token whatever it reads: its last state is that token's own embedding."""
    model.transformer.ln_f.weight.data.zero_()
    model.transformer.ln_f.bias.data.copy_(model.transformer.wte.weight[token])
    return model


def test_an_answer_is_confirmed_in_one_pass_and_decoded_anew_where_it_is_not_repeated(llama: LocalSubject) -> None:
    asked = [Generate(Prompt.of(question), 12) for question in QUESTIONS]
    before = list(llama.answer(asked))
    llama.effort.batches = 0
    confirmed = list(llama.answer(asked, alone=True))
    assert llama.effort.batches == len(asked)
    for request in asked:
        llama._drafts[request] = tuple(reversed(llama._drafts[request]))
    again = list(llama.answer(asked, alone=True))
    assert llama.effort.batches > 3 * len(asked)
    texts = [[a.items for a in answers if isinstance(a, Outputs)] for answers in (before, confirmed, again)]
    assert texts[0] == texts[1] == texts[2]
