"""What makes a folder the model that it is: weights, configuration, tokenizer, template, whatever the file layout."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import SubjectError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.quiet import quiet

IDENTITY_VERSION = 1
TIED_HEAD = "lm_head.weight"  # files differ in whether they repeat the embedding under this name
IRRELEVANT = {"transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype", "use_cache", "auto_map"}
STRUCTURE = (
    "model_type", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head", "num_key_value_heads", "hidden_size",
    "n_embd", "intermediate_size", "n_inner", "hidden_act", "activation_function",
)  # fmt: skip
VOCABULARY = ("vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "tekken.json")
_known: dict[tuple[tuple[str, int, int], ...], dict[str, Stored]] = {}


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of a folder: dtype as safetensors names it, shape, SHA-256 of its bytes, the file it stands in."""

    dtype: str
    shape: tuple[int, ...]
    content: str
    file: Path


Tensors: TypeAlias = Mapping[str, Stored]


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that make up the model, as the loader would choose them; empty if there are none.

    Raises SubjectError for an index that names none.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if index.is_file():
        if not (named := read_json(index).get("weight_map")):
            raise SubjectError(f"{index} names no file of weights. Copy the whole folder again")
        return tuple(folder / name for name in sorted(set(named.values())))
    return ()


def tensors(folder: Path) -> Tensors:
    """Every tensor by name, hashed in one pass over the files; kept in this process until a file changes.

    A head that repeats the embedding is left out where the configuration ties the two, as a re-saved copy would do.
    """
    files = weight_files(folder)
    stats = [(path, path.stat()) for path in files]
    key = tuple((str(path.absolute()), stat.st_mtime_ns, stat.st_size) for path, stat in stats)
    if key not in _known:
        found = {name: tensor for path in files for name, tensor in hashed(path)}
        head = found.get(TIED_HEAD)
        twice = head and any(other.content == head.content for name, other in found.items() if name != TIED_HEAD)
        if twice and read_json(folder / "config.json").get("tie_word_embeddings", True):
            del found[TIED_HEAD]
        _known[key] = found
    return _known[key]


def folder_digest(folder: Path, system: str | None, dtype: str) -> str:
    """The digest of a model in `folder` that is asked in `dtype` with `system` as its system prompt."""
    return digest("folder", IDENTITY_VERSION, _weights(folder), _settings(folder), _tokenizer(folder), system, dtype)


