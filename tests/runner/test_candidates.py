"""Several candidates, seeds and forget requests in one file, and candidates that are adapters: each judged alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods import grad_ascent
from pytest_unlearn.records import read
from pytest_unlearn.runner import make
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.adapter import AdaptedSubject
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.training.resume import resumable
from pytest_unlearn.training.watch import recalled

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
    result = pytester.runpytest_inprocess("-v")
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


WATCHED = "{method: grad_diff, steps: 60, lr: 3e-4, batch: 8, watch: {limit: 50%, every: 2}}"


def test_a_training_that_is_watched_ends_early_and_the_records_say_when(
    project: Project, pytester: pytest.Pytester
) -> None:
    path = project(checks="  direct: {ask: direct, limit: 90%}", candidate=WATCHED)
    without_reference(path)
    pytester.runpytest_inprocess()
    record = records(pytester)["people/direct"]
    assert record["method"]["config"]["watch"] == {"limit": 0.5, "every": 2}
    assert 0 < record["steps"] < 60
    assert record["steps"] % 2 == 0
    case = cases(load_scenario(path, pytester.path))[0]
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    scene = session.scene(case)
    watch, forget = scene.data().watch, scene.data().forget
    assert [one.targets[0] for one in watch] == [example.answer for example in forget]
    assert all(2 <= len(one.targets) <= 21 for one in watch)
    assert not any({example.answer for example in forget} & {*one.targets[1:]} for one in watch)
    subjects = session.subjects(scene, case.candidate)
    first = [sum(map(recalled, watch, one.answer(watch))) / len(watch) for one in subjects.values()]  # type: ignore[arg-type]
    assert first[0] > 0.9 and first[1] <= 0.5


def test_a_candidate_that_took_no_steps_has_none_in_its_records(project: Project, pytester: pytest.Pytester) -> None:
    without_reference(project(checks="  direct: {ask: direct, limit: 90%}"))
    pytester.runpytest_inprocess()
    assert records(pytester)["people/direct"]["steps"] is None


LORA = "{method: grad_ascent, steps: 2, lr: 1e-4, trainable: lora, lora: {rank: 2, keep: KEEP}}"


def _made(project: Project, pytester: pytest.Pytester, candidate: str) -> Any:
    """The candidate of a scenario."""
    path = project(checks=CHECKS, candidate=candidate)
    without_reference(path)
    case = cases(load_scenario(path, pytester.path))[0]
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    return session.subjects(session.scene(case), case.candidate)["candidate"].subject  # type: ignore[attr-defined]


def test_a_candidate_kept_as_adapter_is_a_small_folder_that_answers_as_the_merged_one(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    kept, merged = (_made(project, pytester, LORA.replace("KEEP", keep)) for keep in ("true", "false"))
    assert isinstance(kept, AdaptedSubject)
    assert kept.folder == original
    assert not isinstance(merged, AdaptedSubject)
    names = {path.name for path in kept.adapter.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= names
    assert "model.safetensors" not in names
    asked = [Score(Prompt.of(f"Where does {name} live?"), ("Lyon",)) for name in ("Ann", "Bob")]
    for one, other in zip(kept.answer(asked), merged.answer(asked), strict=True):
        assert one.logp == pytest.approx(other.logp, abs=1e-3)
    before = [answer.logp for answer in kept.base.answer(asked)]
    assert [answer.logp for answer in kept.answer(asked)] != before


def test_an_adapter_on_an_original_with_one_is_refused(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    adapter(original, pytester.path / "a", 0.01)
    path = project(checks=CHECKS, candidate=LORA.replace("KEEP", "true"))
    without_reference(path)
    path.write_text(path.read_text().replace("original: fixture:world", "original: {base: fixture:world, adapter: a}"))
    case = cases(load_scenario(path, pytester.path))[0]
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    with pytest.raises(MethodError) as caught:
        session.subjects(session.scene(case), case.candidate)
    place = str(caught.value).partition(": `")[0]
    assert str(caught.value) == (
        f"{place}: `lora: {{keep: true}}` needs an original without an adapter, and this one has one: its own would "
        "stand on the two merged, which is no model that is kept"
    )


def test_a_training_that_is_cut_off_goes_on_in_the_next_run(
    project: Project, pytester: pytest.Pytester, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "resumable", partial(resumable, every=0.0))
    taken: list[int] = []
    terms = grad_ascent.grad_ascent_terms

    def counted(*given: Any) -> Any:
        taken.append(1)
        if len(taken) == 4:
            raise KeyboardInterrupt
        return terms(*given)

    monkeypatch.setattr(grad_ascent, "grad_ascent_terms", counted)
    candidate = f"{{method: grad_ascent, steps: 5, batch: 4, lr: 1.{os.getpid()}e-6}}"  # in no store yet
    with pytest.raises(KeyboardInterrupt):
        _made(project, pytester, candidate)
    left = list((original.parents[1] / "candidates").glob(".*.unfinished"))
    assert [path.name for one in left for path in one.iterdir()] == ["0.pt"]
    resumed = _made(project, pytester, candidate)
    assert len(taken) == 4 + 2
    assert not any(one.exists() for one in left)
    shutil.rmtree(resumed.folder)
    monkeypatch.setattr(grad_ascent, "grad_ascent_terms", terms)
    assert _made(project, pytester, candidate).digest == resumed.digest


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
