"""Records survive several writers, cut-off lines and disks that cannot be written."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unlearn import records
from pytest_unlearn.records import Loaded, Merged, Writer, found_in, load, merge, pending, private_folder, read


def test_the_files_of_all_workers_end_up_as_those_of_one_process(tmp_path: Path) -> None:
    plan = [{"id": f"s/t/{name}", "file": "s.unlearn.yaml"} for name in ("gw0", "gw1", "never")]
    for worker in ("gw1", "gw0"):
        writer = Writer(tmp_path / "out", "r1", worker)
        writer.write("run", plan=plan)
        writer.write("check", id=f"s/t/{worker}", file="s.unlearn.yaml", verdict="pass")
    merged = merge(tmp_path / "out", "r1", 1).path
    assert merged is not None
    run, *checks, end = read(merged)
    assert (run["line"], run["plan"]) == ("run", plan)
    assert [check["id"] for check in checks] == ["s/t/gw0", "s/t/gw1"]
    assert (end["line"], end["exit"], end["counts"], end["unjudged"]) == ("end", 1, {"pass": 2}, ["s/t/never"])
    assert sorted(path.name for path in merged.parent.iterdir()) == [".gitignore", "records.jsonl"]


def test_a_run_without_records_merges_to_nothing(tmp_path: Path) -> None:
    assert merge(tmp_path, "r1", 5) == Merged()


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


def test_a_folder_that_cannot_be_made_costs_the_file_and_neither_the_run_nor_its_lines(tmp_path: Path) -> None:
    out = tmp_path / "file" / "out"
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    writer = Writer(out, "r1", "main")
    writer.write("run", plan=[])
    writer.write("check", id="a", verdict="pass")
    found = merge(out, "r1", 0, unwritten=writer.unwritten)
    assert [line["line"] for line in found.lines] == ["run", "check", "end"]
    why = f"{out / 'records.jsonl'} cannot be written ([Errno 20] Not a directory: '{out}')"
    assert (found.path, found.notes) == (None, (f"the records are not kept: {why}",))


def test_lines_that_found_no_room_are_kept_when_there_is_some_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path, "r1", "main")
    writer.write("run", plan=[])
    before = writer.path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(records, "_append", full)
        writer.write("check", id="a", verdict="fail")
    writer.write("check", id="b", verdict="pass")
    assert writer.path.read_bytes() == before
    found = merge(tmp_path, "r1", 1, unwritten=writer.unwritten)
    assert found.path is not None
    assert found.notes == ()
    assert [line.get("id") for line in read(found.path)] == [None, "a", "b", None]


def full(path: Path, data: bytes) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file may not grow beyond 4 kB here: what fits of the second line is written, and taken away again."""
    code = (
        "import pathlib, resource, signal, sys\n"
        "from pytest_unlearn.records import Writer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "writer = Writer(pathlib.Path(sys.argv[1]), 'r1', 'main')\n"
        "writer.write('check', id='a', reason='x' * 2000)\n"
        "writer.write('check', id='b', reason='x' * 20000)\n"
        "print([line['id'] for line in writer.unwritten])\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout == "['b']\n"
    assert [line["id"] for line in read(tmp_path / "records-r1-main.jsonl")] == ["a"]
    assert (tmp_path / "records-r1-main.jsonl").read_bytes().endswith(b"\n")


def test_any_text_and_any_number_is_held_by_one_line(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "r1", "main")
    odd = "a\u2028b\x85c\nd\x00 \ud800 \U0001f600 \udcff"
    writer.write("check", id="a", reason=odd, seconds=math.nan, tallies=[{"upper": math.inf, "n": (1, 2)}])
    writer.write("check", id="b", reason="x" * 10**7)
    first, second = read(writer.path)
    assert first["reason"] == odd.replace("\ud800", "\ufffd").replace("\udcff", "\ufffd")
    assert (first["seconds"], first["tallies"]) == (None, [{"upper": None, "n": [1, 2]}])
    assert len(second["reason"]) == 10**7
    assert load(writer.path) == Loaded((first, second))


@pytest.mark.parametrize(
    "text",
    [
        "[1]", "3", "{", "{}x", '{"a": NaN}', '{"a": 1e999}', '{"a": 9223372036854775808}', '{"a": "\\ud800"}',
        '{"\\udfff": 1}', '{"a": ' + "[" * 40 + "]" * 40 + "}", "[" * 100000, '{"a": ' + "1" * 5000 + "}",
    ],
)  # fmt: skip
def test_a_line_that_no_output_could_hold_is_damaged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(f'\n{text}\n{{"line": "end", "schema": 1}}\n', encoding="utf-8")
    assert load(path) == Loaded(({"line": "end", "schema": 1},), (2,))


def test_a_last_line_is_cut_off_only_where_it_does_not_end(tmp_path: Path) -> None:
    path, whole = tmp_path / "records.jsonl", b'{"line": "end", "schema": 1}'
    line = json.loads(whole)
    for raw, found in (
        (whole, Loaded((line,))),
        (b"\xef\xbb\xbf" + whole + b"\r\n" + whole, Loaded((line, line))),
        (whole + b'\n{"a": "\xc3', Loaded((line,), (), True)),
        (whole + b"\n{\n", Loaded((line,), (2,))),
        (b"\x00" * 9, Loaded((), (), True)),
        (b"", Loaded(())),
    ):
        path.write_bytes(raw)
        assert load(path) == found


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
        assert private_folder(folder) == (name == "records.jsonl")
    assert (tmp_path / "records").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "records" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (tmp_path / "notes").stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "notes" / ".gitignore").exists()


