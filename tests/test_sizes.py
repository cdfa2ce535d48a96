from __future__ import annotations

import pytest

from pytest_unlearn.sizes import bytes_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2 GB", 2 * 10**9), ("500MB", 5 * 10**8), (" 1.5 tb ", 15 * 10**11), ("12", 12), ("7 B", 7), ("0kB", 0)],
)
def test_a_size_is_a_number_with_a_unit(text: str, expected: int) -> None:
    assert bytes_of(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "2 GX", "-1 GB", "2 G", "1e9"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        bytes_of(text)
    assert str(caught.value) == f"'{text}' is not a size: write a number with kB, MB, GB or TB, such as 2 GB"
