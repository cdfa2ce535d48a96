"""A key/value cache with room to grow, so that a token more does not copy all that is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor

ROOM = 32  # positions


class _Roomy(DynamicLayer):  # type: ignore[misc]
    """Keeps every position, in a buffer of which `keys` and `values` show what is filled."""

    keys: Tensor
    values: Tensor
    _buffers: tuple[Tensor, Tensor] | None = None
    _shown: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add positions, (rows, heads, new, width) each, and return all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.get_seq_length()
        total = held + key_states.shape[-2]
        own = self._shown is not None and self._shown[0] is self.keys and self._shown[1] is self.values
        if self._buffers is None or not own or self._buffers[0].shape[-2] < total:
            grown = [new.new_empty((*new.shape[:2], total + ROOM, new.shape[-1])) for new in (key_states, value_states)]
            if held:
                grown[0][:, :, :held], grown[1][:, :, :held] = self.keys, self.values
            self._buffers = grown[0], grown[1]
        self._buffers[0][:, :, held:total], self._buffers[1][:, :, held:total] = key_states, value_states
        self.keys, self.values = self._shown = (
            self._buffers[0][:, :, :total],
            self._buffers[1][:, :, :total],
        )
        return self.keys, self.values


def empty() -> DynamicCache:
    """An empty cache that keeps every position, whatever the model's own attention windows are."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = _Roomy
    return cache
