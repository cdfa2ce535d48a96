"""What questions and documents become: examples to train on, text to read, and answers that luck explains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pytest_unlearn.checks.controls import chances
from pytest_unlearn.errors import Mark
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.documents import PIECE, Document
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.metrics.measure import Sight
from pytest_unlearn.metrics.perplexity_ratio import PerplexityRatioConfig, perplexity_ratio
from pytest_unlearn.probes.asked import pair_probes
from pytest_unlearn.runner.examples import training_data
from pytest_unlearn.subjects.answers import Failed, Output, Outputs
from pytest_unlearn.subjects.requests import Generate, Prompt, Score
from pytest_unlearn.training.data import Example

NOTHING = Knowledge({}, {}, (), {}, "")
FILE = Mark(Path("q.jsonl"))
PAIR = Pair("Where does Jane live?", ("Lyon", "Lyons"), ("Jane's home town?",), ("Jane",), FILE)
KEPT = Pair("Where does Ann live?", ("Turin",), at=FILE)
LONG = Document(" ".join(f"w{i}" for i in range(PIECE + 1)))


def closure(**parts: Any) -> Closure:
    return Closure(NOTHING, (), (), (), (), frozenset(), **parts)


def test_methods_train_on_questions_with_their_first_answer_and_on_documents_as_raw_pieces() -> None:
    made = closure(pairs=(PAIR,), documents=(LONG,))
    data = training_data(NOTHING, made, Kept(pairs=(KEPT,)), Kept(documents=(Document("kept"),)))
    first, second, third = data.forget
    assert first == Example(Prompt.of(PAIR.question), "Lyon", PAIR.id, ("Jane",))
    assert (second.prompt, len(second.answer.split()), second.unit) == (Prompt((), raw=True), PIECE, LONG.id)
    assert third.answer == f"w{PIECE}"
    assert [example.answer for example in data.retain] == ["Turin"]
    assert [example.answer for example in data.holdout] == ["kept"]


def test_a_watched_question_stands_among_the_other_answers_that_its_file_gives() -> None:
    given = replace(PAIR, alternates=("Metz", "Nice"))
    data = training_data(NOTHING, closure(pairs=(given, KEPT), documents=(Document("all"),)), Kept(), Kept())
    assert [(one.prompt, one.targets, one.detail) for one in data.watch] == [
        (Prompt.of(PAIR.question), ("Lyon", "Metz", "Nice"), "tokens"),
        (Prompt.of(KEPT.question), ("Turin",), "tokens"),
        (Prompt((), raw=True), ("all",), "tokens"),
    ]


def test_perplexity_is_read_on_pieces_of_held_out_documents() -> None:
    sight = Sight(NOTHING, Kept(documents=(LONG, Document("short"))), False, 0.01, 0)
    asking = perplexity_ratio(PerplexityRatioConfig(pieces=2), sight)
    prose = next(asking).requests
    asked = asking.send([Failed("unreadable", "a small vocabulary")] * len(prose)).requests
    assert [cast(Score, request).targets[0] for request in asked] == list(LONG.pieces())


def test_an_answer_that_is_given_to_every_question_is_put_down_to_chance() -> None:
    pairs = (*(Pair(f"Where does {i} live?", (f"town{i}",), at=FILE) for i in range(5)),)
    probes = [probe for probe in pair_probes(pairs, pairs, kind="direct") if probe is not None]
    asking = chances(Text(TextConfig()), "candidate", probes, cast(Any, None))
    requests = next(asking).requests
    assert {cast(Generate, request).prompt.text for request in requests} == {pair.question for pair in pairs}
    try:
        asking.send([Outputs((Output("town0, I think"),))] * len(requests))
    except StopIteration as stop:
        found = stop.value
    assert found == {probe.id: float(probe.gold == (("town0",),)) for probe in probes}
