"""Records survive several writers, cut-off lines and disks that cannot be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_unlearn.records import Writer, merge, private_folder, read


def test_the_files_of_all_workers_end_up_as_those_of_one_process(tmp_path: Path) -> None:
    plan = [{"id": f"s/t/{name}", "file": "s.unlearn.yaml"} for name in ("gw0", "gw1", "never")]
    for worker in ("gw1", "gw0"):
        writer = Writer(tmp_path / "out", "r1", worker)
        writer.write("run", plan=plan)
        writer.write("check", id=f"s/t/{worker}", file="s.unlearn.yaml", verdict="pass")
    merged = merge(tmp_path / "out", "r1", 1)
    assert merged is not None
    run, *checks, end = read(merged)
    assert (run["line"], run["plan"]) == ("run", plan)
    assert [check["id"] for check in checks] == ["s/t/gw0", "s/t/gw1"]
    assert (end["line"], end["exit"], end["counts"], end["unjudged"]) == ("end", 1, {"pass": 2}, ["s/t/never"])
    assert sorted(path.name for path in merged.parent.iterdir()) == [".gitignore", "records.jsonl"]


def test_a_run_without_records_merges_to_nothing(tmp_path: Path) -> None:
    assert merge(tmp_path, "r1", 5) is None


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "r1", "main")
    writer.write("check", id="a")
    with writer.path.open("a", encoding="utf-8") as stream:
        stream.write('{"line": "check", "schema": 1, "id": "b')
    assert [record["id"] for record in read(writer.path)] == ["a"]


def test_records_of_a_newer_schema_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"line": "run", "schema": 2}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        list(read(path))
    assert str(caught.value) == f"{path} has records of schema 2; this version reads schema 1"


def test_a_folder_that_cannot_be_made_costs_the_records_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    writer = Writer(tmp_path / "file" / "out", "r1", "main")
    with pytest.warns(UserWarning, match="^no records") as told:
        writer.write("run", plan=[])
    assert [str(one.message) for one in told] == [
        f"no records are kept: {writer.path} cannot be written ([Errno 20] Not a directory: '{writer.path.parent}')"
    ]
    writer.write("check", id="a")


def test_the_folder_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    Writer(tmp_path / "out", "r1", "main").write("run", plan=[])
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_folder_of_runs_is_made_private_again_and_that_of_others_is_left_alone(tmp_path: Path) -> None:
    for name in ("records.jsonl", "notes.txt"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        folder.chmod(0o755)
        (folder / name).write_text("", encoding="utf-8")
        private_folder(folder)
    assert (tmp_path / "records").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "records" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (tmp_path / "notes").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "notes" / ".gitignore").exists()


def test_records_that_cannot_be_put_together_stay_where_they_are(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "out", "r1", "main")
    writer.write("run", plan=[])
    (tmp_path / "out" / "records.jsonl").mkdir()
    with pytest.warns(UserWarning, match="^the records") as told:
        assert merge(tmp_path / "out", "r1", 0) is None
    scratch, merged = tmp_path / "out" / "records.jsonl.r1", tmp_path / "out" / "records.jsonl"
    assert [str(one.message) for one in told] == [
        f"the records stay in parts: {merged} cannot be written ([Errno 21] Is a directory: '{scratch}' -> '{merged}')"
    ]
    assert writer.path.is_file()
