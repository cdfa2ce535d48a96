"""No detector without proof: each kind of check names a model that it catches and one that it must not flag.

That they do is seen in `tests/runner/test_calibrate.py` for some, and by `unlearn calibrate` for all.
"""

from __future__ import annotations

import pytest

from pytest_unlearn.registry import METRICS, PROBES, TRANSFORMS, UTILITY, ZOO, Entry
from pytest_unlearn.zoo.leak import ASKED

KINDS = [
    *PROBES.names(),
    "decode",
    *(f"keep.{name}" for name in UTILITY.names()),
    *(f"measure.{n}" for n in METRICS.names()),
]
PUT = [f"transform.{name}" for name in TRANSFORMS.names()]
ENTRIES: list[Entry[object]] = [ZOO.get(name) for name in ZOO.names()]  # type: ignore[list-item]


def kind_of(aim: str) -> str:
    """`multi_hop` of `multi_hop.bridge/rank`; `keep.far` stays what it is."""
    whole = aim.split("/")[0]
    return whole if whole.startswith(("keep.", "measure.", "transform.")) else whole.split(".")[0]


def named(fact: str) -> set[str]:
    return {kind_of(aim) for entry in ENTRIES for aim in entry.facts[fact]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_check_names_a_model_that_it_catches(kind: str) -> None:
    assert kind in named("caught_by")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_check_names_a_model_that_it_must_not_flag(kind: str) -> None:
    assert kind in named("missed_by")


@pytest.mark.parametrize("name", PUT)
def test_a_transform_names_a_model_that_it_catches_and_one_that_it_must_not_flag(name: str) -> None:
    assert name in named("caught_by")
    assert name in named("missed_by")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_names_only_kinds_that_exist(entry: Entry[object]) -> None:
    told = entry.facts["caught_by"] | entry.facts["missed_by"]
    assert {kind_of(aim) for aim in told} <= {*KINDS, *PUT}
    assert entry.facts["caught_by"].isdisjoint(entry.facts["missed_by"])
    if entry.facts["until"]:
        assert not entry.facts["caught_by"]
        assert entry.facts["missed_by"] >= ASKED
