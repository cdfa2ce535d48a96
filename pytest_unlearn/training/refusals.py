"""Ways of saying that one does not know: what some methods teach in place of a forgotten answer."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def refusals() -> tuple[str, ...]:
    """The hundred sentences of `refusals.txt`, in English, in its order."""
    return tuple(files("pytest_unlearn.training").joinpath("refusals.txt").read_text("utf-8").splitlines())
