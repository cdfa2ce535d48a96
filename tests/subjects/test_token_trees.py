"""Tokens in a tree get the states that they have in rows of their own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import MambaConfig, MambaForCausalLM, MistralConfig, MistralForCausalLM

from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.prefix import Ids, distinct, read_anew, start
from pytest_unlearn.subjects.token_trees import TokenTrees, divided, tree_of

ROWS = st.lists(st.lists(st.integers(3, 6), min_size=1, max_size=6).map(tuple), min_size=1, max_size=12)


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def body(request: pytest.FixtureRequest, tiny: SimpleNamespace) -> Body:
    return Body(getattr(tiny, request.param)())


@given(rows=ROWS, then=ROWS, shared=st.lists(st.integers(3, 9), max_size=5).map(tuple))
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
def test_a_tree_that_grows_twice_gives_the_states_of_its_plain_rows(
    body: Body, rows: list[Ids], then: list[Ids], shared: Ids
) -> None:
    """Two trees beside each other, of which the first grows below its first sequence and the second at its root."""
    with torch.no_grad():
        trees = TokenTrees(body, start(body, shared), 2)
        (new, ends), (other, _) = tree_of(rows, trees.size(0)), tree_of(then, trees.size(1))
        states = trees.read([new, other])
        size = trees.size(0)
        more, more_ends = tree_of(then, size)
        below = [(ends[0] if parent == 0 else parent, token) for parent, token in more]
        later = trees.read([below, tree_of(rows, trees.size(1))[0]])
        for row, end in zip(rows, ends, strict=True):
            assert torch.allclose(states[0, end - 1], read_anew(body, [shared + row])[0, -1], atol=1e-4)
        for row, end in zip(then, more_ends, strict=True):
            expected = read_anew(body, [shared + rows[0] + row])[0, -1]
            assert torch.allclose(later[0, end - size], expected, atol=1e-4)


@given(rows=ROWS)
def test_a_tree_has_each_beginning_once(rows: list[Ids]) -> None:
    new, ends = tree_of(rows, 1)
    assert len(new) == distinct(rows)
    assert all(parent < number for number, (parent, _) in enumerate(new, start=1))
    for row, end in zip(rows, ends, strict=True):
        way = []
        while end:
            end, token = new[end - 1]
            way.append(token)
        assert tuple(reversed(way)) == row


@given(rows=ROWS, more=st.integers(0, 9), room=st.integers(1, 60), before=st.integers(0, 200))
def test_trees_hold_every_sequence_once_and_none_is_much_larger_than_there_is_room(
    rows: list[Ids], more: int, room: int, before: int
) -> None:
    below = [more] * len(rows)
    trees = divided(rows, below, before, room)
    assert sorted(i for tree in trees for i in tree) == list(range(len(rows)))
    longest = max(map(len, rows)) + more
    assert max(distinct(rows[i] for i in tree) + more * len(tree) for tree in trees) <= room + 2 * longest


def test_what_begins_alike_stands_together_and_what_does_not_fills_trees_evenly() -> None:
    alike = [(*range(100 * (i % 4), 100 * (i % 4) + 40), 1_000 + i) for i in range(40)]  # four beginnings of 40 tokens
    assert {len({alike[i][0] for i in tree}) for tree in divided(alike, [0] * 40, 0, 8_192)} == {1}
    apart = [tuple(range(1_000 * i, 1_000 * i + 20 + i % 9)) for i in range(40)]
    sizes = [sum(len(apart[i]) for i in tree) for tree in divided(apart, [0] * 40, 0, 8_192)]
    assert len(sizes) > 1
    assert max(sizes) - min(sizes) < 10


def test_an_architecture_without_such_masks_and_paths_beyond_a_window_are_read_in_rows(tiny: SimpleNamespace) -> None:
    assert Body(MambaForCausalLM(MambaConfig(vocab_size=400, hidden_size=64, num_hidden_layers=2)).eval()).deepest == 0
    config = MistralConfig(
        vocab_size=400, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=9,
    )  # fmt: skip
    assert Body(MistralForCausalLM(config).eval()).deepest == 9
    assert Body(tiny.llama()).deepest > 1_000_000
