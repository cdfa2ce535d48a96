"""A model in this process: loaded when it is first asked, freed when it has to make room."""

from __future__ import annotations

import copy
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import SubjectError, TemplateWarning
from pytest_unlearn.lazy import torch, transformers
from pytest_unlearn.subjects import generate, score, states
from pytest_unlearn.subjects.answers import Answer, Failed, Outputs, Scores
from pytest_unlearn.subjects.body import Body, float32
from pytest_unlearn.subjects.devices import Placement, threads
from pytest_unlearn.subjects.effort import Effort
from pytest_unlearn.subjects.encode import Encoder, encoder_of
from pytest_unlearn.subjects.identity import folder_digest, module_digest, weight_files
from pytest_unlearn.subjects.lint import lint
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.subjects.pack import Budget
from pytest_unlearn.subjects.protocol import Reach, Subject
from pytest_unlearn.subjects.quiet import quiet
from pytest_unlearn.subjects.requests import Generate, Read, Request, Score, Verb

if TYPE_CHECKING:
    from torch import nn

DRAFTS = 4096  # answers whose tokens are kept, so that they can be confirmed quickly
AT_ONCE = 512  # requests whose answers are worked out before the first is handed over
_told: set[str] = set()  # findings about templates


class LocalSubject:
    """A causal language model in a folder of safetensors files. Its digest is known without loading it."""

    can: frozenset[Verb] = frozenset({"score", "generate", "read", "weights"})
    reach: Reach = "weights"
    base: Subject | None = None
    linted = True  # oddities of the chat template are told; not where nobody could mend them

    def __init__(
        self, folder: Path, placement: Placement, system: str | None = None, *, trust_remote_code: bool = False
    ) -> None:
        """`system` is the system prompt; None leaves it to the model's chat template."""
        self.folder, self.placement, self.system = folder, placement, system
        self.name = folder.name  # for people
        self.trusted = trust_remote_code
        self.effort = Effort()
        self._budget = Budget(placement.tokens_at_once)
        self._held: tuple[nn.Module, Any] | None = None  # weights that are in no folder, and their tokenizer
        self._drafts: generate.Drafts = {}
        self._loaded: tuple[Body, Encoder, frozenset[int]] | None = None

    @classmethod
    def of(cls, module: nn.Module, tokenizer: Any, placement: Placement, system: str | None = None) -> LocalSubject:
        """A subject of weights in memory, which it keeps and which must not be changed from elsewhere."""
        made = cls(Path(), placement, system)
        made._held = module.to(placement.device).eval(), tokenizer
        return made

    @cached_property
    def digest(self) -> str:
        """Of weights, configuration, tokenizer, template, system prompt and precision."""
        if self._held is not None:
            module, tokenizer = self._held
            backend = getattr(tokenizer, "backend_tokenizer", None)
            tokens = backend.to_str() if backend is not None else str(sorted(tokenizer.get_vocab().items()))
            return module_digest(module, tokens, str(tokenizer.chat_template), repr(self.system))
        return folder_digest(self.folder, self.system, self.placement.precision)

    @property
    def bytes(self) -> int:
        """About how much memory the weights take."""
        if self._held is not None:
            return sum(weight.nbytes for weight in self._held[0].parameters())
        return sum(path.stat().st_size for path in weight_files(self.folder))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of its weights; none where they are in no folder."""
        return () if self._held is not None else weight_files(self.folder)

    @property
    def change(self) -> str:
        """What an adapter does to the weights of the folder; empty where there is none."""
        return ""

    @property
    def model(self) -> nn.Module:
        """The causal language model of transformers that answers. To change it, change what `open` gives."""
        return self._held[0] if self._held is not None else self._load()[0].causal

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._held[1] if self._held is not None else self._load()[1].tokenizer

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        """One answer a request, in order. `alone`: one request at a time in float32, so that no other can touch it."""
        for low in range(0, len(requests), AT_ONCE):
            some, then = requests[low : low + AT_ONCE], requests[low + AT_ONCE : low + 2 * AT_ONCE]
            self.effort.requests += len(some)
            distinct = list(dict.fromkeys(some))
            with self._ahead(then):
                found = dict(zip(distinct, self._answers(distinct, alone), strict=True))
            self.effort.answered = self.effort.requests  # what was counted on the way was an estimate
            yield from (found[request] for request in some)

    def open(self) -> AbstractContextManager[OpenedModel]:
        """The weights, to be looked at or changed. What is done to them never reaches this subject's answers."""
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[OpenedModel]:
        if self._held is not None:
            module, tokenizer = self._held
            yield OpenedModel(copy.deepcopy(module), Encoder(tokenizer, self.system))
        else:
            body, encoder, _ = self._load()
            self._loaded = None
            yield OpenedModel(body.causal, encoder, body)

    def close(self) -> None:
        """Free the weights; they are loaded again when asked."""
        self._loaded = None
        if self.placement.kind == "cuda":
            torch.cuda.empty_cache()

    def _answers(self, requests: Sequence[Request], alone: bool) -> list[Answer]:
        body, encoder, ends = self._load()
        noise = 0.0 if alone else body.noise
        answers: list[Answer] = [Failed("cannot", "a language model takes no actions")] * len(requests)
        with float32(body.causal) if alone else nullcontext(), threads():
            for kind in (Score, Generate, Read):
                mine = [i for i, request in enumerate(requests) if isinstance(request, kind)]
                for some in [[i] for i in mine] if alone else [mine]:
                    asked = [requests[i] for i in some]
                    for i, answer in zip(some, self._ask(body, encoder, ends, asked, alone), strict=True):
                        answers[i] = replace(answer, noise=noise) if isinstance(answer, Scores | Outputs) else answer
        return answers

    def _ask(
        self, body: Body, encoder: Encoder, ends: frozenset[int], asked: list[Any], alone: bool
    ) -> Sequence[Answer]:
        if not asked:
            return []
        if isinstance(asked[0], Score):
            return score.answers(body, encoder, asked, self._budget)
        if isinstance(asked[0], Read):
            return states.answers(body, encoder, asked, self._budget)
        found = generate.answers(body, encoder, asked, self._budget, ends, self._drafts, alone)
        for request in list(self._drafts)[:-DRAFTS]:
            del self._drafts[request]
        return found

    @contextmanager
    def _ahead(self, requests: Sequence[Request]) -> Iterator[None]:
        """Turn what is asked next into tokens while the device answers; a CPU has no time for both."""
        if not requests or not self.placement.apart:
            yield
            return
        _, encoder, _ = self._load()
        thread = threading.Thread(target=encoder.warm, args=(requests,), name="unlearn-tokens")
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _load(self) -> tuple[Body, Encoder, frozenset[int]]:
        if self._loaded is None:
            module, tokenizer = self._read()
            encoder = encoder_of(tokenizer, self.system)
            self._warn(lint(tokenizer, encoder) if self.linted else ())
            self._loaded = Body(module, self.effort), encoder, _ends(module, encoder)
        return self._loaded

    def _warn(self, findings: tuple[str, ...]) -> None:
        """Say what is odd about the template, once a process: subjects of a scenario mostly share theirs."""
        for finding in findings:
            if finding not in _told:
                _told.add(finding)
                told = f"{self.name or 'a model in memory'}: {finding}"
                warnings.warn_explicit(told, TemplateWarning, str(self.folder), 0)  # about the model, no line of code

    def _read(self) -> tuple[nn.Module, Any]:
        """Weights and tokenizer, from the folder or from memory."""
        return self._held or read(self.folder, self.placement, self.trusted)


