"""The contract of every model under test, and of its weights when they are in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pytest_unlearn.subjects.answers import Answer
from pytest_unlearn.subjects.requests import Prompt, Request, Verb

if TYPE_CHECKING:
    from torch import Tensor, nn

Reach = Literal["weights", "wrapper"]


class Batch(Protocol):
    """Encoded examples: token ids, a true attention mask and labels, each (batch, seq); label -100 is not an answer."""

    @property
    def ids(self) -> Tensor: ...
    @property
    def mask(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...

    def to(self, device: Any) -> Batch: ...


class Opened(Protocol):
    """Weights in this process. `sites` maps `embed`, `layer.3.attn`, `layer.3.mlp`, `head`, ... to modules."""

    module: nn.Module

    @property
    def sites(self) -> Mapping[str, nn.Module]: ...

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> Batch:
        """Prompt and answer pairs as one right-padded batch; an answer ends with the end-of-turn token."""
        ...

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits at answer positions only, (B, T, V) in float32, and their labels (B, T), -100 past a row's end."""
        ...

    def subject(self) -> Subject:
        """A new subject of these weights as they are now. It keeps them: change them no more."""
        ...

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), config and tokenizer so that the folder loads as a subject."""
        ...


@runtime_checkable
class Subject(Protocol):
    """A model under test. A wrapper hides, it does not remove: audits of weights look at `base`."""

    @property
    def digest(self) -> str: ...
    @property
    def can(self) -> frozenset[Verb]: ...
    @property
    def reach(self) -> Reach: ...
    @property
    def base(self) -> Subject | None: ...

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        """One answer a request, in order; never raises for one request. `alone`: one row at a time, in float32."""
        ...

    def open(self) -> AbstractContextManager[Opened]:
        """The weights in this process, to be looked at or changed, or SubjectError.

        What is done to them never reaches this subject's answers.
        """
        ...

    def close(self) -> None:
        """Free what the subject holds in memory; it can be asked again."""
        ...
