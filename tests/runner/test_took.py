"""What making a model took is measured, and kept beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from pytest_unlearn.runner import took
from pytest_unlearn.runner.took import FILE, Took, read, taking
from pytest_unlearn.subjects.devices import pick

MEBIBYTE = 2**20


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a process")
def test_memory_is_the_most_in_use_beyond_what_was_and_not_what_was_freed_before() -> None:
    torch.ones(100 * MEBIBYTE // 4).sum()  # before it begins
    with taking(pick("cpu")) as first:
        torch.ones(60 * MEBIBYTE // 4).sum()
    with taking(pick("cpu")) as second:
        torch.ones(20 * MEBIBYTE // 4).sum()
    assert first.memory is not None and second.memory is not None
    assert 55 * MEBIBYTE < first.memory < 90 * MEBIBYTE
    assert 15 * MEBIBYTE < second.memory < 50 * MEBIBYTE
    assert first.seconds is not None and 0 <= first.seconds < 10


def test_where_the_system_does_not_tell_memory_it_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(took, "PROCESS", tmp_path / "none")
    with taking(pick("cpu")) as found:
        pass
    assert found.memory is None and found.seconds is not None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_it_is_the_memory_of_the_device() -> None:
    placement = pick("cuda")
    with taking(placement) as found:
        torch.ones(64 * MEBIBYTE // 4, device=placement.device).sum()
    assert found.memory is not None and 64 * MEBIBYTE <= found.memory < 70 * MEBIBYTE


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    Took(1.5, 7).write(tmp_path)
    assert read(tmp_path) == Took(1.5, 7)


@pytest.mark.parametrize("text", [None, "{", "[]", json.dumps({"hours": 1})])
def test_of_what_another_version_made_nothing_is_known(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    assert read(tmp_path) == Took()
