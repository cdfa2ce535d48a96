"""`unlearn new`: what it writes is valid, and it never overwrites."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_unlearn.cli.app import main
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.scenario.keys import LATER
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import MethodUse, ModelName, Scenario

Run = Callable[..., tuple[int, str, str]]
KNOWLEDGE = """\
entities: {Ann: person, Bob: person, Rome: city, Oslo: city}
relations: {lives_in: {ask: ["Where does {subject} live?"]}}
facts: [[Ann, lives_in, Rome], [Bob, lives_in, Oslo]]
"""


@pytest.fixture
def unlearn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a project of its own; exit code, what is said and what is complained of."""
    (tmp_path / "pytest.ini").touch()
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unlearn", *words])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def read(path: Path) -> Scenario:
    scenario = load_scenario(path, path.parent)
    knowledge = build(scenario.knowledge, path.parent)
    assert all(forgetting(knowledge, target).target for target in scenario.targets)
    return scenario


def test_a_scenario_about_an_entity_is_valid_and_says_what_comes_next(unlearn: Run, tmp_path: Path) -> None:
    code, out, _ = unlearn("new", "smollm2-135m-instruct", "--forget", "Japan")
    assert code == 0
    assert out.startswith("wrote japan.unlearn.yaml. Next:\n")
    assert [line.split("  ")[1] for line in out.splitlines()[2:]] == [
        "unlearn fetch smollm2-135m-instruct",
        "unlearn show japan.unlearn.yaml --cost",
        "pytest japan.unlearn.yaml",
    ]
    assert all(len(line) <= 80 for line in out.splitlines())
    scenario = read(tmp_path / "japan.unlearn.yaml")
    assert isinstance(scenario.models.candidates[0].made, MethodUse)
    assert {check.min_known for check in scenario.checks} == {1}  # three facts are few
    assert {grader.name for check in scenario.checks for grader in check.graders} == {"text"}
    assert [check.id for check in scenario.checks] == [
        *("direct", "paraphrase", "alias", "inverse", "multi-hop", "neighbours", "far", "fluency")
    ]


def test_a_selector_and_a_checkpoint_are_taken_over(unlearn: Run, tmp_path: Path) -> None:
    words = ["--forget", "{relation: capital, where: {continent: Europe}}", "--candidate", "./after: all"]
    code, out, _ = unlearn("new", "./before", *words, "--output", "europe.unlearn.yaml")
    assert (code, out.splitlines()[-1]) == (0, "  pytest europe.unlearn.yaml               asks both models")
    scenario = read(tmp_path / "europe.unlearn.yaml")
    assert isinstance(scenario.models.candidates[0].made, ModelName)
    assert (scenario.models.original.text, scenario.models.candidates[0].made.text) == ("./before", "./after: all")
    assert {check.min_known for check in scenario.checks} == {5}


def test_checks_without_a_question_are_left_out(unlearn: Run, tmp_path: Path) -> None:
    (tmp_path / "w.knowledge.yaml").write_text(KNOWLEDGE, encoding="utf-8")
    (tmp_path / "scenarios").mkdir()
    code, _, _ = unlearn(
        *("new", "./m", "--forget", "Ann", "--knowledge", "w.knowledge.yaml", "--output", "scenarios/a.unlearn.yaml")
    )
    assert code == 0
    scenario = load_scenario(tmp_path / "scenarios" / "a.unlearn.yaml", tmp_path)
    assert [check.id for check in scenario.checks] == ["direct", "retained", "fluency"]


@pytest.mark.skipif("questions" in LATER["selector"], reason="selectors cannot name questions yet")
def test_a_scenario_about_questions_is_valid(unlearn: Run, tmp_path: Path) -> None:
    line = '{"question": "Where does Ann live?", "answer": "Rome", "paraphrases": ["Where is Ann?"]}\n'
    (tmp_path / "mine.jsonl").write_text(line, encoding="utf-8")
    (tmp_path / "keep.jsonl").write_text(line.replace("Ann", "Bob").replace("Rome", "Oslo"), encoding="utf-8")
    code, out, _ = unlearn("new", "./m", "--questions", "mine.jsonl", "--keep", "keep.jsonl")
    assert (code, out.splitlines()[0]) == (0, "wrote mine.unlearn.yaml. Next:")
    scenario = load_scenario(tmp_path / "mine.unlearn.yaml", tmp_path)
    assert [check.id for check in scenario.checks] == ["direct", "paraphrase", "retained", "fluency"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what must be forgotten: --forget NAME, or --questions FILE"),
        (["--forget", "Jpan"], "--forget:1:1: unknown entity 'Jpan' - did you mean 'Japan'?"),
        (
            ["--forget", "{relaton: capital}"],
            "--forget:1:2: unknown key 'relaton' - did you mean 'relation'?\n    {relaton: capital}\n     ^",
        ),
        (["--questions", "none.jsonl"], "there is no file none.jsonl"),
        (
            ["--forget", "Japan", "--questions", "q.jsonl"],
            "--forget beside --questions: a first scenario has one of them; add the other by hand",
        ),
        (
            ["--forget", "Japan", "--keep", "q.jsonl"],
            "--keep goes with --questions: with --forget, all that is not forgotten must stay",
        ),
        (
            ["--forget", "Japan", "--output", "japan.yaml"],
            "japan.yaml does not end in .unlearn.yaml, so that pytest would not see it",
        ),
        (["--forget", "Japan", "--output", "none/japan.unlearn.yaml"], "there is no folder none"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    unlearn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert unlearn("new", "./m", *words) == (2, "", f"{message}\n")
    assert list(tmp_path.rglob("*.unlearn.yaml")) == []


def test_a_file_is_never_overwritten(unlearn: Run, tmp_path: Path) -> None:
    (tmp_path / "japan.unlearn.yaml").write_text("mine", encoding="utf-8")
    told = "japan.unlearn.yaml is there already, and is not overwritten: choose another with --output\n"
    assert unlearn("new", "./m", "--forget", "Japan") == (2, "", told)
    assert (tmp_path / "japan.unlearn.yaml").read_text(encoding="utf-8") == "mine"


def test_at_a_terminal_it_asks_until_the_answer_can_be_used(tmp_path: Path) -> None:
    near, far = pty.openpty()
    os.write(near, b"Jpan\nJapan\n./after\n")
    code = "from pytest_unlearn.cli.app import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "new", "./before"],
        cwd=tmp_path, stdin=far, capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(near)
    os.close(far)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("What must be forgotten? A name from countries, or a .jsonl file of questions") == 2
    assert "answer:1:1: unknown entity 'Jpan' - did you mean 'Japan'?" in run.stderr
    assert read(tmp_path / "japan.unlearn.yaml").models.candidates[0].made is not None
