from __future__ import annotations

import pytest

from pytest_unlearn.cli.sizes import bytes_of, shown
from pytest_unlearn.errors import UnlearnError


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (270_300_000, "270 MB"), (999_600_000, "1.0 GB"), (5e15, "5000 TB")],
)
def test_a_size_is_shown_in_two_or_three_figures(size: float, text: str) -> None:
    assert shown(size) == text


@pytest.mark.parametrize(("text", "size"), [("5GB", 5_000_000_000), ("1.5 kb", 1500), ("12", 12)])
def test_a_size_is_read(text: str, size: int) -> None:
    assert bytes_of(text) == size


def test_what_is_no_size_is_told() -> None:
    with pytest.raises(UnlearnError) as caught:
        bytes_of("5 gigs")
    assert str(caught.value) == "'5 gigs' is no size: write 500MB or 5GB"
