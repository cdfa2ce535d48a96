"""Questions that begin alike share what they begin with, and no number shows it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM, PreTrainedModel

from pytest_unlearn.subjects.answers import Outputs, Scores
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.prefix import distinct
from pytest_unlearn.subjects.requests import Generate, Prompt, Score

COUNTRIES = "France Spain Peru Chad Oman Cuba Togo Mali Fiji Laos Iran Iraq".split()
TEMPLATES = ("What is the capital of {}?", "Which city is the capital of {}?")
ANSWERS = ("Paris", "Lyon", "South Sudan", "Papua New Guinea", "Papua")


def gemma(_: SimpleNamespace) -> PreTrainedModel:
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=400, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, initializer_range=0.3, max_position_embeddings=256, sliding_window=64,
            final_logit_softcapping=None, attn_implementation="eager",
        )
    )  # fmt: skip


MODELS: dict[str, Callable[[SimpleNamespace], PreTrainedModel]] = {
    "llama": lambda tiny: tiny.llama(),
    "gpt2": lambda tiny: tiny.gpt2(),
    "gemma": gemma,
}


@pytest.fixture(scope="module", params=list(MODELS))
def both(request: pytest.FixtureRequest, tiny: SimpleNamespace, cpu: Placement) -> tuple[PreTrainedModel, LocalSubject]:
    torch.manual_seed(0)
    model = MODELS[request.param](tiny).eval()
    return model, LocalSubject.of(model, tiny.tokenizer(), cpu)


def asked(subject: LocalSubject, raw: bool = False) -> list[Score]:
    return [Score(Prompt.of(text.format(country), raw=raw), ANSWERS[:2]) for country in COUNTRIES for text in TEMPLATES]


@pytest.mark.parametrize("raw", [False, True])
def test_questions_of_one_template_get_the_numbers_of_their_plain_rows(
    both: tuple[PreTrainedModel, LocalSubject], raw: bool, tiny: SimpleNamespace
) -> None:
    model, subject = both
    for request, answer in zip(asked(subject, raw), subject.answer(asked(subject, raw)), strict=True):
        assert isinstance(answer, Scores)
        assert list(answer.logp) == pytest.approx(tiny.plainly(model, tiny.tokenizer(), request), abs=1e-4)


def test_little_more_is_read_than_the_tree_of_the_questions_holds(both: tuple[PreTrainedModel, LocalSubject]) -> None:
    _, subject = both
    before = subject.effort.tokens - subject.effort.padded, subject.effort.distinct
    list(subject.answer([*asked(subject), *asked(subject)]))
    pushed = subject.effort.tokens - subject.effort.padded - before[0]
    assert pushed <= 1.15 * (subject.effort.distinct - before[1])


def test_what_is_generated_is_what_each_question_alone_is_answered(
    both: tuple[PreTrainedModel, LocalSubject],
) -> None:
    _, subject = both
    questions = [Generate(request.prompt, max_new=6) for request in asked(subject)]
    together = list(subject.answer(questions))
    for question, answer in zip(questions, together, strict=True):
        (alone,) = subject.answer([question])
        close = isinstance(answer, Outputs) and answer.near_tie < 1e-4
        assert close or getattr(answer, "items", answer) == getattr(alone, "items", alone)


WORDS = st.sampled_from("the capital of France is Paris and Which city".split())
PROMPTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
REQUESTS = st.lists(
    st.builds(
        Score,
        st.builds(Prompt.of, PROMPTS, raw=st.booleans()),
        st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3, unique=True).map(tuple),
        end=st.booleans(),
    ),
    min_size=1,
    max_size=24,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REQUESTS)
def test_any_set_of_requests_gets_the_numbers_of_plain_rows(
    both: tuple[PreTrainedModel, LocalSubject], tiny: SimpleNamespace, requests: list[Score]
) -> None:
    model, subject = both
    for request, answer in zip(requests, subject.answer(requests), strict=True):
        assert isinstance(answer, Scores)
        assert list(answer.logp) == pytest.approx(tiny.plainly(model, tiny.tokenizer(), request), abs=1e-4)


@given(st.lists(st.lists(st.integers(0, 2), max_size=6).map(tuple), max_size=12))
def test_distinct_tokens_are_the_different_beginnings(rows: list[tuple[int, ...]]) -> None:
    assert distinct(rows) == len({row[:n] for row in rows for n in range(1, len(row) + 1)})
