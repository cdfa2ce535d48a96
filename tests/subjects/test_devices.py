"""Where models run: threads on a CPU, and the same answers on a GPU."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pytest_unlearn.subjects.answers import Answer, Failed, Outputs, Scores, States
from pytest_unlearn.subjects.devices import Placement, pick, threads
from pytest_unlearn.subjects.encode import encoder_of
from pytest_unlearn.subjects.local import AT_ONCE, LocalSubject
from pytest_unlearn.subjects.requests import Generate, Prompt, Read, Request, Score

KINDS = [
    kind for kind, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if there
]
QUESTIONS = [
    Prompt.of(f"What is the capital of {name}?") for name in ("France", "Spain", "South Sudan", "Guinea-Bissau")
]
ASKED: list[Request] = [
    *(Score(prompt, ("Paris", "Madrid", "Juba")) for prompt in QUESTIONS),
    *(Generate(prompt, 8) for prompt in QUESTIONS),
    *(Read(prompt, ("layer.0",)) for prompt in QUESTIONS),
]


@pytest.fixture(params=["cuda", "mps"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param not in KINDS:
        pytest.skip(f"torch {torch.__version__} sees no {request.param} device")
    return str(request.param)


@pytest.mark.parametrize(("workers", "expected"), [(None, 4), ("1", 4), ("2", 2), ("9", 1)])
def test_workers_share_the_threads_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, workers: str | None, expected: int
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    if workers is not None:
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)
    torch.set_num_threads(4)  # the module's fixture sets back what was
    with threads():
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 4


def test_subjects_of_one_tokenizer_encode_each_text_once(
    llama_folder: Path, tiny: SimpleNamespace, tmp_path: Path, cpu: Placement
) -> None:
    other = tiny.write(tmp_path / "other", tiny.llama(seed=1), tiny.tokenizer())
    first, second, third = (
        LocalSubject(folder, cpu, system)
        for folder, system in ((llama_folder, None), (other, None), (other, "Be brief."))
    )
    asked = Score(Prompt.of("Which town is this, asked nowhere else?"), ("Lyon",))
    for subject in (first, second, third):
        list(subject.answer([asked]))
    encoders = [subject._load()[1] for subject in (first, second, third)]
    assert encoders[0] is encoders[1] is not encoders[2]
    assert encoders[0].pair.cache_info().hits >= 1


def test_few_tokenizers_are_kept(tiny: SimpleNamespace) -> None:
    made = [encoder_of(tiny.tokenizer(), f"system {i}") for i in range(9)]
    assert encoder_of(tiny.tokenizer(), "system 8") is made[8]
    assert encoder_of(tiny.tokenizer(), "system 0") is not made[0]


def test_what_is_asked_next_is_encoded_while_the_device_answers(
    llama: LocalSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [Score(Prompt.of(f"Question {i}?", raw=True), ("Lyon",)) for i in range(AT_ONCE + 5)]
    expected = list(llama.answer(many))
    ahead: list[tuple[str, int]] = []
    encoder = llama._load()[1]
    warm = encoder.warm

    def watched(requests: list[Request]) -> None:
        ahead.append((threading.current_thread().name, len(requests)))
        warm([*requests, Score(Prompt.of(""), ("",))])  # what cannot be encoded is no matter here

    monkeypatch.setattr(encoder, "warm", watched)
    monkeypatch.setattr(Placement, "apart", True)
    assert list(llama.answer(many)) == expected
    assert ahead == [("unlearn-tokens", 5)]


def alike(ours: Answer, theirs: Answer, room: float) -> bool:
    """Whether two answers differ by no more than noise; what is generated may differ after a near tie."""
    if isinstance(ours, Scores) and isinstance(theirs, Scores):
        return all(math.isclose(a, b, abs_tol=room) for a, b in zip(ours.logp, theirs.logp, strict=True))
    if isinstance(ours, Outputs) and isinstance(theirs, Outputs):
        return ours.items == theirs.items or min(ours.near_tie, theirs.near_tie) < room
    if isinstance(ours, States) and isinstance(theirs, States):
        pairs = ((ours.arrays[site], theirs.arrays[site]) for site in theirs.arrays)
        return all(abs(a - b).max() <= room * abs(b).max() for a, b in pairs)
    return False


@pytest.mark.gpu
def test_a_device_answers_as_the_cpu_does(device: str, llama_folder: Path, cpu: Placement) -> None:
    placed = Placement(torch.device(device), torch.float32)
    found = list(LocalSubject(llama_folder, placed).answer(ASKED))
    for ours, theirs in zip(found, LocalSubject(llama_folder, cpu).answer(ASKED), strict=True):
        assert alike(ours, theirs, 1e-3)


@pytest.mark.gpu
def test_in_half_precision_answers_are_within_their_noise_and_alone_they_are_those_of_float32(
    device: str, llama_folder: Path
) -> None:
    half = LocalSubject(llama_folder, Placement(torch.device(device), torch.bfloat16))
    batch, alone = list(half.answer(ASKED)), list(half.answer(ASKED, alone=True))
    for ours, theirs in zip(batch, alone, strict=True):
        assert not isinstance(ours, Failed)
        assert alike(ours, theirs, max(getattr(ours, "noise", 0.0), 0.05))
    assert pick(device).kind == device


@pytest.mark.gpu
def test_memory_that_runs_out_on_a_device_is_survived(llama_folder: Path) -> None:
    if "cuda" not in KINDS:
        pytest.skip(f"torch {torch.__version__} sees no cuda device")
    subject = LocalSubject(llama_folder, Placement(torch.device("cuda"), torch.float32))
    expected = list(subject.answer(ASKED))
    free, _ = torch.cuda.mem_get_info()
    body = subject._load()[0]
    hungry = []

    def greedy(module: object, given: object, kwargs: dict[str, torch.Tensor]) -> None:
        if kwargs["attention_mask"].numel() > 200:
            hungry.append(kwargs["attention_mask"].numel())
            torch.empty(free + (1 << 30), dtype=torch.uint8, device="cuda")  # a real CUDA out-of-memory error

    hook = body.causal.base_model.register_forward_pre_hook(greedy, with_kwargs=True)
    found = list(subject.answer(ASKED))
    hook.remove()
    assert hungry
    assert all(alike(ours, theirs, 1e-3) for ours, theirs in zip(found, expected, strict=True))
