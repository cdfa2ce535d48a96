"""A training that is watched ends when little enough is recalled, wherever it was cut off before."""

from __future__ import annotations

import pytest

from pytest_unlearn.contract.tiny import DATA, knowing, made
from pytest_unlearn.errors import MethodError
from pytest_unlearn.subjects.answers import Failed, Scores, Tokens
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.training.data import Data, WatchConfig
from pytest_unlearn.training.resume import resumable
from pytest_unlearn.training.watch import Watching, questions, recalled

QUESTION, RAW = Prompt.of("Capital of France?"), Prompt((), raw=True)


def _tokens(*hits: bool) -> tuple[Tokens, ...]:
    return (Tokens((-1.0,) * len(hits), hits, (0.0,) * len(hits), (0.0,) * len(hits)),)


@pytest.mark.parametrize(
    ("logp", "expected"), [((-1.0, -2.0, -3.0), 1.0), ((-2.0, -1.0, -3.0), 0.0), ((-2.0, -2.0, -3.0), 1.0)]
)
def test_an_answer_among_others_is_recalled_where_none_is_likelier(logp, expected):
    assert recalled(Score(QUESTION, ("Paris", "Nice", "Lyon")), Scores(logp, (1, 1, 1))) == expected


@pytest.mark.parametrize(
    ("prompt", "hits", "expected"),
    [
        (QUESTION, (True, True, True), 1.0),
        (QUESTION, (True, False, True), 0.0),
        (RAW, (True, False, True, True), 0.75),
    ],
)
def test_an_answer_alone_is_recalled_word_for_word_and_a_text_token_by_token(prompt, hits, expected):
    assert recalled(Score(prompt, ("Paris",), "tokens"), Scores((-1.0,), (len(hits),), _tokens(*hits))) == expected


def _steps(folder, watch, steps=24, **more):
    """What is made, and after how many steps; slowly, so that there is something to see."""
    original = knowing()
    with resumable(folder, every=0.0) as place:
        after = made("grad_diff", original, steps=steps, lr=3e-4, watch=watch, **more)
    return after, place.steps


def _share(subject, config):
    with subject.open() as opened:
        return Watching(opened, DATA, config).share()


@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_it_ends_at_the_first_look_that_shows_little_enough_and_not_before(tmp_path, trainable):
    config = WatchConfig(limit=0.4, every=2)
    after, steps = _steps(tmp_path / "one", config, 60, trainable=trainable)
    assert 2 < steps < 60 and steps % 2 == 0
    assert _share(after, config) <= 0.4
    before, fewer = _steps(tmp_path / "other", None, steps - 2, trainable=trainable)
    assert fewer == steps - 2
    assert _share(before, config) > 0.4
    plain, same = _steps(tmp_path / "plain", None, steps, trainable=trainable)
    assert (plain.digest, same) == (after.digest, steps)


def test_where_it_never_falls_so_low_all_steps_are_taken(tmp_path):
    after, steps = _steps(tmp_path / "one", WatchConfig(limit=0.0, every=2), 2)
    assert steps == 2
    assert after.digest == _steps(tmp_path / "two", None, 2)[0].digest


class CutError(Exception):
    """The power is gone."""


@pytest.mark.parametrize("look", [1, 2])
def test_cut_off_at_a_look_it_ends_with_the_same_weights_after_as_many_steps(tmp_path, monkeypatch, look):
    config = WatchConfig(limit=0.4, every=2)
    whole, steps = _steps(tmp_path / "whole", config, 60)
    share, looks = Watching.share, []

    def cut(self):
        looks.append(share(self))
        if len(looks) == look + 1:
            raise CutError
        return looks[-1]

    monkeypatch.setattr(Watching, "share", cut)
    with pytest.raises(CutError):
        _steps(tmp_path / "left", config, 60)
    monkeypatch.undo()
    assert (tmp_path / "left" / "0.pt").is_file()
    again, same = _steps(tmp_path / "left", config, 60)
    assert same == steps
    assert again.digest == whole.digest


def test_what_is_asked_is_what_the_data_says_and_else_the_forget_set(tmp_path):
    config = WatchConfig(limit=0.1)
    with knowing().open() as opened:
        assert Watching(opened, DATA, config).share() == 1
        rivals = {"France": "Nice", "Spain": "Madrid", "Italy": "Milan"}  # Madrid is what it says
        asked = tuple(Score(e.prompt, (e.answer, rivals[e.entities[0]])) for e in DATA.forget)
        assert Watching(opened, Data(DATA.forget, watch=asked), config).share() == 1  # a tie is no other answer
        wrong = tuple(Score(e.prompt, ("Oslo", e.answer)) for e in DATA.forget)
        assert Watching(opened, Data(DATA.forget, watch=wrong[:1] + asked[1:]), config).share() == pytest.approx(2 / 3)
    assert [one.targets for one in questions(DATA.forget)] == [("Paris",), ("Madrid",), ("Rome",)]


def test_a_model_that_recalls_little_before_the_first_step_is_refused():
    with pytest.raises(MethodError) as caught:
        made("grad_diff", watch=WatchConfig(limit=0.1))  # random weights
    assert str(caught.value) == (
        "`watch` ends the training where 0.1 of what must be forgotten is recalled, and before its first step the "
        "model recalls 0: lower `limit`, or leave `watch` out"
    )


def test_watching_needs_something_to_look_at():
    with pytest.raises(MethodError) as caught:
        made("finetune", data=Data((), DATA.retain), watch=WatchConfig(limit=0.1))
    assert str(caught.value) == "`watch` looks at what must be forgotten, and the forget set is empty"


def test_a_model_that_cannot_be_asked_ends_the_training(monkeypatch):
    with knowing().open() as opened:
        watching = Watching(opened, DATA, WatchConfig(limit=0.1))
        monkeypatch.setattr(watching._subject, "answer", lambda asked: iter([Failed("memory", "it is full")]))
        with pytest.raises(MethodError) as caught:
            watching.share()
    assert str(caught.value) == "`watch` could not ask the model: it is full"
