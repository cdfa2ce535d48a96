"""Objectives that prefer another answer to the forgotten one, by hand, and the rows beside the forget rows."""

from __future__ import annotations

import dataclasses
import math
from itertools import islice

import pytest
import torch

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods.altpo import AltPOConfig, altpo_terms
from pytest_unlearn.methods.dpo import DPOConfig, dpo_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.loop import fit
from pytest_unlearn.training.partners import partners_of, with_partners
from pytest_unlearn.training.refusals import refusals
from pytest_unlearn.training.sampler import EncodedSet, in_pieces, sampled

LN2 = math.log(2)
RETAIN = [("e", "fgh")]
CASES = {
    "refusals": (dpo_terms, DPOConfig, "h", 12.5247),  # had 1/4, has 1/2
    "alternates": (altpo_terms, AltPOConfig, "g", 11.8914),  # had 1/8, has 1/2
}


@pytest.fixture
def original(bigram):
    return bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2, ah=1 / 4, ag=1 / 8, ef=1 / 2, fg=1 / 2, gh=1 / 2)


@pytest.fixture
def nows(bigram):
    """The model of each case: the forgotten answer has 1/2, 1/4, 1/2, the other one 1/2."""
    rest = {"bc": 1 / 4, "cd": 1 / 2, "ef": 1 / 2, "fg": 1 / 2, "gh": 1 / 2}
    return {"refusals": bigram(ab=0.4999999, ah=0.5, **rest), "alternates": bigram(ab=0.4999999, ag=0.5, **rest)}


@pytest.mark.parametrize("name", CASES)
def test_the_loss_by_hand(name, nows, original, stand):
    terms_of, config, other, expected = CASES[name]
    frozen, pair = stand(original, forget=[("a", "bcd")], retain=RETAIN, **{name: [("a", other)]})
    terms = terms_of(nows[name], frozen, pair, config())
    moved = {"refusals": 2, "alternates": 3}[name] * LN2
    by_hand = 20 * math.log(1 + math.exp(-0.1 * moved))
    assert terms["forget"].mean.item() == pytest.approx(by_hand, abs=1e-4) == pytest.approx(expected, abs=1e-4)
    assert terms["retain"].mean.item() == pytest.approx(LN2)
    assert (terms["forget"].weight, terms["retain"].weight, terms["forget"].count) == (1.0, 1.0, 1)


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_starts_as_likelihood_of_one_less_that_of_the_other_whatever_beta_is(name, original, stand):
    terms_of, config, other, _ = CASES[name]
    frozen, pair = stand(original, forget=[("a", "bcd")], **{name: [("a", other)]})
    logp = torch.log_softmax(table := original.module.weight.detach().clone().requires_grad_(), -1)
    direct = logp[0, 1] + logp[1, 2] + logp[2, 3] - logp[0, ord(other) - ord("a")]
    (expected,) = torch.autograd.grad(direct, table)
    for beta in (0.01, 0.1, 2.0):
        original.module.weight.grad = None
        terms_of(original, frozen, pair, config(beta=beta, retain_weight=0))["forget"].mean.backward()
        torch.testing.assert_close(original.module.weight.grad, expected)


def test_dpo_with_a_winner_that_has_not_moved_is_npo(bigram, original, stand):
    now = bigram(ab=1 / 2, bc=1 / 4, cd=1 / 2, ah=1 / 4, ag=1 / 8, ef=1 / 2, fg=1 / 2, gh=1 / 2)
    frozen, pair = stand(original, forget=[("a", "bcd")], refusals=[("a", "h")])
    found = dpo_terms(now, frozen, pair, DPOConfig(retain_weight=0))["forget"].mean.item()
    assert found == pytest.approx(npo_terms(now, frozen, pair, NPOConfig(retain_weight=0))["forget"].mean.item())


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair) for pair in pairs)


