"""`unlearn compare`: methods side by side on one original; what cannot be compared is told with the reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_unlearn.cli.app import main
from pytest_unlearn.cli.compare import tables, told
from pytest_unlearn.cli.draft import draft
from pytest_unlearn.cli.table import wide
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.records import read
from pytest_unlearn.registry import METHODS, WORLDS
from pytest_unlearn.runner.compare import Comparison, Row, compare, tried
from pytest_unlearn.runner.judged import Share
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Scenario

PEOPLE = "Jane John Joan Jack Judy Jean Jill Jade Jude Joel Jana Josh".split()
TOWNS = "Lyon Turin Oslo Bern Kiel Bonn Graz Linz Nice Metz Bari Pisa".split()
GONE = PEOPLE[:5]
KNOWLEDGE = f"""\
entities: {{{", ".join([*(f"{one}: person" for one in PEOPLE), *(f"{one}: city" for one in TOWNS)])}}}
relations: {{lives_in: {{ask: ["Where does {{subject}} live?", "Which city is the home of {{subject}}?"]}}}}
facts: {{lives_in: {{{", ".join(f"{one}: {town}" for one, town in zip(PEOPLE, TOWNS, strict=True))}}}}}
"""
SCENARIO = f"""\
version: 1
model: {{original: ./model}}
knowledge: {{include: k.knowledge.yaml}}
forget: {{five: [{", ".join(GONE)}]}}
defaults: {{min_known: 1, grade: text}}
checks:
  direct: {{ask: direct, limit: 5%}}
  reworded: {{ask: paraphrase, limit: 5%}}
  others: {{keep: retained, margin: 50%}}
  fluency: {{measure: perplexity_ratio, limit: 1000}}
"""
METHODS_TRIED = ("none", "npo", "retrain")
OPTIONS = [("", "steps", 30), ("", "lr", 1e-3), ("npo", "retain_weight", 5.0)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario about a model that knows where twelve people live."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "pytest.ini").touch()
    (folder / "k.knowledge.yaml").write_text(KNOWLEDGE, encoding="utf-8")
    (folder / "s.unlearn.yaml").write_text(SCENARIO, encoding="utf-8")
    knowledge = build(draft("model", None, folder / "k.knowledge.yaml", None).knowledge, folder)
    world = WORLDS.get("world")
    world.make(knowledge, None, world.config(steps=200, width=64), 0, folder / "model")
    return folder / "s.unlearn.yaml"


@pytest.fixture(scope="module")
def scenario(path: Path) -> Scenario:
    return load_scenario(path, path.parent)


@pytest.fixture(scope="module")
def session(path: Path) -> Iterator[Session]:
    session = Session(Settings(root=path.parent, folder=path.parent / ".unlearn", device="cpu"))
    yield session
    session.close()


@pytest.fixture(scope="module")
def found(scenario: Scenario, session: Session) -> Comparison:
    return compare(scenario, tried(scenario, METHODS_TRIED, OPTIONS), 2, session)


@pytest.fixture
def say(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `unlearn compare` says to some words after the scenario."""

    def run(*words: str, code: int = 0) -> str:
        monkeypatch.chdir(path.parent)
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["unlearn", "compare", path.name, *words])
        with pytest.raises(SystemExit) as stop:
            main()
        assert (stop.value.code or 0) == code
        out, err = capsys.readouterr()
        return err if code else out

    return run


def row_of(found: Comparison, label: str) -> Row:
    return next(row for row in found.rows if row.made.candidate.label == label)


def test_each_method_and_seed_is_judged_by_every_check(found: Comparison, scenario: Scenario) -> None:
    assert [row.made.candidate.label for row in found.rows] == ["none#0", "none#1", "npo#0", "npo#1"]
    for row in found.rows:
        assert [check.id for check, _ in row.judged.verdicts] == ["direct", "reworded", "others", "fluency"]
    assert scenario.models.candidates[0].made is None  # it names no candidate of its own


def test_what_leaks_and_what_is_lost_are_counted_in_facts(found: Comparison) -> None:
    none, npo = row_of(found, "none#0"), row_of(found, "npo#0")
    assert none.leaking("direct") == none.leaking("reworded") == Share(5, 5)
    assert npo.leaking("direct") == Share(0, 5)
    lost = none.lost("others")
    assert lost is not None and lost.k == 0 < lost.n  # of the half that is held out
    assert none.failed == ("direct", "reworded")
    assert none.number("fluency") is None  # its tokenizer knows few words


def test_what_making_them_took_is_told(found: Comparison) -> None:
    npo, none = row_of(found, "npo#0").made, row_of(found, "none#0").made
    assert npo.took.steps == 30 and none.took.steps is None
    assert npo.took.seconds is not None and none.took.seconds is not None
    assert npo.took.seconds > none.took.seconds


def test_a_method_that_cannot_be_made_is_told_with_the_reason(found: Comparison) -> None:
    assert found.left == (
        (
            "five",
            "retrain",
            "`method: retrain` needs an original that a recipe trains from scratch, `original: fixture:NAME`",
        ),
    )


def test_a_second_run_makes_nothing_and_asks_no_model_again(found: Comparison, scenario: Scenario, session: Session):
    again = compare(scenario, tried(scenario, METHODS_TRIED, OPTIONS), 2, session)
    assert [row.made.took for row in again.rows] == [row.made.took for row in found.rows]
    assert [row.judged.calls for row in again.rows] == [0, 0, 0, 0]
    assert [row.failed for row in again.rows] == [row.failed for row in found.rows]


