"""`unlearn lint`: questions that read badly are shown with the line of their check."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_unlearn.cli.app import main

SCENARIO = """\
version: 1
model: {original: ./a, candidate: ./b}
knowledge:
  entities:
    Ann: {type: person, aliases: [the Fox]}
    Bo: person
    Rome: city
    Oslo: city
    Lund: city
  relations:
    lives_in: {ask: ["Where does {subject} live?", "Where is  the home of the {subject}?"]}
    born_in: {ask: ["Where does {subject} live?", "Where was was {subject} born?"]}
  facts: [[Ann, lives_in, Rome], [Ann, born_in, Oslo], [Bo, lives_in, Lund]]
forget: Ann
checks:
  direct: {ask: direct, limit: 5%, min_known: 1}
  alias: {ask: alias, search: 100, min_known: 1}
  paraphrase: {ask: paraphrase, search: 100, min_known: 1}
"""


def lint(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["unlearn", "lint", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_each_flaw_is_told_with_its_question_at_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "w.unlearn.yaml").write_text(SCENARIO, encoding="utf-8")
    assert lint(monkeypatch, tmp_path, "w.unlearn.yaml") == 1
    told = capsys.readouterr().out.splitlines()
    twin = "another question reads alike and is answered by"
    assert set(told[:-1:2]) == {
        f"w.unlearn.yaml:16: w/ann/direct: {twin} Oslo: name them apart",
        f"w.unlearn.yaml:17: w/ann/alias: {twin} Oslo: name them apart",
        "w.unlearn.yaml:17: w/ann/alias: two articles, 'the the': leave one to the wording or to the name",
        "w.unlearn.yaml:17: w/ann/alias: a space too many",
        "w.unlearn.yaml:17: w/ann/alias: a word twice, 'was was'",
        "w.unlearn.yaml:18: w/ann/paraphrase: a space too many",
        "w.unlearn.yaml:18: w/ann/paraphrase: a word twice, 'was was'",
    }
    assert "    Where does Ann live?" in told
    assert told[-1] == "8 questions read, 6 with a flaw"


def test_questions_that_read_well_pass_and_a_sample_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").touch()
    text = SCENARIO.replace("is  the home of the", "is the home of").replace("was was", "was")
    first = 'born_in: {ask: ["Where does {subject} '
    text = text.replace(f"{first}live?", f"{first}hail from?")
    (tmp_path / "w.unlearn.yaml").write_text(text, encoding="utf-8")
    assert lint(monkeypatch, tmp_path, "w.unlearn.yaml", "--sample", "3") == 0
    assert capsys.readouterr().out == "7 questions read, 0 with a flaw\n"
