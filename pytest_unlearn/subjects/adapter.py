"""An adapter of peft on a model: what it changes, whether it fits, and the two together as a subject.

It is asked unmerged, as it is served: merging in half precision would round small changes away. Only safetensors are
read.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import SubjectError
from pytest_unlearn.lazy import torch, transformers
from pytest_unlearn.subjects.body import float32
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.identity import hashed, other_token, read_json, same_weights, weight_files
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.subjects.quiet import quiet

if TYPE_CHECKING:
    from torch import nn

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PROMPTS = {"ADAPTION_PROMPT", "CPT", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "PROMPT_TUNING"}
IRRELEVANT = {"auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "task_type"}


class AdaptedSubject(LocalSubject):
    """A model with an adapter on it. `base` is what is left when the adapter is taken off."""

    base: LocalSubject

    def __init__(self, base: LocalSubject, adapter: Path) -> None:
        """Raises SubjectError where the folder `adapter` holds none that can be loaded, or one that does not fit."""
        super().__init__(base.folder, base.placement, base.system, trust_remote_code=base.trusted)
        self.base, self.adapter = base, adapter
        self.name = f"{base.name} with {adapter.name}"
        check(adapter)
        _fit(base, adapter)

    @cached_property
    def digest(self) -> str:
        """Of the base, and of the adapter's weights and settings."""
        settings = {key: value for key, value in read_json(self.adapter / CONFIG).items() if key not in IRRELEVANT}
        if isinstance(targets := settings.get("target_modules"), list):
            settings["target_modules"] = sorted(targets)  # peft writes a set, in any order
        found = sorted(hashed(self.adapter / WEIGHTS))
        weights = [(name, one.dtype, one.shape, one.content) for name, one in found]
        return digest("adapted", super().digest, settings, weights)

    @property
    def bytes(self) -> int:
        """About how much memory base and adapter take."""
        return super().bytes + (self.adapter / WEIGHTS).stat().st_size

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the base, and that of the adapter."""
        return (*self.base.files, self.adapter / WEIGHTS)

    @property
    def change(self) -> str:
        """A digest of what the adapter does to the base, empty for a low-rank one that is still zero."""
        from safetensors import safe_open

        with safe_open(self.adapter / WEIGHTS, framework="pt") as opened:
            names = list(opened.keys())
            up = [name for name in names if "lora_B" in name or "lora_embedding_B" in name]
            low_rank = bool(up) and all("lora_" in name for name in names)
            moves = any(bool(opened.get_tensor(name).any()) for name in up)
        return self.digest if moves or not low_rank else ""

    def _read(self) -> tuple[nn.Module, Any]:
        module, tokenizer = super()._read()
        return _put_on(module, self.adapter, self.placement.device), tokenizer

    @contextmanager
    def _opened(self) -> Iterator[OpenedModel]:
        """The weights with the adapter merged into them, so that what is trained and saved is one plain model.

        Raises SubjectError where that would be another model.
        """
        module, tokenizer = self._read()
        if _splits_tied(module):
            raise SubjectError(
                f"the adapter {self.adapter} changes the embedding of {self.base.name}, or its head, but not both, and "
                "the two are one tensor: merged, it would be another model. Untie them (`tie_word_embeddings: false`) "
                "before the adapter is trained, or leave both out of its `target_modules`"
            )
        self._loaded = None
        merged: Any = module
        with float32(module):
            merged = merged.merge_and_unload()
        yield OpenedModel(merged, Encoder(tokenizer, self.system))


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no model."""
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


def check(folder: Path) -> None:
    """Raise SubjectError, saying what to do, unless `folder` holds an adapter that can be loaded safely."""
    if not (folder / CONFIG).is_file():
        raise SubjectError(
            f"{folder} has no {CONFIG}, so it is no adapter. Save one there with save_pretrained of a peft model"
        )
    if not (folder / WEIGHTS).is_file():
        pickle = " only adapter_model.bin: a pickle, which is not opened" if list(folder.glob("*.bin")) else ""
        raise SubjectError(
            f"{folder} has no {WEIGHTS}{',' * bool(pickle)}{pickle}. Save the adapter there with peft, which writes it"
        )
    kind = read_json(folder / CONFIG).get("peft_type")
    if kind in PROMPTS:
        raise SubjectError(
            f"{folder} is an adapter of the kind {kind}, whose tokens are no weights of the model: it cannot be asked. "
            "Kinds that change weights can, such as LORA"
        )


