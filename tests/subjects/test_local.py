"""A local subject keeps the contract: order, laziness, and exact bits when it is asked alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pytest_unlearn.subjects.answers import Scores
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.subjects.requests import Generate, Prompt, Request, Score

ASKED = [Score(Prompt.of(f"Question {i}?"), ("Paris", "Lyon")) for i in range(5)]


def test_it_is_a_subject(llama: LocalSubject) -> None:
    subject: Subject = llama
    assert isinstance(llama, Subject)
    assert subject.can == {"score", "generate", "read", "weights"}
    assert (subject.reach, subject.base) == ("weights", None)


def test_answers_come_in_the_order_of_requests_of_both_kinds(llama: LocalSubject) -> None:
    mixed: list[Request] = []
    for question in ASKED:
        mixed += [question, Generate(question.prompt, 3), question]
    answers = list(llama.answer(mixed))
    assert answers[::3] == answers[2::3] == list(llama.answer(ASKED))
    assert answers[1::3] == list(llama.answer([Generate(q.prompt, 3) for q in ASKED]))


def test_closing_frees_the_weights_and_asking_loads_them_again(llama: LocalSubject) -> None:
    before = list(llama.answer(ASKED))
    llama.close()
    assert llama._loaded is None
    assert list(llama.answer(ASKED)) == before
    # embedding 400 * 64, two layers of 64 * (64 + 32 + 32 + 64 + 3 * 128) + 2 * 64, norm 64; 4 bytes each
    assert llama.bytes == pytest.approx(4 * (25_600 + 2 * 36_992 + 64), rel=0.01)


def test_half_precision_is_asked_alone_in_float32_and_is_itself_again_after(llama_folder: Path, cpu: Placement) -> None:
    half = LocalSubject(llama_folder, replace(cpu, dtype=torch.bfloat16))
    first = list(half.answer(ASKED))
    body = half._load()[0]
    bits = {name: weight.clone() for name, weight in body.causal.state_dict().items()}
    alone = list(half.answer(ASKED, alone=True))
    assert alone != first
    for weight in body.causal.state_dict().values():
        assert weight.dtype == torch.bfloat16
    assert all(torch.equal(bits[name], weight) for name, weight in body.causal.state_dict().items())
    assert list(half.answer(ASKED)) == first
    # what was asked alone is what the rounded weights say when every step is done in float32
    wide = LocalSubject.of(body.causal.float(), half._load()[1].tokenizer, cpu)
    for a, b in zip(alone, wide.answer(ASKED), strict=True):
        assert isinstance(a, Scores) and isinstance(b, Scores)
        assert a.logp == pytest.approx(b.logp, abs=1e-4)


def test_asking_alone_does_not_depend_on_what_else_is_asked(llama: LocalSubject) -> None:
    assert list(llama.answer(ASKED, alone=True))[3] == next(llama.answer([ASKED[3]], alone=True))


def test_quick_ways_are_used_only_where_they_give_the_same_logits(tiny: SimpleNamespace) -> None:
    model = tiny.llama()
    assert (Body(model).split, Body(model).shares) == (True, True)
    plain = model.lm_head.forward
    model.forward, forward = lambda *a, **k: scaled(forward(*a, **k)), model.forward
    assert plain(torch.zeros(64)).shape == (400,)
    assert (Body(model).split, Body(model).shares) == (False, True)


def scaled(output: object) -> object:
    """What a model does that works on its logits after the head."""
    output.logits = output.logits * 0.5  # type: ignore[attr-defined]
    return output