def read(folder: Path, placement: Placement, trust_remote_code: bool = False) -> tuple[nn.Module, Any]:
    """Model and tokenizer of a folder; raises SubjectError where weights are missing, surplus or unreadable."""
    place = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **place)
            module, told = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=placement.dtype, use_safetensors=True, output_loading_info=True, **place
            )
    except Exception as error:  # loaders raise whatever the files make them raise
        raise SubjectError(f"the model in {folder} cannot be loaded: {type(error).__name__}: {error}") from error
    if missing := sorted(told["missing_keys"]):
        raise SubjectError(
            f"the model in {folder} lacks {len(missing)} weights, {missing[0]} first: they would be random numbers. "
            "Save the whole model with save_pretrained"
        )
    if adapters := sorted(key for key in told["unexpected_keys"] if "lora_" in key or ".base_layer." in key):
        raise SubjectError(
            f"the model in {folder} holds adapters ({adapters[0]}) that are not merged: call merge_and_unload"
        )
    if told["unexpected_keys"]:
        print(f"unlearn: {folder} holds weights that its model does not use: {sorted(told['unexpected_keys'])[0]}, ...",
              file=sys.stderr)  # fmt: skip
    return module.to(placement.device).eval(), tokenizer


def _ends(module: Any, encoder: Encoder) -> frozenset[int]:
    """Token ids that end an answer, by tokenizer, template and generation settings."""
    settings = getattr(module, "generation_config", None)
    listed = getattr(settings, "eos_token_id", None)
    several = listed if isinstance(listed, list) else [listed]
    size = module.get_input_embeddings().weight.shape[0]  # a default in the settings may lie beyond a small vocabulary
    ids = (*several, encoder.tokenizer.eos_token_id, encoder.end_id)
    return frozenset(i for i in ids if i is not None and i < size)
