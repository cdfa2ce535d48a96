"""Which tests of the contract wait for `make check-all`."""

from __future__ import annotations

import pytest

TRAINED_ANEW = "test_recall_and_retention_on_a_small_world_lie_in_its_band[retrain]"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`retrain` trains a second model of the small world from scratch."""
    for item in items:
        if item.name == TRAINED_ANEW:
            item.add_marker(pytest.mark.slow)