def _fit(base: LocalSubject, folder: Path) -> None:
    """Raise SubjectError, naming the first difference, where the adapter was made for another model."""
    _made_for(base, folder)
    if (folder / "tokenizer.json").is_file() and (why := other_token(base.folder, folder)):
        raise _unfit(folder, base, why)
    found = {name: stored.shape for name, stored in hashed(folder / WEIGHTS)}
    places, needed = _shapes(base, folder)
    for name in sorted(needed | found.keys()):
        if name not in places:
            raise _unfit(folder, base, f"it holds '{name}', for which this model has no place")
        if name not in found:
            raise _unfit(folder, base, f"it lacks '{name}', which its {CONFIG} asks for")
        if places[name] != found[name]:
            why = f"'{name}' has the shape {list(found[name])}, and this model needs {list(places[name])}"
            raise _unfit(folder, base, why)


def _made_for(base: LocalSubject, folder: Path) -> None:
    """Another model of the same shapes is told by its weights, where the one that the adapter names is at hand."""
    named = read_json(folder / CONFIG).get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        return
    for place in (Path(named), folder / named):
        if weight_files(place):
            if not same_weights(place, base.folder):
                raise _unfit(folder, base, f"it was made for {named}, whose weights are others")
            return


def _shapes(base: LocalSubject, folder: Path) -> tuple[dict[str, tuple[int, ...]], set[str]]:
    """What an adapter for `base` with these settings may hold, and what it must, worked out without any weights."""
    from peft import PeftConfig, PeftModel, get_peft_model_state_dict

    try:
        with quiet(), warnings.catch_warnings(), torch.device("meta"):
            warnings.simplefilter("ignore")
            place = {"local_files_only": True, "trust_remote_code": base.trusted}
            config = transformers.AutoConfig.from_pretrained(base.folder, **place)
            empty = transformers.AutoModelForCausalLM.from_config(config, trust_remote_code=base.trusted)
            plan = PeftConfig.from_pretrained(str(folder))
            if hasattr(plan, "init_lora_weights"):
                plan.init_lora_weights = True  # some ways to begin look at weights, which are not there
            wrapped = PeftModel(empty, plan, low_cpu_mem_usage=True)
            needed = get_peft_model_state_dict(wrapped, save_embedding_layers=False)
            held = get_peft_model_state_dict(wrapped, save_embedding_layers=True)
    except Exception as error:  # peft raises whatever a file makes it raise
        raise _unfit(folder, base, f"{type(error).__name__}: {error}") from error
    return {name: tuple(weight.shape) for name, weight in (held | needed).items()}, set(needed)


def _put_on(module: nn.Module, folder: Path, device: torch.device) -> nn.Module:
    """`module` with the adapter inside it; its own weights stay as they are."""
    from peft import PeftConfig, PeftModel, set_peft_model_state_dict
    from safetensors.torch import load_file

    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plan = PeftConfig.from_pretrained(str(folder))
            plan.inference_mode = True
            wrapped: nn.Module = PeftModel(module, plan)
            set_peft_model_state_dict(wrapped, load_file(folder / WEIGHTS))
    except Exception as error:
        raise SubjectError(f"the adapter in {folder} cannot be loaded: {type(error).__name__}: {error}") from error
    return wrapped.to(device).eval()


def _splits_tied(module: Any) -> bool:
    """Whether an adapter sits on one of an embedding and a head that share their weights."""
    causal = module.get_base_model()
    ends = causal.get_input_embeddings(), causal.get_output_embeddings()
    adapted = [hasattr(end, "base_layer") for end in ends]
    return len(set(adapted)) == 2 and ends[0].weight is ends[1].weight


def _unfit(folder: Path, base: LocalSubject, why: str) -> SubjectError:
    return SubjectError(f"the adapter {folder} does not fit the model {base.name}: {why}")
