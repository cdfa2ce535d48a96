"""Findings as files: private, stable, read back, and never in the way of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.runner.findings import EARLIER, Finding, earlier, read, write

BODY: dict[str, Any] = {
    "schema": 1,
    "fingerprint": "0123abcd",
    "scenario": "w",
    "target": "people",
    "check": "alias",
    "file": "w.unlearn.yaml",
    "grader": "text",
    "question": "Who is he?",
    "secret": ["Jim"],
    "probe": "0af40ac2b9e7",
    "name": "the Beekeeper",
    "chain": ["Jim | spouse | Ann"],
}


def finding(**changed: Any) -> Finding:
    body = {**BODY, **changed}
    return Finding(body["fingerprint"], body["scenario"], body["target"], body["check"], body)


def test_only_the_owner_can_read_a_finding(tmp_path: Path) -> None:
    path = write(tmp_path / ".unlearn", finding())
    assert path == tmp_path / ".unlearn" / "findings" / "w-people-alias-0123abcd.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_git_ignores_findings_in_a_folder_that_is_others_too(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("*.tmp\n", encoding="utf-8")
    path = write(tmp_path, finding())
    assert path is not None
    assert (path.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_finding_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, finding())
    assert path is not None
    assert read(path) == finding()


def test_a_name_that_is_no_file_name_makes_one(tmp_path: Path) -> None:
    path = write(tmp_path, finding(scenario="Ünlearn: all of it", target="x"))
    assert path is not None
    assert path.name == "-nlearn-all-of-it-x-alias-0123abcd.json"


def test_a_disk_that_cannot_be_written_loses_the_file_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "findings").write_text("in the way", encoding="utf-8")
    with pytest.warns(UserWarning, match="^a finding") as told:
        assert write(tmp_path, finding()) is None
    path = tmp_path / "findings" / finding().name
    assert [str(one.message) for one in told] == [
        f"a finding is not kept: {path} cannot be written ([Errno 17] File exists: '{path.parent}')"
    ]


def test_earlier_findings_are_sorted_by_case_and_broken_files_are_passed_over(tmp_path: Path) -> None:
    for number in range(EARLIER + 2):
        write(tmp_path, finding(fingerprint=f"{number:08d}", probe=str(number)))
    write(tmp_path, finding(check="inverse"))
    (tmp_path / "findings" / "a.json").write_text("{", encoding="utf-8")
    found = earlier(tmp_path)
    assert set(found) == {"w/people/alias", "w/people/inverse"}
    assert [built.id for built in found["w/people/alias"]] == [str(number) for number in range(EARLIER)]
    assert earlier(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "the finding {path} cannot be read: No such file or directory"),
        ("{", "{path} is not a finding: pytest writes them below .unlearn/findings/"),
        ("[]", "{path} is not a finding: pytest writes them below .unlearn/findings/"),
        ('{"a": 1}', "{path} is not a finding: pytest writes them below .unlearn/findings/"),
        (json.dumps({**BODY, "schema": 2}), "{path} is a finding of schema 2; this version reads schema 1"),
        (
            json.dumps({k: v for k, v in BODY.items() if k != "chain"}),
            "the finding {path} is damaged: it lacks 'chain'",
        ),
        (
            json.dumps({**BODY, "target": {}}),
            "the finding {path} is damaged: what should be text is not",
        ),
    ],
)
def test_a_file_that_is_no_finding_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "f.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UnlearnError) as caught:
        read(path)
    assert str(caught.value).startswith(told.format(path=path))
