"""Which rows stand in which step."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.sampler import EncodedSet, in_pieces, modules, passes, sampled

SAMPLERS = ("paired", "cyclic", "modular")


def _rows(*about: str) -> tuple[Example, ...]:
    """An example for each text; its words are what it is about."""
    return tuple(Example(Prompt.of("a"), "b", str(i), tuple(words.split())) for i, words in enumerate(about))


ROWS = st.lists(st.lists(st.sampled_from("pqrstuvw"), max_size=2).map(" ".join), min_size=1, max_size=12).map(
    lambda about: _rows(*about)
)


def _places(sampler, data, batch=3, seed=0, steps=1):
    return list(islice(sampled(sampler, data, batch, seed)[1], steps))


def test_every_place_comes_once_before_any_comes_again():
    places = [i for batch in islice(passes(7, 3, _generator(0)), 14) for i in batch]  # 42 places: six passes
    for start in range(0, 42, 7):
        assert sorted(places[start : start + 7]) == list(range(7))
    assert places[:7] != places[7:14]


def test_the_order_depends_on_the_generator_s_seed_alone():
    def first(seed: int) -> list[list[int]]:
        return list(islice(passes(20, 4, _generator(seed)), 5))

    torch.manual_seed(1)
    one = first(3)
    torch.manual_seed(2)
    assert first(3) == one
    assert first(4) != one


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(max_examples=40, deadline=None)
@given(forget=ROWS, retain=ROWS, batch=st.integers(1, 5), seed=st.integers(0, 9))
def test_a_pass_of_any_sampler_covers_the_rows_that_it_claims(sampler, forget, retain, batch, seed):
    data = Data(forget, retain)
    epoch, steps = sampled(sampler, data, batch, seed)
    step = min(batch, epoch)
    seen = {"forget": [], "retain": []}
    for places in islice(steps, -(-epoch // step)):
        assert len(places["forget"]) == step
        assert len(places["retain"]) == (min(step, len(retain)) if sampler == "paired" else step)
        for name, at in places.items():
            seen[name] += at
    assert set(seen["forget"]) == set(range(len(forget)))
    if sampler == "paired":
        assert epoch == len(forget)
        assert sorted(seen["forget"][: len(forget)]) == list(range(len(forget)))
    else:
        assert set(seen["retain"]) == set(range(len(retain)))
        assert epoch >= max(len(forget), len(retain))
    assert _places(sampler, data, batch, seed, 3) == _places(sampler, data, batch, seed, 3)


def test_a_cyclic_pass_pairs_each_row_of_the_larger_set_once_with_the_next_of_the_other():
    (step,) = _places("cyclic", Data(_rows("p", "q"), _rows(*"vwxyz")), batch=99)
    assert sorted(zip(step["forget"], step["retain"], strict=True)) == [(0, 0), (0, 2), (0, 4), (1, 1), (1, 3)]
    (step,) = _places("cyclic", Data(_rows(*"vwxyz"), _rows("p", "q")), batch=99)
    assert sorted(zip(step["retain"], step["forget"], strict=True)) == [(0, 0), (0, 2), (0, 4), (1, 1), (1, 3)]


def test_modules_by_hand():
    """Ann has two rows to forget and three that stay, Bob two and one; one that stays is about neither."""
    forget = _rows("Ann Lyon", "Ann baker", "Bob Rome", "Bob smith")
    retain = _rows("Ann tea", "Eva Lyon", "Max Ann", "Eve Bob", "Zoe Oslo")
    pairs = modules(forget, retain, _generator(0))
    (drawn, other), *rest = pairs
    assert other == 4
    assert drawn in range(4)
    assert rest == [(0, 0), (1, 1), (0, 2), (2, 3), (3, 3)]


def test_a_module_without_neighbours_is_trained_on_all_the_same():
    pairs = modules(_rows("Ann Lyon", "Bob Rome"), _rows("Ann tea", "Ann milk"), _generator(0))
    assert pairs[:2] == [(0, 0), (0, 1)]
    assert [f for f, _ in pairs[2:]] == [1]


@settings(max_examples=60, deadline=None)
@given(forget=ROWS, retain=ROWS, seed=st.integers(0, 9))
def test_in_modules_what_is_about_the_same_stands_side_by_side(forget, retain, seed):
    pairs = modules(forget, retain, _generator(seed))
    known = {entity for example in forget for entity in example.entities}
    first = {}
    for example in forget:
        for entity in example.entities:
            first.setdefault(entity, example.entities[0])
    general = {j for j, example in enumerate(retain) if not known & set(example.entities)}
    for j in general:
        partners = [f for f, r in pairs if r == j]
        assert partners
    homes = {j: first[next(e for e in retain[j].entities if e in known)] for j in set(range(len(retain))) - general}
    with_home = set(homes.values())
    for f, r in pairs:
        mine = forget[f].entities[0] if forget[f].entities else ""
        if mine in with_home and r not in general:
            assert homes[r] == mine
    assert pairs == modules(forget, retain, _generator(seed))


def test_a_step_takes_as_many_retain_rows_as_forget_rows():
    (step,) = _places("paired", Data(_rows(*"pqrst"), _rows(*"pqrstuvw")))
    assert (len(step["forget"]), len(step["retain"])) == (3, 3)


def test_a_set_smaller_than_the_batch_is_taken_whole():
    (step,) = _places("paired", Data(_rows("p", "q"), _rows(*"pqrstuvw")), batch=8)
    assert (sorted(step["forget"]), len(step["retain"])) == ([0, 1], 2)
    (step,) = _places("paired", Data(_rows(*"pqrstuvwx"), _rows(*"pqr")), batch=8)
    assert (len(step["forget"]), sorted(step["retain"])) == (8, [0, 1, 2])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_set_alone_fills_the_batch(sampler):
    for data in (Data((), _rows(*"pqrst")), Data(_rows(*"pqrst"))):
        (step,) = _places(sampler, data, batch=4)
        (at,) = step.values()
        assert len(set(at)) == 4
        assert sampled(sampler, data, 4, 0)[0] == 5


@pytest.mark.parametrize("tokens_at_once", [1, 6, 10, 17, 18, 10_000])
def test_the_pieces_of_a_step_hold_its_rows_once_and_know_its_counts(bigram, tokens_at_once):
    sets = _sets(bigram(), 6, 6)
    step = {"forget": [3, 1, 4, 0, 5, 2], "retain": [0, 1, 2, 3, 4, 5]}
    (whole,) = next(in_pieces(sets, iter([step]), 10_000))
    pieces = next(in_pieces(sets, iter([step]), tokens_at_once))
    for name in ("forget", "retain"):
        assert sorted(i for piece in pieces for i in getattr(piece, name).at) == list(range(6))
        assert {(getattr(p, name).count, getattr(p, name).tokens) for p in pieces} == {(6, getattr(whole, name).tokens)}
        assert {getattr(p, name).step for p in pieces} == {tuple(step[name])}  # in its own order, whatever the pieces
    if tokens_at_once > 6:
        assert all(sum(rows.batch.ids.numel() for rows in p.rows.values()) <= tokens_at_once for p in pieces)
    # three rows of two tokens and three of three, in both sets: in halves the larger one has 18 tokens
    assert len(pieces) == {1: 6, 6: 6, 10: 5, 17: 3, 18: 2, 10_000: 1}[tokens_at_once]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=9),
    st.lists(st.integers(1, 7), min_size=1, max_size=9),
    st.integers(1, 60),
)
def test_pieces_are_cut_from_rows_sorted_by_length(forget, retain, tokens_at_once):
    class Sized:
        def __init__(self, lengths):
            self.length, self._lengths = lengths.__getitem__, lengths

        def size(self, at):
            return len(at) * max(self._lengths[i] for i in at)

        def rows(self, at, step, where):
            assert [step[i] for i in where] == at
            return list(at)

    sets = {"forget": Sized(forget), "retain": Sized(retain)}
    step = {name: list(range(len(lengths))) for name, lengths in (("forget", forget), ("retain", retain))}
    pieces = next(in_pieces(sets, iter([step]), tokens_at_once))
    for name, lengths in (("forget", forget), ("retain", retain)):
        found = [lengths[i] for piece in pieces for i in piece.rows[name]]
        assert found == sorted(lengths)
        assert all(piece.rows[name] for piece in pieces)
    if len(pieces) < min(len(forget), len(retain)):
        assert all(sum(sets[n].size(at) for n, at in p.rows.items()) <= tokens_at_once for p in pieces)


def test_rows_are_as_wide_as_their_longest_example(bigram):
    rows = _sets(bigram(), 6, 1)["forget"].rows([0, 2], [0, 2])  # the answers "b" and "b": two letters with the prompt
    assert rows.batch.ids.shape == (2, 2)
    assert rows.batch.labels.tolist() == [[-100, 1], [-100, 1]]


def _sets(model, forget: int, retain: int) -> dict[str, EncodedSet]:
    def examples(n: int) -> list[Example]:
        return [Example(Prompt.of("a"), "bc" if i % 2 else "b", str(i)) for i in range(n)]

    return {
        "forget": EncodedSet("forget", examples(forget), model),
        "retain": EncodedSet("retain", examples(retain), model),
    }


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
