"""Packing rows into batches, and the trie of targets."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unlearn.subjects.answers import Failed
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.trie import Trie


def test_a_batch_holds_rows_of_like_length_within_the_budget() -> None:
    # rows cost 10 + 100 positions each, so 3 fit in 350; the short ones cost 2 + 100
    assert packs([10, 2, 10, 10, 10, 2], 350, [100] * 6) == [[0, 2, 3], [4, 1, 5]]
    # 200 long rows are a full batch already, so that short ones are not padded to them
    assert [len(pack) for pack in packs([10] * 200 + [2] * 100, 10**6, [0] * 300)] == [200, 100]


def test_a_row_above_the_budget_is_a_batch_of_its_own() -> None:
    assert packs([500, 400], 100, [0, 0]) == [[0], [1]]


def test_one_item_that_cannot_be_worked_on_is_found_and_the_others_keep_their_order() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 3 in items:
            raise KeyError("three")
        return [item * 10 for item in items]

    found = persevere([1, 2, 3, 4, 5], Budget(64), work)
    assert found == [10, 20, Failed("cannot", "KeyError: 'three'"), 40, 50]


def test_memory_errors_shrink_the_budget_for_good() -> None:
    budget = Budget(64)

    def work(items: Sequence[int]) -> list[int]:
        if budget.tokens > 20:
            raise MemoryError
        return list(items)

    assert persevere([1, 2], budget, work) == [1, 2]
    assert budget.tokens == 16


def test_targets_that_begin_alike_are_read_in_one_row() -> None:
    trie = Trie([(1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 9), (7,), (8, 2)])
    rows = [[trie.token[node] for node in path] for path in trie.rows(range(5))]
    assert sorted(rows) == [[1, 2, 3, 4], [8]]
    assert [[trie.token[node] for node in path] for path in trie.rows([0, 3])] == [[1, 2]]
    assert [[trie.token[node] for node in path] for path in trie.paths] == [
        [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 9], [7], [8, 2],
    ]  # fmt: skip
