"""Which rows stand in which step."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

from pytest_unlearn.methods.data import Example
from pytest_unlearn.methods.sampler import EncodedSet, cyclic, paired_steps
from pytest_unlearn.subjects.requests import Prompt


def test_every_place_comes_once_before_any_comes_again():
    places = [i for batch in islice(cyclic(7, 3, _generator(0)), 14) for i in batch]  # 42 places: six passes
    for start in range(0, 42, 7):
        assert sorted(places[start : start + 7]) == list(range(7))
    assert places[:7] != places[7:14]


def test_the_order_depends_on_the_generator_s_seed_alone():
    def first(seed: int) -> list[list[int]]:
        return list(islice(cyclic(20, 4, _generator(seed)), 5))

    torch.manual_seed(1)
    one = first(3)
    torch.manual_seed(2)
    assert first(3) == one
    assert first(4) != one


def test_a_step_takes_as_many_retain_rows_as_forget_rows(bigram):
    pair = next(paired_steps(_sets(bigram(), 5, 40), batch=3, seed=0, tokens_at_once=10_000))[0]
    assert (pair.forget.count, pair.retain.count) == (3, 3)


def test_a_set_smaller_than_the_batch_is_taken_whole(bigram):
    pair = next(paired_steps(_sets(bigram(), 2, 40), batch=8, seed=0, tokens_at_once=10_000))[0]
    assert (sorted(pair.forget.at), pair.retain.count) == ([0, 1], 2)
    pair = next(paired_steps(_sets(bigram(), 40, 3), batch=8, seed=0, tokens_at_once=10_000))[0]
    assert (pair.forget.count, sorted(pair.retain.at)) == (8, [0, 1, 2])


def test_a_retain_set_alone_fills_the_batch(bigram):
    sets = {"retain": _sets(bigram(), 1, 9)["retain"]}
    pair = next(paired_steps(sets, batch=4, seed=0, tokens_at_once=10_000))[0]
    assert set(pair.rows) == {"retain"}
    assert pair.retain.count == 4


@pytest.mark.parametrize("tokens_at_once", [1, 6, 10, 17, 10_000])
def test_the_pieces_of_a_step_hold_its_rows_once_and_know_its_counts(bigram, tokens_at_once):
    sets = _sets(bigram(), 6, 6)
    whole = next(paired_steps(sets, 6, 0, 10_000))
    pieces = next(paired_steps(sets, 6, 0, tokens_at_once))
    assert len(whole) == 1
    for name in ("forget", "retain"):
        assert sorted(i for piece in pieces for i in getattr(piece, name).at) == list(range(6))
        assert {(getattr(p, name).count, getattr(p, name).tokens) for p in pieces} == {
            (6, getattr(whole[0], name).tokens)
        }
    assert len(pieces) == {1: 6, 6: 6, 10: 4, 17: 3, 10_000: 1}[tokens_at_once]  # rows of at most 3 tokens, 36 in all


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
