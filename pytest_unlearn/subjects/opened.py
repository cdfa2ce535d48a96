"""Weights in this process: batches to train on, logits at answer positions, and saving what came out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.prefix import padded
from pytest_unlearn.subjects.quiet import quiet
from pytest_unlearn.subjects.readable import unreadable
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.sites import sites

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pytest_unlearn.subjects.protocol import Batch, Subject

IGNORED = -100


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    """Token ids, attention mask (true where a token stands) and labels (-100 on prompt and padding), each (B, S)."""

    ids: Tensor
    mask: Tensor
    labels: Tensor

    def to(self, device: Any) -> TextBatch:
        """The batch on another device."""
        return TextBatch(self.ids.to(device), self.mask.to(device), self.labels.to(device))


def answers_at(labels: Tensor) -> tuple[Tensor, Tensor]:
    """The positions that predict an answer token, (B, T) in their order, and those tokens, -100 past a row's end.

    `labels` (B, S) are those of a batch; T is its longest answer.
    """
    wanted = labels[:, 1:] != IGNORED  # (B, S - 1)
    longest = int(wanted.sum(1).max())
    at = wanted.int().argsort(dim=1, descending=True, stable=True)[:, :longest]  # (B, T)
    return at, labels[:, 1:].gather(1, at).masked_fill(~wanted.gather(1, at), IGNORED)


class OpenedModel:
    """A causal language model that may be changed. `module` may be replaced by one with adapters around it."""

    def __init__(self, module: nn.Module, encoder: Encoder, body: Body | None = None) -> None:
        self.module, self._encoder = module, encoder
        self._split = (module, body or Body(module))

    @property
    def sites(self) -> Mapping[str, nn.Module]:
        """Parts of the module by the names of `pytest_unlearn.subjects.sites`."""
        return sites(self._body.causal)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of transformers."""
        return self._encoder.tokenizer

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> TextBatch:
        """Prompts with answers, right-padded, on the module's device; each answer ends with the end-of-turn token.

        Raises SubjectError for an example that the model cannot hold.
        """
        body, device = self._body, self._body.device
        pairs = [self._encoder.pair(prompt, answer, True) for prompt, answer in examples]
        for pair, (prompt, answer) in zip(pairs, examples, strict=True):
            why = unreadable(body, pair.ids) if pair.target else "there is no token in it that could be predicted"
            if why is not None:
                raise SubjectError(f"the example '{(prompt.text or answer)[:60]}' cannot be trained on: {why}")
        ids, counts = padded([pair.ids for pair in pairs], device)
        columns = torch.arange(ids.shape[1], device=device)
        mask = columns < counts[:, None]
        begins = torch.tensor([pair.prompt_len for pair in pairs], device=device)
        return TextBatch(ids, mask, ids.masked_fill(~mask | (columns < begins[:, None]), IGNORED))

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) in float32 where an answer token is predicted, and those tokens (B, T), with gradients.

        T is the longest answer of the batch; labels of shorter rows end in -100, and their logits there mean nothing.
        """
        body = self._body
        at, labels = answers_at(batch.labels)
        states = body.read(batch.ids, batch.mask)
        return body.logits(states.gather(1, at[..., None].expand(*at.shape, states.shape[-1]))), labels

    def subject(self) -> Subject:
        """A new subject of these weights as they are now, asked with the same system prompt; it keeps them."""
        from pytest_unlearn.subjects.local import LocalSubject

        placement = Placement(self._body.device, next(self.module.parameters()).dtype)
        return LocalSubject.of(self.module, self.tokenizer, placement, self._encoder.system)

    def save(self, folder: Path) -> None:
        """Write weights, configuration and tokenizer; adapters are merged into the copy that is written."""
        module: Any = self.module
        if hasattr(module, "merge_and_unload"):
            module = copy.deepcopy(module).merge_and_unload()
        with quiet():
            module.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)

    def save_adapter(self, folder: Path) -> None:
        """Write the adapters around the model alone, as peft does; raises SubjectError where there are none."""
        module: Any = self.module
        if not hasattr(module, "peft_config"):
            raise SubjectError("there is no adapter around this model that could be saved")
        with quiet():
            module.save_pretrained(folder)

    @property
    def _body(self) -> Body:
        if self._split[0] is not self.module:
            self._split = (self.module, Body(self.module))
        return self._split[1]
