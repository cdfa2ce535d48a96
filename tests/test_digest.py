"""Equal data have equal digests; what has no canonical form has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.digest import digest


def test_the_order_of_keys_and_members_does_not_matter() -> None:
    assert digest({"a": 1, "b": {2, 3}}) == digest({"b": {3, 2}, "a": 1})
    assert digest([1, 2]) == digest((1, 2)) != digest([2, 1])
    assert digest(Path("a/b")) == digest("a/b")


def test_what_is_no_plain_data_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^no canonical form for object$"):
        digest(object())
