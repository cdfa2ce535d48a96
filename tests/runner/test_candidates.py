"""Several candidates, seeds and forget requests in one file, and candidates that are adapters: each judged alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from pytest_unlearn.records import read
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

Project = Callable[..., Path]
CHECKS = "  direct: {ask: direct, limit: 90%}\n  fluency: {measure: perplexity_ratio, limit: 50}"


def records(pytester: pytest.Pytester) -> dict[str, dict[str, Any]]:
    lines = read(pytester.path / ".unlearn" / "records.jsonl")
    return {record["id"].partition("/")[2]: record for record in lines if record["line"] == "check"}


def without_reference(path: Path) -> None:
    path.write_text(path.read_text().replace(", reference: retrained", ""))


@pytest.fixture
def original(project: Project, pytester: pytest.Pytester, store: Path) -> Path:
    path = project(checks=CHECKS)
    without_reference(path)
    case = cases(load_scenario(path, pytester.path))[0]
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    subject = session.subjects(session.scene(case), case.candidate)["original"]
    return subject.subject.folder  # type: ignore[attr-defined]


def adapter(original: Path, folder: Path, scale: float) -> Path:
    torch.manual_seed(0)
    wrapped = get_peft_model(AutoModelForCausalLM.from_pretrained(original), LoraConfig(target_modules="all-linear"))
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            weight.data = scale * torch.randn(weight.shape)
    wrapped.save_pretrained(folder)
    return folder


def test_every_label_and_seed_is_an_item_of_its_own(project: Project, pytester: pytest.Pytester) -> None:
    several = "{gentle: {method: grad_ascent, steps: 1, lr: 1e-6, seeds: 2}, none: {method: none}}"
    path = project(checks=CHECKS)
    without_reference(path)
    path.write_text(path.read_text().replace("candidate: {method: none}", f"candidates: {several}"))
    listed = pytester.runpytest_inprocess("--collect-only", "-q").outlines
    items = [line for line in listed if "::" in line]
    labels = ("gentle-1", "gentle-2", "none")
    assert items == [f"w.unlearn.yaml::people::{c}[{label}]" for c in ("direct", "fluency") for label in labels]
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=3, failed=3)
    seen = records(pytester)
    assert set(seen) == {f"people/{check}[{label}]" for check in ("direct", "fluency") for label in labels}
    one, two, none = (seen[f"people/fluency[{label}]"] for label in labels)
    assert [record["candidate"] for record in (one, two, none)] == list(labels)
    assert [record["seeds"]["method"] for record in (one, two)] == [0, 1]
    assert one["digests"]["original"] == two["digests"]["original"] == none["digests"]["candidate"]
    assert len({record["digests"]["candidate"] for record in (one, two, none)}) == 3
    assert len({seen[f"people/direct[{label}]"]["tallies"][0]["asked"] for label in labels}) == 1
    lines = [line for line in result.outlines if "/people/" in line]
    assert [line[:62] for line in lines if "[gentle]" in line] == [
        "fail  w/people/direct[gentle]     worst of 2 seeds: gentle-1, ",
        "pass  w/people/fluency[gentle]    worst of 2 seeds: gentle-1, ",
    ]
    only = pytester.runpytest_inprocess("w.unlearn.yaml::people::fluency[gentle-2]")
    only.assert_outcomes(passed=1)
    pytester.runpytest_inprocess("w.unlearn.yaml::people::fluency").assert_outcomes(passed=3)


def test_a_checkpoint_takes_the_place_of_all_candidates(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    without_reference(project(checks=CHECKS, candidate="{method: none, seeds: 3}"))
    folder = adapter(original, pytester.path / "adapter", 0.3)
    result = pytester.runpytest_inprocess(f"--unlearn-candidate={folder}", "-rA")
    seen = records(pytester)
    assert set(seen) == {"people/direct", "people/fluency"}
    assert {(record["candidate"], record["method"]) for record in seen.values()} == {(None, None)}
    assert seen["people/direct"]["digests"]["candidate"] != seen["people/direct"]["digests"]["original"]
    assert seen["people/fluency"]["tallies"][0]["estimate"] > 1.5
    result.stdout.no_fnmatch_line("*without its model*")


def test_an_adapter_that_changes_nothing_is_the_original(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    adapter(original, pytester.path / "adapter", 0.0)
    path = project(checks=CHECKS, candidate="./adapter")
    without_reference(path)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2)
    told = " ".join(result.stdout.str().split())
    assert "the candidate fixture:world with adapter has the same weights as the original" in told


def test_base_and_adapter_name_an_original(project: Project, pytester: pytest.Pytester, original: Path) -> None:
    adapter(original, pytester.path / "a", 0.01)
    path = project(checks=CHECKS)
    without_reference(path)
    path.write_text(path.read_text().replace("original: fixture:world", "original: {base: fixture:world, adapter: a}"))
    pytester.runpytest_inprocess()
    seen = records(pytester)["people/fluency"]
    assert seen["tallies"][0]["estimate"] == pytest.approx(1, abs=1e-3)
    assert seen["digests"]["candidate"] != seen["digests"]["original"]  # `none` saved the merged model


def test_an_adapter_that_is_nowhere_is_told(project: Project, pytester: pytest.Pytester, original: Path) -> None:
    path = project(checks=CHECKS, candidate="{base: fixture:world, adapter: ./nowhere}")
    without_reference(path)
    pytester.runpytest_inprocess().assert_outcomes(failed=2)
    assert records(pytester)["people/direct"]["reason"] == (
        f"{path}:2:45: there is no folder './nowhere' with an adapter, neither in {pytester.path} nor in the "
        "working directory"
    )


def test_several_forget_requests_in_one_file_have_a_candidate_each(
    project: Project, pytester: pytest.Pytester, forgotten: tuple[str, ...]
) -> None:
    path = project(checks=CHECKS, candidate="{method: grad_ascent, steps: 1, lr: 1e-6}")
    without_reference(path)
    half = len(forgotten) // 2
    text = path.read_text().replace(f"people: [{', '.join(forgotten)}]", f"a: [{', '.join(forgotten[:half])}]\n"
                                    f"  b: [{', '.join(forgotten[half:])}]")  # fmt: skip
    path.write_text(text)
    pytester.runpytest_inprocess().assert_outcomes(passed=2, failed=2)
    seen = records(pytester)
    assert set(seen) == {"a/direct", "a/fluency", "b/direct", "b/fluency"}
    assert seen["a/direct"]["digests"]["candidate"] != seen["b/direct"]["digests"]["candidate"]
    assert seen["a/direct"]["digests"]["original"] == seen["b/direct"]["digests"]["original"]
