"""Modules that are imported when first used, so that registered files stay readable without them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class _Later:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


if TYPE_CHECKING:
    import hypothesis
    import numpy
    import torch
    import transformers
else:
    torch = _Later("torch")
    transformers = _Later("transformers")
    numpy = _Later("numpy")
    hypothesis = _Later("hypothesis")

__all__ = ["hypothesis", "numpy", "torch", "transformers"]
