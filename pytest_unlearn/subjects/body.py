"""A causal language model as the engine sees it: a part that reads tokens, and a head that speaks.

What can be shared between rows depends on the architecture, so it is tried rather than looked up: a few tokens are read
in the plain way and in the quick ways, and a quick way is used where the logits agree.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.effort import Effort

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import DynamicCache

TRIED = 7  # tokens
CLOSE = {"float32": 1e-4, "float64": 1e-4}  # of the largest logit; half precision rounds more
CLOSE_HALF = 5e-2
NOISE = {"float32": 1e-3, "float64": 1e-3, "float16": 0.1}  # of a log-probability, between a row in a batch and alone
NOISE_HALF = 0.5


class Body:
    """Reads rows of token ids and gives states, of which `logits` makes logits.

    `split`: states are hidden states and the head is applied only where it is asked for; else states are logits.
    `shares`: rows may begin with what was read before, kept in a cache. Rows in a cache end at its right edge, so that
    every row is contiguous and windowed attention sees true distances.
    `deepest`: how many tokens may follow each other in a tree, where what each token looks at is written into a mask; 0
    where the architecture takes no such mask.
    """

    def __init__(self, module: nn.Module, effort: Effort | None = None) -> None:
        """Raises SubjectError for a module that is no causal language model of transformers."""
        self.effort = effort or Effort()
        self.causal: Any = _plain(module)
        self._decoder: Any = self.causal.base_model
        accepted = inspect.signature(self._decoder.forward).parameters
        self._cache_word = "cache" if "cache" in accepted else "past_key_values"
        self._placed = "position_ids" in accepted
        config = self.causal.config.get_text_config()
        capped = getattr(config, "final_logit_softcapping", None)  # too flat near zero to be seen in small logits
        self._split = self._head is not None and self._decoder is not self.causal and not capped
        self.longest: int | None = getattr(config, "max_position_embeddings", None) or None
        self.vocabulary: int = self.causal.get_input_embeddings().weight.shape[0]
        self.split, self.shares, self.deepest = True, True, sys.maxsize
        windows = (getattr(config, name, None) or sys.maxsize for name in ("sliding_window", "attention_chunk_size"))
        self._window: int = min(windows)
        self._try()

    @property
    def _head(self) -> Any:
        return self.causal.get_output_embeddings()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.causal.get_input_embeddings().weight.device
        return device

    @property
    def precision(self) -> str:
        """Of the weights as they are now."""
        return str(next(self.causal.parameters()).dtype).removeprefix("torch.")

    @property
    def noise(self) -> float:
        """How far an answer may lie from that of its request alone, in float32."""
        return NOISE.get(self.precision, NOISE_HALF)

    def cache(self) -> DynamicCache:
        """An empty cache."""
        from pytest_unlearn.subjects.cache import empty

        return empty()

    def read(
        self, ids: Tensor, mask: Tensor, positions: Tensor | None = None, cache: DynamicCache | None = None
    ) -> Tensor:
        """States (B, T, D) of `ids` (B, T), which are added to `cache`.

        `mask` (B, P + T) is true where a token stands, over the P positions in the cache and the T new ones.
        `positions` (B, T) counts the tokens of each row from 0; without it rows begin at the left edge.
        """
        self.effort.batches += 1
        self.effort.tokens += ids.numel()
        self.effort.padded += ids.numel() - int(mask[:, -ids.shape[1] :].sum())
        given: dict[str, Any] = {"input_ids": ids, "attention_mask": mask.long(), "use_cache": cache is not None}
        if cache is not None:
            given[self._cache_word] = cache
        if positions is not None and self._placed:
            given["position_ids"] = positions if self.longest is None else positions.clamp(max=self.longest - 1)
        return self._states(given)

    def read_trees(self, ids: Tensor, seen: Tensor, positions: Tensor, cache: DynamicCache, tokens: int) -> Tensor:
        """States (B, T, D) of `ids` (B, T), which are added to `cache`; `tokens` of them are no padding.

        `seen` (B, T, P + T) is true where a token may look, at the P positions in the cache and the T new ones.
        """
        self.effort.batches += 1
        self.effort.tokens += ids.numel()
        self.effort.padded += ids.numel() - tokens
        kind = next(self.causal.parameters()).dtype
        mask = torch.zeros(seen.shape, dtype=kind, device=seen.device).masked_fill(~seen, torch.finfo(kind).min)
        given = {"input_ids": ids, "attention_mask": mask[:, None], "use_cache": True, self._cache_word: cache}
        if self._placed:
            given["position_ids"] = positions if self.longest is None else positions.clamp(max=self.longest - 1)
        return self._states(given)

    def _states(self, given: dict[str, Any]) -> Tensor:
        states: Tensor = self._decoder(**given).last_hidden_state if self.split else self.causal(**given).logits
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits (..., V) in float32 of states (..., D)."""
        logits: Tensor = self._head(states) if self.split else states
        return logits.float()

    def _try(self) -> None:
        training = self.causal.training
        self.causal.eval()
        counted = (self.effort.batches, self.effort.tokens, self.effort.padded)
        try:
            with torch.no_grad():
                ids = torch.arange(1, TRIED + 1, device=self.device).remainder(self.vocabulary)[None]
                whole = torch.ones_like(ids, dtype=torch.bool)
                self.split = False
                expected = self.logits(self.read(ids, whole))
                self.split = self._split
                self.split = self._agrees(expected, lambda: self.read(ids, whole)) and self.split
                self.shares = self._agrees(expected[:, -3:], lambda: self._shared(ids))
                self.deepest = self._window if self._agrees(expected[:, -3:], lambda: self._trees(ids)) else 0
        finally:
            self.causal.train(training)
            self.effort.batches, self.effort.tokens, self.effort.padded = counted

    def _shared(self, ids: Tensor) -> Tensor:
        """The last three states of `ids`, read after a cached start, in a row padded on both sides."""
        from pytest_unlearn.subjects.prefix import fill, start

        row = tuple(ids[0].tolist())
        held = fill(self, [row[:-2], row[:-3]], start(self, row[:2])).take([1, 0])
        after = torch.tensor([row[-3:-1], row[-2:]], device=ids.device)
        states = held.extend(self, after, torch.tensor([2, 2], device=ids.device))
        return torch.stack([states[0, 0], states[0, 1], states[1, 1]])[None]

    def _trees(self, ids: Tensor) -> Tensor:
        """The last three states of `ids`, read in two goes in trees with branches that lead elsewhere."""
        from pytest_unlearn.subjects.prefix import start
        from pytest_unlearn.subjects.token_trees import TokenTrees, tree_of

        row = tuple(ids[0].tolist())
        trees = TokenTrees(self, start(self, row[:2]), 2)
        new, ends = tree_of([row[2:-2][::-1], row[2:-2]], trees.size(0))
        first, size = trees.read([new, new[:1]]), trees.size(0)
        then = trees.read([[(0, row[0]), (ends[1], row[-2]), (size + 1, row[-1])], []])
        return torch.stack([first[0, ends[1] - 1], then[0, 1], then[0, 2]])[None]

    def _agrees(self, expected: Tensor, attempt: Any) -> bool:
        try:
            found = self.logits(attempt())
        except Exception as error:  # an architecture that lacks something may raise anything
            if is_memory(error):
                raise
            return False
        if not expected.isfinite().all():
            return True  # broken weights are told from answers
        room = CLOSE.get(self.precision, CLOSE_HALF) * expected.abs().max().clamp(min=1e-3).item()
        return bool(torch.allclose(found, expected, rtol=0, atol=room))


def _plain(given: nn.Module) -> Any:
    """The causal language model inside adapters, which act from within it."""
    module: Any = given
    if (configs := getattr(module, "peft_config", None)) is not None and hasattr(module, "get_base_model"):
        if any(config.is_prompt_learning for config in configs.values()):
            raise SubjectError(
                "an adapter of the prompt-learning kind cannot be opened: its tokens are no weights of the model"
            )
        module = module.get_base_model()
    if not hasattr(module, "get_output_embeddings") or not hasattr(module, "base_model"):
        raise SubjectError(f"{type(module).__name__} is no causal language model of transformers")
    return module


def is_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device."""
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "not enough memory" in text)
    )


@contextmanager
def float32(module: nn.Module) -> Iterator[None]:
    """Half-precision weights in float32 for a while. Widening and narrowing again gives back the same bits."""
    narrow = [
        (t, t.dtype) for t in (*module.parameters(), *module.buffers()) if t.dtype in (torch.float16, torch.bfloat16)
    ]
    try:
        for tensor, _ in narrow:
            tensor.data = tensor.data.float()
        yield
    finally:
        for tensor, dtype in narrow:
            tensor.data = tensor.data.to(dtype)