def test_a_folder_with_a_gitignore_of_its_own_is_not_taken_for_one_that_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.tmp\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    tmp_path.chmod(0o700)
    assert not private_folder(tmp_path)
    (tmp_path / "notes.txt").unlink()
    assert not private_folder(tmp_path)
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "*.tmp\n"


def test_records_that_cannot_be_put_together_stay_where_they_are(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "out", "r1", "main")
    writer.write("run", plan=[])
    (tmp_path / "out" / "records.jsonl").mkdir()
    found = merge(tmp_path / "out", "r1", 0)
    merged = tmp_path / "out" / "records.jsonl"
    scratch = merged.with_name("records.jsonl.r1")
    assert found.notes == (
        f"the records are not kept: {merged} cannot be written ([Errno 21] Is a directory: '{scratch}' -> '{merged}')",
    )
    assert found.path is None
    assert writer.path.is_file()
    assert not scratch.exists()


def test_what_is_wrong_in_a_part_is_told_when_it_is_put_together(tmp_path: Path) -> None:
    torn, damaged = (Writer(tmp_path, "r1", worker) for worker in ("gw0", "gw1"))
    torn.write("run", plan=[])
    damaged.write("check", id="a", verdict="pass")
    torn.path.write_bytes(torn.path.read_bytes() + b'{"line": "che')
    damaged.path.write_bytes(b"?\n" + damaged.path.read_bytes())
    found = merge(tmp_path, "r1", 1)
    assert [line["line"] for line in found.lines] == ["run", "check", "end"]
    assert found.notes == (
        "records-r1-gw0.jsonl was cut off in its last line: that check has no verdict",
        "records-r1-gw1.jsonl is damaged: it stays where it is",
    )
    assert (torn.path.exists(), damaged.path.exists()) == (False, True)


def began(folder: Path, run: str) -> None:
    """A run of one process looks around, and writes what it is about to do."""
    after, beside = found_in(folder)
    Writer(folder, run, "main").write("run", plan=[], after=after, beside=beside)


def ran(folder: Path, run: str) -> Merged:
    """A run of one process, from its beginning to its end."""
    began(folder, run)
    return merge(folder, run, 0)


@pytest.mark.parametrize("turn", ["in turn", "overtaken"])
def test_a_run_that_ends_meanwhile_keeps_its_records_until_a_later_one_ends(turn: str, tmp_path: Path) -> None:
    ran(tmp_path, "r1")
    first, second = ("r2", "r3") if turn == "in turn" else ("r3", "r2")
    began(tmp_path, first)
    began(tmp_path, second)  # it finds what the first has written so far
    assert merge(tmp_path, "r2", 0).notes == ()
    found = merge(tmp_path, "r3", 0)
    assert found.notes == (f"another run ended in {tmp_path} meanwhile: its records are kept as records.r2.jsonl",)
    last = {path.name: [line["run"] for line in read(path)] for path in tmp_path.glob("records*")}
    assert last == {"records.jsonl": ["r3", "r3"], "records.r2.jsonl": ["r2", "r2"]}
    assert found_in(tmp_path) == (("r2", "r3"), ())
    ran(tmp_path, "r4")
    assert [path.name for path in tmp_path.glob("records*")] == ["records.jsonl"]


def test_many_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from pytest_unlearn.records import Writer, merge\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "writer = Writer(folder, sys.argv[2], 'main')\n"
        "print('ready', flush=True)\n"
        "input()\n"
        "writer.write('run', plan=[], after=[])\n"
        "assert merge(folder, sys.argv[2], 0).path\n"
    )
    folder = tmp_path / "a" / "b"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder), f"r{i}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(8)
    ]
    for run in runs:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin
        run.stdin.write("\n")
        run.stdin.flush()
    assert [run.wait(60) for run in runs] == [0] * 8
    assert found_in(folder) == (tuple(f"r{i}" for i in range(8)), ())


def test_what_was_cut_off_waits_for_a_run_that_began_after_it(tmp_path: Path) -> None:
    ran(tmp_path, "r1")
    began(tmp_path, "r2")
    merged, part = tmp_path / "records.jsonl", tmp_path / "records-r2-main.jsonl"
    for times in ((900, 900), (2**31, 2**31)):  # whatever the clock was when it was written
        os.utime(part, times)
        assert pending(tmp_path, read(merged)) == [part]
    assert found_in(tmp_path) == (("r1",), ("r2",))
    ran(tmp_path, "r3")
    assert pending(tmp_path, read(merged)) == []
