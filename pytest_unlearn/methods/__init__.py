"""Unlearning methods, one file each, and `unlearn`, which uses them from Python."""

from __future__ import annotations

from pytest_unlearn.training.library import unlearn

__all__ = ["unlearn"]