DATA = Data(
    _examples("abcd", "bc", "cdef", "dgh", "ea"),
    _examples("fgh", "ghab", "hc", "fa", "gbcd", "hhh", "fd"),
    refusals=("h", "hh", "hhh"),
    alternates=_examples("ag", "ah", "bf", "cf", "df", "dff", "dfff", "eg"),
)


def test_each_forget_example_has_refusals_of_its_own_which_its_seed_decides():
    many = dataclasses.replace(DATA, refusals=refusals())
    drawn = partners_of(many, "refusals", 0)
    assert [len(some) for some in drawn] == [5] * 5
    for example, some in zip(DATA.forget, drawn, strict=True):
        assert {one.prompt for one in some} == {example.prompt}
        assert len({one.answer for one in some} & set(refusals())) == 5
    assert len({tuple(one.answer for one in some) for some in drawn}) == 5
    assert partners_of(many, "refusals", 0) == drawn
    assert partners_of(many, "refusals", 1) != drawn
    assert [len(some) for some in partners_of(DATA, "refusals", 0)] == [3] * 5


def test_each_forget_example_has_the_alternates_of_its_question():
    assert [[one.answer for one in some] for some in partners_of(DATA, "alternates", 0)] == [
        ["g", "h"], ["f"], ["f"], ["f", "ff", "fff"], ["g"],
    ]  # fmt: skip


def test_a_forget_example_without_an_alternate_is_an_error():
    data = dataclasses.replace(DATA, alternates=DATA.alternates[:3])
    with pytest.raises(MethodError) as caught:
        partners_of(data, "alternates", 0)
    assert str(caught.value) == "3 of 5 forget examples have no alternate answer: give each question some"


@pytest.mark.parametrize("tokens_at_once", [6, 10_000])
def test_a_forget_row_stands_beside_its_next_partner_whatever_the_pieces_are(bigram, tokens_at_once):
    model, partners = bigram(), partners_of(DATA, "alternates", 0)
    sets = {name: EncodedSet(name, getattr(DATA, name), model) for name in ("forget", "retain")}
    flat = [one for some in partners for one in some]
    rows = EncodedSet("alternates", flat, model)
    steps = with_partners(
        in_pieces(sets, sampled("paired", DATA, 5, 0)[1], tokens_at_once), rows, [len(some) for some in partners]
    )
    met: dict[int, list[str]] = {}
    for pieces in islice(steps, 4):  # a step is a pass over the five forget rows
        for pair in pieces:
            assert [flat[i].prompt for i in pair.alternates.at] == [DATA.forget[i].prompt for i in pair.forget.at]
            for i, j in zip(pair.forget.at, pair.alternates.at, strict=True):
                met.setdefault(i, []).append(flat[j].answer)
            assert pair.alternates.count == 5
            assert pair.alternates.tokens == sum(len(flat[j].answer) for p in pieces for j in p.alternates.at)
    assert met[0] == ["g", "h", "g", "h"]
    assert met[3] == ["f", "ff", "fff", "f"]
    assert met[4] == ["g"] * 4


@pytest.mark.parametrize("name", CASES)
def test_training_prefers_the_other_answers(name, bigram):
    terms_of, config, _, _ = CASES[name]
    model, views = bigram(), ["forget", name]
    losses = fit(model, DATA, config(steps=20, lr=0.05), 0, terms_of, views, beside=name)
    assert losses[0]["forget"] == pytest.approx(20 * LN2, abs=1e-4)
    assert losses[-1]["forget"] < losses[0]["forget"] - 2


@pytest.mark.parametrize("name", CASES)
def test_without_any_the_set_is_named(name, bigram):
    terms_of, config, _, _ = CASES[name]
    data = dataclasses.replace(DATA, **{name: ()})
    with pytest.raises(MethodError, match=f"^this method trains on the {name} set, but the {name} set is empty$"):
        fit(bigram(), data, config(steps=1), 0, terms_of, ["forget", name], beside=name)


def test_a_hundred_refusals_come_with_the_package_and_none_twice():
    assert len(refusals()) == len({text.lower() for text in refusals()}) == 100
    assert all(text == text.strip() and text.endswith(".") for text in refusals())
