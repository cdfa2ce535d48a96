"""One process makes an entry, the others find it; what was not finished or was damaged does not count."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_unlearn.errors import MethodError, SubjectError
from pytest_unlearn.subjects import entry
from pytest_unlearn.subjects import store as module
from pytest_unlearn.subjects.entry import Entry
from pytest_unlearn.subjects.store import Store

MAKER = """
import sys, time
from pathlib import Path
from pytest_unlearn.subjects import store
store.PATIENCE = 0.2
root, log = Path(sys.argv[1]), Path(sys.argv[2])
def build(folder):
    (folder / "half").write_text("half of it")
    with log.open("a") as out: out.write("built\\n")
    time.sleep(float(sys.argv[3]))
    (folder / "whole").write_text("all of it")
print(store.Store(root).make("models", "m", build, "model m"))
"""

USER = """
import sys
from pathlib import Path
from pytest_unlearn.subjects.store import Store
assert Store(Path(sys.argv[1])).get("models", "a")
print("taken", flush=True)
sys.stdin.readline()
"""


def make(store: Store, text: str = "weights", builds: list[Path] | None = None) -> Path:
    def build(folder: Path) -> None:
        (folder / "a").write_text(text)
        if builds is not None:
            builds.append(folder)

    return store.make("models", "m", build, "model m")


def process(root: Path, log: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKER, str(root), str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def waiting_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    builds: list[Path] = []
    store = Store(tmp_path)
    assert store.get("models", "m") is None
    folder = make(store, builds=builds)
    assert make(store, builds=builds) == folder == tmp_path / "models" / "m" == store.get("models", "m")
    assert len(builds) == 1
    assert (folder / "a").read_text() == "weights"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 == stat.S_IMODE(folder.parent.stat().st_mode)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert (folder.parent / ".gitignore").read_text() == "*\n"


def test_two_processes_build_one_entry_and_the_second_says_that_it_waits(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = process(tmp_path / "store", log, 1.5)
    waiting_for(log)
    second = process(tmp_path / "store", log, 1.5)
    (out, _), (other, said) = first.communicate(timeout=30), second.communicate(timeout=30)
    assert out == other != ""
    assert log.read_text() == "built\n"
    assert "waiting for another process that makes the model m" in said


def test_a_build_that_was_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    log, root = tmp_path / "log", tmp_path / "store"
    killed = process(root, log, 60)
    waiting_for(log)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)
    assert [path.name[:12] for path in (root / "models").iterdir() if path.is_dir()] == [".m.building-"]
    assert Store(root).get("models", "m") is None
    folder = make(Store(root))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "digest.json"]
    assert [path for path in (root / "models").iterdir() if path.is_dir()] == [folder]


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    """Three entries of 1000 bytes and a manifest each, used a day after one another, by processes that have ended."""
    store = Store(tmp_path / "store")
    for i, key in enumerate("abc"):
        folder = store.make("models", key, lambda folder: write_bytes(folder / "w", 1000), f"model {key}")
        entry.release(folder)
        age = (datetime.now(UTC) - timedelta(days=9 - i)).timestamp()
        os.utime(folder / "digest.json", (age, age))
    return store


def write_bytes(path: Path, size: int) -> None:
    path.write_bytes(b"x" * size)


def keys(entries: list[Entry]) -> list[str]:
    return [one.key for one in entries]


def test_what_is_in_a_store_is_listed_with_what_it_is_and_when_it_was_used(kept: Store) -> None:
    found = kept.entries()
    assert keys(found) == ["a", "b", "c"]
    first = found[0]
    assert (first.path, first.kind, first.what) == (kept.root / "models" / "a", "models", "model a")
    assert 1000 < first.bytes < 1400
    assert timedelta(days=8.9) < datetime.now(UTC) - first.used < timedelta(days=9.1)
    kept.get("models", "a")
    assert keys(kept.entries()) == ["b", "c", "a"]
    assert Store(kept.root / "nowhere").entries() == []


def test_entries_that_were_not_used_for_long_are_pruned(kept: Store) -> None:
    assert keys(kept.prune(older_than=timedelta(days=7.5), dry=True)) == ["a", "b"]
    assert keys(kept.entries()) == ["a", "b", "c"]
    assert keys(kept.prune(older_than=timedelta(days=7.5))) == ["a", "b"]
    assert keys(kept.entries()) == ["c"]
    assert kept.get("models", "a") is None
    assert make(kept, builds=(builds := [])) and len(builds) == 1


def test_those_used_longest_ago_are_pruned_until_the_rest_fits(kept: Store) -> None:
    assert kept.prune() == []
    assert keys(kept.prune(keep_bytes=3000)) == ["a"]
    assert keys(kept.prune(keep_bytes=0)) == ["b", "c"]
    assert kept.entries() == []


def test_what_a_process_was_given_is_not_pruned_until_it_ends(kept: Store) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(kept.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdin is not None and user.stdout is not None
    assert user.stdout.readline() == "taken\n"
    assert keys(kept.prune(keep_bytes=0)) == ["b", "c"]
    assert (kept.root / "models" / "a" / "w").is_file()
    user.communicate("\n", timeout=30)
    assert keys(kept.prune(keep_bytes=0)) == ["a"]


def test_what_a_process_holds_is_closed_when_it_ends(kept: Store) -> None:
    command = [sys.executable, "-W", "always", "-c", USER, str(kept.root)]
    user = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert (user.stdout, user.stderr) == ("taken\n", "")


def test_what_is_being_built_is_not_pruned_and_what_a_broken_build_left_is(tmp_path: Path) -> None:
    log, root = tmp_path / "log", tmp_path / "store"
    builder = process(root, log, 60)
    waiting_for(log)
    store = Store(root)
    assert [one.what for one in store.entries()] == ["left by a build that was cut off"]
    assert store.prune(keep_bytes=0) == []
    builder.send_signal(signal.SIGKILL)
    builder.communicate(timeout=30)
    assert keys(store.prune()) == ["m"]
    assert store.entries() == []


def test_what_a_build_leaves_to_go_on_from_stays_until_it_is_done_or_pruned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    left = store.unfinished("models", "m")

    def cut_off(folder: Path) -> None:
        left.mkdir()
        (left / "half").write_text("half of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make("models", "m", cut_off, "model m")
    assert (left / "half").is_file()
    assert [one.what for one in store.entries()] == ["kept to go on from where a build was cut off"]
    make(store)
    assert not left.exists()
    left.mkdir()
    assert [one.path for one in store.prune()] == [left]
    assert not left.exists()


def test_a_damaged_entry_that_was_set_aside_is_listed_and_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (make(Store(tmp_path)) / "a").write_text("wedghts")
    monkeypatch.setattr(module, "_verified", {})
    make(Store(tmp_path))
    assert [one.what for one in Store(tmp_path).entries()] == ["set aside because it was damaged", "model m"]
    assert [one.path.name for one in Store(tmp_path).prune()] == [".m.damaged"]
    assert [one.what for one in Store(tmp_path).entries()] == ["model m"]


def test_an_entry_of_an_earlier_version_says_nothing_about_itself(kept: Store) -> None:
    manifest = kept.root / "models" / "a" / "digest.json"
    manifest.write_text(json.dumps({"files": json.loads(manifest.read_text())["files"]}))
    assert {one.key: one.what for one in kept.entries()} == {"a": "", "b": "model b", "c": "model c"}
    assert kept.get("models", "a") is not None


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "manifest"])
def test_a_damaged_entry_is_set_aside_and_remade(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(Store(tmp_path))
    monkeypatch.setattr(module, "_verified", {})  # as in another process
    if damage == "changed":
        (folder / "a").write_text("wedghts")
    elif damage == "removed":
        (folder / "a").unlink()
    elif damage == "added":
        (folder / "b").touch()
    else:
        (folder / "digest.json").write_text('{"files"')
    assert Store(tmp_path).get("models", "m") is None
    assert make(Store(tmp_path)) == folder
    assert (folder / "a").read_text() == "weights"
    assert (tmp_path / "models" / ".m.damaged").is_dir()
    assert "the stored model m was damaged" in capsys.readouterr().err


def test_a_failed_build_leaves_nothing_and_its_own_error_is_told(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "a").touch()
        raise MethodError("the loss is not a number")

    with pytest.raises(MethodError, match="not a number"):
        Store(tmp_path).make("models", "m", build, "model m")
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    def build(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(SubjectError) as caught:
        Store(tmp_path).make("models", "m", build, "model m")
    assert str(caught.value) == (
        f"the model m cannot be kept in {tmp_path}: No space left on device. Make room there, or set UNLEARN_CACHE to "
        "a folder that can be written"
    )


def test_a_place_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SubjectError) as caught:
        make(Store(tmp_path / "file" / "store"))
    assert str(caught.value) == (
        f"the model m cannot be kept in {tmp_path}/file/store: Not a directory. Make room there, or set UNLEARN_CACHE "
        "to a folder that can be written"
    )


def test_a_folder_that_nobody_may_write_is_told_with_what_to_do(tmp_path: Path) -> None:
    closed = Path("/sys") if os.geteuid() == 0 else tmp_path / "closed"  # nothing is closed to root but what is no disk
    closed.mkdir(mode=0o500, exist_ok=True)
    reasons = "(Permission denied|Operation not permitted|Read-only file system)"
    root = closed / "unlearn"
    with pytest.raises(SubjectError) as caught:
        make(Store(root))
    assert re.fullmatch(
        rf"the model m cannot be kept in {root}: {reasons}\. Make room there, or set UNLEARN_CACHE to a folder that "
        "can be written",
        str(caught.value),
    )


def test_the_environment_says_where_models_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "elsewhere"))
    assert make(Store()) == tmp_path / "elsewhere" / "models" / "m"


def test_a_name_with_a_path_in_it_is_no_entry(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^'\.\./m' cannot name a store entry$"):
        Store(tmp_path).get("models", "../m")


def test_an_entry_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    assert process(tmp_path, tmp_path / "log", 0).wait(60) == 0
    (tmp_path / "models" / f".m.building-{os.getpid()}").write_text("in the way")
    with pytest.raises(SubjectError) as caught:
        Store(tmp_path).prune(keep_bytes=0)
    assert str(caught.value) == f"{tmp_path}/models/m cannot be removed: Not a directory"