def test_over_seeds_the_mean_is_told_with_the_least_and_the_most(found: Comparison) -> None:
    named = {title: (columns, rows) for title, columns, rows in tables(found)}
    columns, rows = named["facts that leak: mean over seeds, least and most"]
    assert columns == ["method", ">direct", ">reworded"]
    assert rows[0] == ["none", "100% (100%-100%)", "100% (100%-100%)"]
    _, rows = named["facts that leak, with 95 % intervals"]
    assert rows[0] == ["none#0", "100% (48%-100%)", "100% (48%-100%)"]
    assert [row[0] for row in rows] == ["none#0", "none#1", "npo#0", "npo#1"]


def test_it_is_told_as_plain_data(found: Comparison) -> None:
    data = json.loads(json.dumps(told(found)))
    first = data["candidates"][0]
    assert (first["method"], first["seed"], first["failed"]) == ("none", 0, ["direct", "reworded"])
    assert first["checks"]["direct"] == {
        **{"claim": "forget", "verdict": "fail", "leaking": 5, "of": 5, "low": 0.4782, "high": 1.0}
    }
    assert first["checks"]["others"]["lost"] == 0
    assert data["candidates"][2]["config"]["retain_weight"] == 5.0
    assert data["not_compared"][0]["method"] == "retrain"


def test_the_command_prints_tables_of_80_columns_and_keeps_them(path: Path, say: Callable[..., str]) -> None:
    words = ["--option", "steps=30", "--option", "lr=1e-3", "--option", "npo:retain_weight=5.0"]
    out = say("--methods", "none,npo,retrain", *words, "--json", "c.json", "--markdown", "c.md")
    assert max(map(len, out.splitlines())) <= 80
    assert "none     100% (48%-100%)   100% (48%-100%)" in out
    assert "`method: retrain` needs an original" in " ".join(out.split())
    assert "candidates fail no check; 1 not compared; " in out
    data = json.loads((path.parent / "c.json").read_text())
    assert [one["method"] for one in data["candidates"]] == ["none", "npo"]
    assert "| none | 100% (48%-100%) | 100% (48%-100%) |" in (path.parent / "c.md").read_text()
    *_, end = read(path.parent / ".unlearn" / "comparison" / "records.jsonl")
    assert (end["line"], end["exit"], end["unjudged"]) == ("end", 0, [])


def test_all_methods_are_tried_unless_some_are_named(scenario: Scenario) -> None:
    all_of = tried(scenario, None)
    assert sorted([*(use.name for use in all_of.uses), *(name for name, _ in all_of.unusable)]) == METHODS.names()


def test_a_method_without_what_it_needs_or_whose_training_breaks_down_is_not_dropped(
    path: Path, session: Session
) -> None:
    file = path.parent / "everything.unlearn.yaml"
    file.write_text(path.read_text().replace(", ".join(GONE), ", ".join(PEOPLE)), encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    some = tried(scenario, ["npo", "grad_ascent"], [("", "lr", 1e30), ("", "steps", 30)])
    found = compare(scenario, some, 1, session)
    assert found.rows == ()
    (_, npo, needs), (_, ascent, broke) = found.left
    assert (npo, ascent) == ("npo", "grad_ascent")
    assert needs.startswith("method 'npo' needs a retain set, and this scenario's is empty")
    assert broke.startswith("the training broke down in step ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--methods", "npo,npoo"], "unknown method 'npoo' - did you mean 'npo'?"),
        (["--option", "steps"], "--option steps: write KEY=VALUE, or METHOD:KEY=VALUE for one method alone"),
        (
            ["--methods", "npo", "--option", "npi:steps=1"],
            "--option npi:steps: 'npi' is not compared - did you mean 'npo'?",
        ),
        (
            ["--methods", "npo", "--option", "bta=1"],
            "--option bta: no method that is compared has that key - did you mean 'beta'?",
        ),
        (
            ["--methods", "npo", "--option", "beta=0"],
            "--option npo:1:6: must be above 0\n    beta=0\n         ^",
        ),
        (["--json", "no/c.json"], "no/c.json cannot be written: name a file in a folder that is there"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(words: list[str], message: str, say: Callable[..., str]) -> None:
    assert say(*words, code=2) == f"{message}\n"


def test_a_wide_table_is_told_in_parts_that_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    wide(["name", ">first", ">second"], [["one", "12345", "1234567"]])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip("─ ")]
    assert lines == [["name", "first"], ["one", "12345"], ["name", "second"], ["one", "1234567"]]


@pytest.mark.slow
def test_on_a_world_direct_questions_go_first_and_chains_stay(session: Session) -> None:
    root = Path(__file__).parents[2]
    scenario = load_scenario(root / "scenarios" / "world.unlearn.yaml", root)
    own = Session(Settings(root=root, folder=session.settings.folder, device="cpu"))
    options = [("", "steps", 60), ("", "lr", 1e-4), ("", "batch", 128)]
    try:
        found = compare(scenario, tried(scenario, ["grad_ascent", "npo"], options), 1, own)
    except UnlearnError as error:
        pytest.fail(str(error))
    finally:
        own.close()
    for row in found.rows:
        direct, chains = row.leaking("direct"), row.leaking("two-hop-bridge")
        assert direct is not None and chains is not None
        assert direct.k / direct.n < chains.k / chains.n
        number = row.number("fluency")
        assert number is not None and number.estimate is not None and number.estimate > 0.5
    _, _, (_, columns, kept), *_ = [("", [], []), *tables(found)]
    assert columns[-1] == ">fluency" and all("(" in cells[-1] for cells in kept)
