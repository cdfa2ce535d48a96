"""Scope-aware unlearning by hand, and which retained question stands behind which forgotten one."""

from __future__ import annotations

import math

import pytest

from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.methods.scope_aware import ScopeAwareConfig, behind, scope_aware_terms, scope_rows
from pytest_unlearn.subjects.requests import Prompt, Text
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.sampler import EncodedSet, in_pieces, sampled

LN2 = math.log(2)
ROWS = {"forget": [("a", "bcd")], "retain": [("e", "fgh")], "refusals": [("a", "h")]}


@pytest.fixture
def now(bigram):
    return bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ah=1 / 8, ef=1 / 2, fg=1 / 2, gh=1 / 2)


def test_the_loss_by_hand(now, stand):
    """A table of letter pairs sees the last letter alone: behind a forgotten question the answer is as likely."""
    terms = scope_aware_terms(now, *stand(now, [], **ROWS), ScopeAwareConfig(forgetting="grad_diff"))
    assert {name: term.mean.item() for name, term in terms.items()} == {
        "forget": pytest.approx(-4 * LN2 / 3), "retain": pytest.approx(LN2), "scope": pytest.approx(LN2),
    }  # fmt: skip
    assert (terms["scope"].weight, terms["scope"].count) == (5.0, 3)
    assert sum(term.weight * term.mean.item() for term in terms.values()) == pytest.approx(3.2347, abs=1e-4)


def test_what_forgets_may_be_npo_or_learning_to_refuse(now, bigram, stand):
    frozen, pair = stand(bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2), ["forget"], **ROWS)
    npo = npo_terms(now, frozen, pair, NPOConfig(beta=0.3, forget_weight=0.5, retain_weight=2.0))
    found = scope_aware_terms(now, frozen, pair, ScopeAwareConfig(beta=0.3, forget_weight=0.5, retain_weight=2.0))
    assert set(found) == {*npo, "scope"}
    for name, term in npo.items():
        assert (found[name].mean.item(), found[name].weight) == (term.mean.item(), term.weight)
    refusing = scope_aware_terms(now, frozen, pair, ScopeAwareConfig(forgetting="refusal", forget_weight=0.5))
    assert (refusing["forget"].mean.item(), refusing["forget"].weight) == (pytest.approx(3 * LN2), 0.5)
    assert refusing["retain"].mean.item() == pytest.approx(LN2)


def test_the_forgotten_question_stands_before_the_retained_one_without_its_answer(now, stand):
    _, pair = stand(now, [], forget=[("ab", "cd"), ("g", "h")], retain=[("e", "fgh"), ("f", "g")])
    rows = scope_rows(now, pair.forget, pair.retain)
    text = [
        "".join("abcdefgh"[i] for i in row[: int(n)])
        for row, n in zip(rows.batch.ids, rows.batch.mask.sum(1), strict=True)
    ]
    assert text == ["abefgh", "gfg"]
    assert [(row != -100).sum().item() for row in rows.batch.labels] == [3, 1]
    assert (rows.count, rows.tokens) == (2, 4)


def test_the_template_s_turns_and_the_weight_are_those_of_the_retained_example():
    system = ("system", (Text("Be brief."),))
    asked = Prompt((system, ("user", (Text("Who is Ann?"),))), opening="She is")
    made = behind(Example(Prompt.of("Who is Joe?"), "a cook", "joe"), Example(asked, "a smith", "ann", weight=2.0))
    assert made == Example(
        Prompt((system, ("user", (Text("Who is Joe? Who is Ann?"),))), opening="She is"), "a smith", "ann", weight=2.0
    )


def test_beside_a_document_the_retained_question_stands_alone_and_a_retained_document_goes_on():
    document, question = Example(Prompt((), raw=True), "Once", "d"), Example(Prompt.of("Who is Ann?"), "a smith", "ann")
    assert behind(document, question) == question
    assert behind(document, document) == document
    assert behind(question, document).prompt == Prompt.of("Who is Ann?", raw=True)


@pytest.mark.parametrize("retained", [2, 5, 7])
def test_who_stands_behind_whom_does_not_depend_on_the_pieces_of_a_step(bigram, retained):
    model = bigram()
    sets = {
        "forget": EncodedSet("forget", [Example(Prompt.of(p), "h", p) for p in "abcde"], model),
        "retain": EncodedSet(
            "retain", [Example(Prompt.of("f" + "g" * i), "h" * (i + 1), "") for i in range(retained)], model
        ),
    }
    found = []
    for tokens_at_once in (8, 10_000):
        step = {"forget": [3, 0, 4, 1, 2], "retain": list(range(retained))[:5]}
        pieces = next(in_pieces(sets, iter([step]), tokens_at_once))
        rows = [scope_rows(model, pair.forget, pair.retain) for pair in pieces]
        found.append(
            sorted(
                tuple(ids[: int(n)].tolist())
                for r in rows
                for ids, n in zip(r.batch.ids, r.batch.mask.sum(1), strict=True)
            )
        )
        assert {(r.count, r.tokens) for r in rows} == {(5, sum((r.batch.labels != -100).sum().item() for r in rows))}
    assert found[0] == found[1]
    assert len(found[0]) == 5


def test_an_example_that_comes_twice_in_a_step_stands_before_two_others(bigram):
    data = Data((Example(Prompt.of("a"), "h", "a"),), tuple(Example(Prompt.of(p), "gh", p) for p in "bc"))
    model = bigram()
    sets = {name: EncodedSet(name, getattr(data, name), model) for name in ("forget", "retain")}
    (pair,) = next(in_pieces(sets, sampled("cyclic", data, 2, 0)[1], 10_000))
    assert pair.forget.at == (0, 0)
    rows = scope_rows(model, pair.forget, pair.retain)
    assert {tuple(row[:2].tolist()) for row in rows.batch.ids} == {(0, 1), (0, 2)}  # "ab" and "ac"