def module_digest(module: torch.nn.Module, *more: str) -> str:
    """The digest of weights in memory, with `more` that decides answers."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest("module", IDENTITY_VERSION, total.hexdigest(), *more)


def same_weights(a: Path, b: Path) -> bool:
    """Whether two folders hold the same numbers, compared at the coarser precision where the two differ in it."""
    left, right = tensors(a), tensors(b)
    if left.keys() != right.keys() or any(left[name].shape != right[name].shape for name in left):
        return False
    if any(left[name].dtype == right[name].dtype and left[name].content != right[name].content for name in left):
        return False
    return all(left[name].dtype == right[name].dtype or _equal(name, left[name], right[name]) for name in left)


def compatible(original: Path, candidate: Path) -> None:
    """Raise SubjectError, naming the first difference, unless `candidate` can stand for a changed `original`.

    It must have the same architecture and shapes and give every token of the original the same id. Tokens and embedding
    rows that were added at the end do not disturb.
    """
    _same_architecture(original, candidate)
    before, after = tensors(original), tensors(candidate)
    for name in sorted(before):
        if name not in after:
            raise _unfit(
                candidate, f"it has no weights called '{name}'. Give the folder of a whole model, or of an adapter"
            )
        was, now = before[name].shape, after[name].shape
        longer = len(was) == len(now) == 2 and was[1] == now[1] and now[0] > was[0] and _by_token(name)
        if was != now and not longer:
            raise _unfit(candidate, f"'{name}' has the shape {list(now)}, in the original {list(was)}")
    for name in sorted(after.keys() - before.keys() - {TIED_HEAD}):
        raise _unfit(candidate, f"it has weights called '{name}', which the original has not")
    if why := other_token(original, candidate):
        raise _unfit(candidate, why)


def _same_architecture(original: Path, candidate: Path) -> None:
    was, now = read_json(original / "config.json"), read_json(candidate / "config.json")
    for key in STRUCTURE:
        if key in was and key in now and was[key] != now[key]:
            raise _unfit(candidate, f"its config.json says `{key}: {now[key]}`, the original's `{key}: {was[key]}`")


def other_token(original: Path, candidate: Path) -> str:
    """What the tokenizer of `candidate` gives another id than that of `original`, in words; empty for nothing."""
    if _tokenizer(original) == _tokenizer(candidate):
        return ""
    was, now = _vocabulary(original), _vocabulary(candidate)
    for token, number in sorted(was.items(), key=lambda item: item[1]):
        if now.get(token) != number:
            there = f"the id {now[token]}" if token in now else "no id"
            return f"its tokenizer gives {token!r} {there}, the original's the id {number}"
    return ""


def _unfit(candidate: Path, why: str) -> SubjectError:
    return SubjectError(f"{candidate} cannot stand for the original after unlearning: {why}")


def _by_token(name: str) -> bool:
    """Whether rows of these weights belong to tokens."""
    return any(part in name for part in ("embed", "wte", "lm_head", "head.weight", "word_"))


def _equal(name: str, a: Stored, b: Stored) -> bool:
    from safetensors import safe_open

    def read(stored: Stored) -> torch.Tensor:
        with safe_open(stored.file, framework="pt") as opened:
            found: torch.Tensor = opened.get_tensor(name)
            return found

    left, right = read(a), read(b)
    if not (left.is_floating_point() and right.is_floating_point()):
        return torch.equal(left, right)
    coarser = max(left.dtype, right.dtype, key=lambda dtype: torch.finfo(dtype).eps)
    return torch.equal(left.to(coarser), right.to(coarser))


def hashed(path: Path) -> Iterator[tuple[str, Stored]]:
    """The tensors of one safetensors file: 8 bytes of header length, a JSON header, then the bytes of all tensors."""
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        try:
            header = json.loads(stream.read(size)) if size <= path.stat().st_size else None
        except ValueError:
            header = None
        if not isinstance(header, dict):
            raise SubjectError(f"{path} is not a safetensors file, or it was cut off while it was written")
        start = 8 + size
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
        if start + end > path.stat().st_size:
            raise SubjectError(
                f"{path} was cut off: it holds {path.stat().st_size} bytes of {start + end}. Copy it again"
            )
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            for name, entry in sorted(header.items()):
                if name != "__metadata__":
                    first, last = entry["data_offsets"]
                    with view[start + first : start + last] as content:
                        found = hashlib.sha256(content).hexdigest()
                    yield name, Stored(entry["dtype"], tuple(entry["shape"]), found, path)


def _weights(folder: Path) -> list[tuple[str, str, tuple[int, ...], str]]:
    return [(name, stored.dtype, stored.shape, stored.content) for name, stored in sorted(tensors(folder).items())]


def _settings(folder: Path) -> dict[str, Any]:
    config = {key: value for key, value in read_json(folder / "config.json").items() if key not in IRRELEVANT}
    return {"config": config, "ends": read_json(folder / "generation_config.json").get("eos_token_id")}


def _tokenizer(folder: Path) -> dict[str, Any]:
    """What decides token ids and the wording around a question."""
    settings = read_json(folder / "tokenizer_config.json")
    whole = read_json(folder / "tokenizer.json")
    fast = {key: value for key, value in whole.items() if key not in {"padding", "truncation"}}
    slow = {name: (folder / name).read_bytes().hex() for name in VOCABULARY if not fast and (folder / name).is_file()}
    template = folder / "chat_template.jinja"
    return {
        "tokens": fast or slow,
        "special": {key: settings[key] for key in sorted(settings) if key.endswith("_token")},
        "template": template.read_text(encoding="utf-8") if template.is_file() else settings.get("chat_template"),
    }


def _vocabulary(folder: Path) -> dict[str, int]:
    from transformers import AutoTokenizer

    with quiet():
        found: dict[str, int] = AutoTokenizer.from_pretrained(folder, local_files_only=True).get_vocab()
    return found


def read_json(path: Path) -> dict[str, Any]:
    """The settings in a file, none if there is no such file; raises SubjectError where it is not JSON."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SubjectError(f"{path} is not valid JSON: {error}") from error
    return found if isinstance(found, dict) else {}
