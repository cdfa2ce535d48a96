"""A name becomes a subject: bundled model, folder, or model of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_unlearn.errors import SubjectError, did_you_mean
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.fetch import BUNDLED, NAMES, ready
from pytest_unlearn.subjects.identity import read_json, weight_files
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.store import Store

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")
WANTED = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "*.py")
TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tekken.json",
    "tokenizer_config.json",
)
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def resolve(
    text: str,
    scenario_folder: Path,
    store: Store,
    placement: Placement,
    system: str | None = None,
    *,
    trust_remote_code: bool = False,
    allow_network: bool = False,
) -> LocalSubject:
    """The subject that `text` names; raises SubjectError.

    A bundled name, a folder (relative to the scenario, then to the working directory), or `org/name@revision` of the
    hub, which is taken from the local cache unless `allow_network`. Weights are safetensors: no file is unpickled.
    """
    if text in BUNDLED:
        folder = ready(text, store)
    else:
        folder = folder_of(text, scenario_folder) or _snapshot(text, scenario_folder, allow_network)
    check(folder, trust_remote_code=trust_remote_code)
    made = LocalSubject(folder, placement, system, trust_remote_code=trust_remote_code)
    made.name = text
    made.linted = text not in BUNDLED
    return made


def missing(text: str, scenario_folder: Path, *, allow_network: bool = False) -> str:
    """Why `text` names no model, empty where it may; what is to be downloaded is not looked for."""
    if text in BUNDLED or (allow_network and HUB_ID.fullmatch(text)):
        return ""
    try:
        folder_of(text, scenario_folder) or _snapshot(text, scenario_folder, allow_network=False)
    except SubjectError as error:
        return str(error)
    return ""


def check(folder: Path, *, trust_remote_code: bool = False) -> None:
    """Raise SubjectError, saying what to do, unless `folder` holds a model that can be loaded safely."""
    config = folder / "config.json"
    if not config.is_file():
        if (folder / "adapter_config.json").is_file():
            raise SubjectError(
                f"{folder} is an adapter without its model. Name both, `{{base: MODEL, adapter: FOLDER}}`, or save the "
                "merged model (peft: `model.merge_and_unload()`) with save_pretrained and name that folder"
            )
        raise SubjectError(f"{folder} has no config.json, so it is no model. Save one there with save_pretrained")
    if not weight_files(folder):
        raise SubjectError(f"{folder} has no model.safetensors{_instead(folder)}")
    for file in weight_files(folder):
        if not file.is_file():
            raise SubjectError(f"{folder} lacks {file.name}, which its index names. Copy the whole folder")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise SubjectError(f"{folder} has no tokenizer. Save it beside the model with tokenizer.save_pretrained")
    settings = read_json(config)
    if settings.get("is_encoder_decoder"):
        raise SubjectError(f"{folder} is an encoder-decoder model; only decoders that continue a text can be asked")
    own_code = "auto_map" in settings or "auto_map" in read_json(folder / "tokenizer_config.json")
    if own_code and not trust_remote_code:
        raise SubjectError(
            f"{folder} brings Python code of its own (auto_map), which is not run. If you trust it, say so in the "
            "scenario: `model: {trust_remote_code: true}`"
        )


def adapter_of(text: str, scenario_folder: Path) -> Path:
    """The folder of an adapter; raises SubjectError where there is no such folder."""
    if (folder := folder_of(text, scenario_folder)) is None:
        raise SubjectError(
            f"there is no folder '{text}' with an adapter, neither in {scenario_folder} nor in the working "
            f"directory{_nearby(text, scenario_folder)}"
        )
    return folder


def folder_of(text: str, scenario_folder: Path) -> Path | None:
    """The folder that a name means, relative to the scenario or else to the working directory, if there is one."""
    named = Path(text).expanduser()
    for folder in (scenario_folder / named, Path.cwd() / named):
        if folder.is_dir():
            return folder.resolve()
        if folder.is_file():
            raise SubjectError(f"{folder} is a file; name the folder that save_pretrained wrote the model to")
    return None


def _snapshot(text: str, scenario_folder: Path, allow_network: bool) -> Path:
    if not HUB_ID.fullmatch(text):
        raise _unknown(text, scenario_folder)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository, _, revision = text.partition("@")
    try:
        found = snapshot_download(
            repository, revision=revision or None, allow_patterns=list(WANTED), local_files_only=not allow_network
        )
    except Exception as error:  # the hub's client raises its own, requests' and the system's errors
        nearby = _nearby(text, scenario_folder)
        if not allow_network:
            raise SubjectError(
                f"no folder is called '{text}', and the Hugging Face cache of this machine holds no such "
                f"model{nearby or '.'} The network is not used unless you say so: --unlearn-network"
            ) from error
        if isinstance(error, LocalEntryNotFoundError):
            raise SubjectError(
                f"no folder is called '{text}', the Hugging Face cache of this machine holds no such model, and the "
                f"hub cannot be reached{nearby or '.'} Try again with a network, or run `hf download {repository}` "
                "where there is one and copy its cache here"
            ) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SubjectError(f"the Hugging Face hub did not give '{text}': {reason}{nearby}") from error
    return Path(found)


def _unknown(text: str, scenario_folder: Path) -> SubjectError:
    return SubjectError(
        f"no model is called '{text}'{_nearby(text, scenario_folder) or '.'} A model is a bundled name "
        f"({', '.join(NAMES)}), a folder relative to {scenario_folder} or to the working directory, or a hub id like "
        "org/name@revision"
    )


def _nearby(text: str, scenario_folder: Path) -> str:
    """A suggestion among bundled names and the folders beside the one that was meant; empty where nothing is near."""
    names = set(NAMES)
    for root in (scenario_folder, Path.cwd()):
        beside = (root / text).parent
        if beside.is_dir():
            begin = text[: len(text) - len(Path(text).name)]
            names |= {begin + entry.name for entry in beside.iterdir() if entry.is_dir()}
    suggestion = did_you_mean(text, names)
    return suggestion if "did you mean" in suggestion else ""


def _instead(folder: Path) -> str:
    pickles = sorted(path for pattern in PICKLES for path in folder.glob(pattern))
    if not pickles:
        return ". Save the model there with save_pretrained"
    return (
        f", only {pickles[0].name}: a pickle, which can run any code when it is read and is therefore not opened. If "
        "you made it yourself, rewrite it: `safetensors.torch.save_file(torch.load(PATH, weights_only=True), "
        "'model.safetensors')`, or load the model and call save_pretrained"
    )
