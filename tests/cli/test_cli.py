"""The `unlearn` command, as a person types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_unlearn.registry import TRANSFORMS

SCENARIO = """\
version: 1
model: {original: ./model, candidate: {method: none}}
knowledge:
  entities: {Ann: {type: person, aliases: [Annie]}, Bob: person, Rome: city, Oslo: city}
  relations: {lives_in: {ask: ["Where does {subject} live?"], inverse: ["Who lives in {object}?"]}}
  facts: [[Ann, lives_in, Rome], [Bob, lives_in, Oslo]]
forget: Ann
checks:
  direct: {ask: direct, limit: 5%, min_known: 1}
  others: {keep: retained, margin: 5%}
"""


def unlearn(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "from pytest_unlearn.cli.app import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "good.unlearn.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def test_show_tells_what_must_go_what_is_asked_and_what_it_costs(folder: Path) -> None:
    run = unlearn(folder, "show", "good.unlearn.yaml")
    assert run.returncode == 0
    assert "good > ann: 1 facts must go, 0 follow from them, 0 may go either way, 1 must stay" in run.stdout
    assert "    Where does Ann live? [Rome]\n" in run.stdout
    # direct: 2 graders, 2 models and 20 stand-ins of the candidate; others: 2 graders, 2 models
    assert run.stdout.splitlines()[-1].startswith("at most 2 probes, 48 requests to 2 models, about ")


def test_show_lists_what_is_shared_with_what_stays(folder: Path, clinics: str) -> None:
    (folder / "clinics.knowledge.yaml").write_text(clinics, encoding="utf-8")
    (folder / "c.unlearn.yaml").write_text(
        "version: 1\nmodel: ./model\nknowledge: {include: clinics.knowledge.yaml}\n"
        "forget: {level: patient, at: Ann}\nchecks: {itself: {ask: direct, level: at, limit: 5%}}\n",
        encoding="utf-8",
    )
    lines = unlearn(folder, "show", "c.unlearn.yaml").stdout.splitlines()
    assert lines[:3] == [
        "c > ann: 7 facts must go, 0 follow from them, 0 may go either way, 12 must stay",
        "  shared with what stays, and kept: scan AB",
        "  itself: ask direct, level at, 3 probes, limit 0.05 (alpha 0.01)",
    ]


def test_show_tells_the_cost_of_each_check_in_80_columns(folder: Path) -> None:
    lines = unlearn(folder, "show", "good.unlearn.yaml", "--cost").stdout.splitlines()
    table = lines[lines.index("") + 1 :]
    assert [line.split()[:3] for line in table if line[:1].isalpha()][:3] == [
        ["check", "probes", "requests"], ["direct", "1", "44"], ["others", "1", "4"]
    ]  # fmt: skip
    assert all(len(line) <= 80 for line in table)


def test_show_gives_as_many_examples_as_there_are_and_the_same_each_time(folder: Path) -> None:
    paraphrased = SCENARIO.replace('live?"]', 'live?", "Where is {subject}?", "{subject} is where?"]')
    (folder / "good.unlearn.yaml").write_text(paraphrased.replace("ask: direct", "ask: paraphrase"), encoding="utf-8")
    first = unlearn(folder, "show", "good.unlearn.yaml", "--sample", "5").stdout
    assert "Where is Ann?" in first and "Ann is where?" in first
    assert first == unlearn(folder, "show", "good.unlearn.yaml", "--sample", "5").stdout
    assert "Rome" not in unlearn(folder, "show", "good.unlearn.yaml", "--sample", "0").stdout


def test_validate_counts_and_is_silent_about_good_files(folder: Path) -> None:
    run = unlearn(folder, "validate", ".")
    assert run.returncode == 0
    assert run.stdout == "good.unlearn.yaml: 2 checks, 2 facts\n"
    assert "mistake" not in run.stderr


def test_validate_tells_every_mistake_of_every_file_and_exits_2(folder: Path) -> None:
    (folder / "bad.unlearn.yaml").write_text(SCENARIO.replace("Ann\nchecks", "Anne\nchecks"), encoding="utf-8")
    (folder / "worse.unlearn.yaml").write_text(SCENARIO.replace("ask: direct", "ask: dirct"), encoding="utf-8")
    run = unlearn(folder, "validate", ".")
    assert run.returncode == 2
    assert "bad.unlearn.yaml:7:9: unknown entity 'Anne' - did you mean 'Annie'?" in run.stderr
    assert "worse.unlearn.yaml:9:17: unknown probe kind 'dirct' - did you mean 'direct'?" in run.stderr
    assert "2 of 3 files have mistakes" in run.stderr


def test_validate_tells_every_check_that_has_nothing_to_ask(folder: Path) -> None:
    chained = SCENARIO.replace("forget: Ann", "forget: {first: Ann, nobody: Anne, second: Bob}")
    chained = chained.replace("ask: direct, limit: 5%, min_known: 1", "ask: multi_hop, search: 9")
    (folder / "good.unlearn.yaml").write_text(chained, encoding="utf-8")
    run = unlearn(folder, "validate", ".")
    none = (
        "no chain of 2 facts has what is forgotten at its start or bridge or answer, nor has any of 2 to 6 facts. Only "
        "relations with a `noun` or `inverse_noun` lead on"
    )
    assert run.returncode == 2
    assert [line.partition("good.unlearn.yaml")[2] for line in run.stderr.splitlines() if "good" in line] == [
        f":9:3: `direct` has nothing to ask about 'first': {none}",
        ":7:30: unknown entity 'Anne' - did you mean 'Annie'?",
        f":9:3: `direct` has nothing to ask about 'second': {none}",
    ]


def test_a_file_that_is_not_there_is_told_in_one_line(folder: Path) -> None:
    run = unlearn(folder, "show", "none.unlearn.yaml")
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "there is no file or folder none.unlearn.yaml\n")


def test_folders_are_told_where_a_file_is_needed_and_where_they_hold_none(folder: Path) -> None:
    run = unlearn(folder, "show", ".")
    assert (run.returncode, run.stdout, run.stderr) == (2, "", ". is a folder: name one scenario file\n")
    (folder / "empty").mkdir()
    run = unlearn(folder, "validate", "empty")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "no scenario found; scenario files end in .unlearn.yaml\n"


def test_probes_lists_what_each_verb_can_name(folder: Path) -> None:
    text = unlearn(folder, "probes").stdout
    assert re.findall(r"^(?:  )?([\w:]+)", text, re.MULTILINE) == [
        *("ask:", "alias", "cloze", "continuation", "direct", "inverse", "multi_hop", "multiple_choice"),
        *("paraphrase", "reconstruct"),
        *("keep:", "ancestor", "distance", "far", "neighbours", "retained", "sibling", "triggered"),
        *("measure:", "perplexity_ratio", "transforms:", *TRANSFORMS.names()),
    ]
    assert "hops: a whole number from 2 and to 6, default 2" in unlearn(folder, "probes", "multi_hop").stdout


def test_schema_prints_the_schema(folder: Path) -> None:
    run = unlearn(folder, "schema")
    assert json.loads(run.stdout)["properties"]["version"]["const"] == 1


def test_probes_say_what_a_key_means(folder: Path) -> None:
    assert "default 2\n      facts in a chain\n" in unlearn(folder, "probes", "multi_hop").stdout


def test_a_model_that_is_not_bundled_cannot_be_fetched(folder: Path) -> None:
    run = unlearn(folder, "fetch", "smollm2-135m")
    assert run.returncode == 2
    assert "did you mean 'smollm2-135m-instruct'?" in run.stderr


def test_a_warning_is_told_in_one_line_without_the_code_that_gave_it(tmp_path: Path) -> None:
    code = (
        "import warnings\nfrom pytest_unlearn.cli.app import app, main\n"
        "app.command('warn')(lambda: warnings.warn('look out'))\nmain()"
    )
    run = subprocess.run([sys.executable, "-c", code, "warn"], capture_output=True, text=True, check=True)
    assert run.stderr == "unlearn: look out\n"


def test_known_counts_what_a_model_knows_and_which_limits_that_decides(folder: Path, world_text: str) -> None:
    (folder / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
    run = unlearn(folder, "known", "fixture:world", "--knowledge", "world.knowledge.yaml", "--list")
    assert run.returncode == 0, run.stderr
    first, _, head, _, *rows = run.stdout.splitlines()
    assert re.fullmatch(r"fixture:world: (\d+) facts of \1", first)
    assert head.split() == ["kind", "grader", "asked", "facts", "known", "share", "limit"]
    table = {tuple(row.split()[:2]): row.split()[2:] for row in rows[: rows.index("")]}
    assert set(table) == {
        (kind, grader) for kind in ("direct", "paraphrase", "alias", "inverse") for grader in ("text", "rank")
    }
    assert all(int(share.rstrip("%")) > 40 for *_, share, _ in table.values())  # it was taught all of it
    facts = rows[rows.index("") + 1 :]
    assert facts[0].split() == ["fact", "direct", "paraphrase", "alias", "inverse"]
    listed = facts[2 : facts.index("")]
    assert len(listed) >= int(first.split()[1])  # a row a fact, some on two lines
    assert any("text, rank" in row for row in listed)
    assert "limit: that many independent draws, none of which leaks, rule out a higher rate" in run.stdout


def test_validate_notes_models_that_are_not_there_and_is_no_failure(folder: Path) -> None:
    text = (folder / "good.unlearn.yaml").read_text(encoding="utf-8")
    named = text.replace("{original: ./model, candidate: {method: none}}", "{original: smolm2-135m, candidate: ./nope}")
    assert named != text
    (folder / "good.unlearn.yaml").write_text(named, encoding="utf-8")
    run = unlearn(folder, "validate", "good.unlearn.yaml")
    assert run.returncode == 0
    first, second = run.stderr.splitlines()
    assert first.startswith("good.unlearn.yaml:2:19: note: no model is called 'smolm2-135m' - did you mean")
    assert second.startswith("good.unlearn.yaml:2:43: note: no model is called './nope'")


def test_a_knowledge_file_is_no_scenario(folder: Path) -> None:
    (folder / "w.knowledge.yaml").write_text("entities: {}\n", encoding="utf-8")
    run = unlearn(folder, "validate", "w.knowledge.yaml")
    assert (run.returncode, run.stderr) == (
        2,
        "w.knowledge.yaml is a knowledge file: name a scenario that includes it\n",
    )


def test_the_version_is_told(folder: Path) -> None:
    assert unlearn(folder, "--version").stdout == f"pytest-unlearn {version('pytest-unlearn')}\n"


@pytest.mark.parametrize("words", [["methods"], ["probes"], ["known", "--help"], ["--help"]])
def test_lists_fit_80_columns(folder: Path, words: list[str]) -> None:
    assert max(map(len, unlearn(folder, *words).stdout.splitlines())) <= 80
