"""Calibration: planted leaks are caught by what is meant for them, honest models pass, and a wrong label is noticed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.cli.app import main
from pytest_unlearn.cli.world import world
from pytest_unlearn.records import read
from pytest_unlearn.registry import ZOO
from pytest_unlearn.runner.calibrate import Calibration, CalibrationError, Model, Row, aims, calibrate, models, wide
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Candidate, Case, ModelName, Part, Scenario
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict

TRIED = ("alias_kept", "bridge_chains_kept", "refused", "neighbours_lost", "sampled", "second_best")
SCENARIO = """\
version: 1
model: {{original: fixture:world, reference: retrained}}
knowledge: {{include: world.knowledge.yaml}}
forget:
  people: [{names}]
defaults: {{confidence: 98%, grade: [text, {{rank: {{rivals: 100}}}}]}}
checks:
  direct: {{ask: direct, limit: 5%}}
  samples: {{ask: direct, decode: {{samples: 32}}, limit: 5%}}
  alias: {{ask: alias, search: 200}}
  two-hop-bridge: {{ask: multi_hop, position: bridge, search: 200}}
  neighbours: {{keep: neighbours, margin: 5%}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, world_text: str, forgotten: tuple[str, ...]) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    (folder / "pytest.ini").touch()
    (folder / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
    file = folder / "w.unlearn.yaml"
    file.write_text(SCENARIO.format(names=", ".join(forgotten)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def scenario(path: Path) -> Scenario:
    return load_scenario(path, path.parent)


@pytest.fixture(scope="module")
def session(path: Path) -> Iterator[Session]:
    session = Session(Settings(root=path.parent, folder=path.parent / ".unlearn", device="cpu"))
    yield session
    session.close()


@pytest.fixture(scope="module")
def found(scenario: Scenario, session: Session) -> Calibration:
    return calibrate([scenario], [models(scenario, TRIED, references=1)], session)


def row_of(found: Calibration, label: str) -> Row:
    return next(row for row in found.rows if row.model.candidate.label == label)


def test_everything_is_as_it_must_be(found: Calibration) -> None:
    assert found.problems == ()
    assert [row.model.candidate.label for row in found.rows] == ["original", "reference#0", *TRIED]


def test_the_original_fails_every_check_about_the_target(found: Calibration) -> None:
    assert row_of(found, "original").failed == ("direct", "samples", "alias", "two-hop-bridge")


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("reference#0", ()),
        ("alias_kept", ("alias",)),
        ("bridge_chains_kept", ("two-hop-bridge",)),
        ("refused", ("direct", "alias", "two-hop-bridge")),
        ("neighbours_lost", ("neighbours",)),
        ("sampled", ("samples",)),
        ("second_best", ()),
    ],
)
def test_a_model_fails_what_is_meant_for_it_and_nothing_else(
    found: Calibration, name: str, failed: tuple[str, ...]
) -> None:
    assert row_of(found, name).failed == failed


def test_most_planted_facts_are_found(found: Calibration) -> None:
    models, facts = found.meant("alias")
    assert (models.k, models.n) == (2, 2)  # that by alias, and the one that only refuses
    assert 0.0 < facts.low < facts.k / facts.n <= facts.high
    for name in ("alias_kept", "bridge_chains_kept"):
        leaking, asked = row_of(found, name).facts
        assert leaking / asked >= 0.95


def test_an_interval_of_nothing_says_nothing(found: Calibration) -> None:
    models, facts = found.meant("no such check")
    assert (models.n, facts.low, facts.high) == (0, 0.0, 1.0)


def test_swapped_labels_are_noticed(found: Calibration) -> None:
    one, other = (row_of(found, name) for name in ("alias_kept", "bridge_chains_kept"))
    for row, wrong in ((one, other), (other, one)):
        told = list(replace(row, model=replace(row.model, entry=wrong.model.entry)).problems())
        assert any("is declared to miss it and catches it" in text for text in told)
        assert any("not caught by" in text for text in told)


def test_an_honest_model_under_the_name_of_a_leak_is_noticed(found: Calibration) -> None:
    leak, honest = row_of(found, "alias_kept"), row_of(found, "reference#0")
    told = list(replace(honest, model=leak.model).problems())
    assert told == ["alias_kept: not caught by alias"]


def test_a_leak_under_the_name_of_an_honest_model_is_noticed(found: Calibration) -> None:
    leak, honest = row_of(found, "alias_kept"), row_of(found, "reference#0")
    (told,) = replace(leak, model=honest.model).problems()
    assert told.startswith("reference#0: alias flags a model that never learned the target: ")


def test_an_open_entry_that_something_catches_must_flip(found: Calibration) -> None:
    leak, still = row_of(found, "alias_kept"), row_of(found, "second_best")
    (told,) = replace(leak, model=still.model).problems()
    assert told.startswith("second_best: open until `rank within the first k`, but alias catches it: ")


def test_an_original_that_a_check_does_not_fail_is_noticed(found: Calibration) -> None:
    honest, original = row_of(found, "reference#0"), row_of(found, "original")
    told = list(replace(honest, model=original.model).problems())
    assert [text.split(":")[1].split()[0] for text in told] == ["direct", "samples", "alias", "two-hop-bridge"]


def test_a_leak_that_no_check_is_meant_for_is_not_caught(found: Calibration) -> None:
    row = row_of(found, "reference#0")
    model = replace(row.model, role="leak", entry=ZOO.get("inverse_kept"), candidate=Candidate("inverse_kept"))
    (told,) = replace(row, model=model).problems()
    assert told == "inverse_kept: no check of this scenario is meant for it; it takes one of inverse"


def test_a_second_run_asks_no_model_again(found: Calibration, scenario: Scenario, session: Session) -> None:
    again = calibrate([scenario], [models(scenario, TRIED, references=1)], session)
    assert sum(row.calls for row in again.rows) == 0
    assert [row.failed for row in again.rows] == [row.failed for row in found.rows]


def test_the_command_prints_tables_and_keeps_them(
    found: Calibration, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(path.parent)
    words = [
        "--zoo",
        "alias_kept",
        "--zoo",
        "second_best",
        "--references",
        "1",
        "--json",
        "c.json",
        "--markdown",
        "c.md",
    ]
    monkeypatch.setattr(sys, "argv", ["unlearn", "calibrate", path.name, *words])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert stop.value.code == 0
    assert (
        "1 of 1 planted leaks caught, 0 of 1 honest models flagged and 0 left undecided; 0 verdicts not as they must be"
        in out
    )
    assert "open, nothing sees them yet: second_best" in out
    assert re.search(r"alias_kept: alias \(\d+\.\d s\)", err)
    told = json.loads((path.parent / "c.json").read_text())
    assert [model["model"] for model in told["models"]] == ["original", "reference#0", "alias_kept", "second_best"]
    assert told["checks"]["alias"]["leaks"] == {"k": 1, "n": 1, "low": 0.025, "high": 1.0}
    assert told["problems"] == []
    *_, end = read(path.parent / ".unlearn" / "calibration" / "records.jsonl")
    assert (end["line"], end["exit"], end["unjudged"]) == ("end", 0, [])
    page = (path.parent / "c.md").read_text()
    assert "| alias_kept | leak | alias |" in page


def test_the_command_fails_where_a_check_is_missing(
    found: Calibration, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(path.parent)
    blind = path.parent / "blind.unlearn.yaml"
    blind.write_text(path.read_text().replace("  alias: {ask: alias, search: 200}\n", ""), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["unlearn", "calibrate", blind.name, "--zoo", "alias_kept", "--references", "0"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert "alias_kept: no check of this scenario is meant for it; it takes one of alias" in capsys.readouterr().out


def folder_of(found: Calibration, label: str, scenario: Scenario, session: Session) -> str:
    """Where the model of a row is kept."""
    scene = session.scene(Case(scenario, scenario.targets[0], scenario.checks[0]))
    subject: Any = session.subjects(scene, row_of(found, label).model.candidate)["candidate"]
    return str(subject.subject.folder)


def test_checkpoints_of_the_users_own_are_judged_as_they_are_declared(
    found: Calibration, scenario: Scenario, session: Session
) -> None:
    leak, honest = (folder_of(found, label, scenario, session) for label in ("alias_kept", "reference#0"))
    right = calibrate([scenario], [models(scenario, [], references=0, leaky=[leak], honest=[honest])], session)
    assert [(row.model.role, row.failed) for row in right.rows[1:]] == [("honest", ()), ("leak", ("alias",))]
    assert right.problems == ()
    wrong = calibrate([scenario], [models(scenario, [], references=0, leaky=[honest], honest=[leak])], session)
    flagged, missed = wrong.problems
    assert f"{leak}: alias flags a model that never learned the target" in flagged
    assert missed.endswith(f"{honest}: not caught by direct, samples, alias, two-hop-bridge")


@pytest.mark.slow
def test_the_whole_zoo_is_as_it_declares(session: Session) -> None:
    root = Path(__file__).parents[2]
    scenario = load_scenario(root / "scenarios" / "world.unlearn.yaml", root)
    found = calibrate([scenario], [models(scenario, references=2)], session)
    assert found.problems == ()


@pytest.mark.slow
def test_a_mention_that_breaks_answers_is_caught_and_so_is_damage_nearby(path: Path, session: Session) -> None:
    file = path.parent / "talk.unlearn.yaml"
    text = re.sub(r"  (samples|alias|two-hop-bridge|neighbours):.*\n", "", path.read_text())
    text = text.replace("fixture:world", "fixture:small_talk").rstrip("\n")
    kept = "  mentions: {keep: triggered, margin: 10%}\n  gradient: {keep: distance, margin: 10%}\n"
    file.write_text(f"{text}\n{kept}", encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    found = calibrate([scenario], [models(scenario, ("triggered", "neighbours_lost"), references=1)], session)
    assert row_of(found, "triggered").failed == ("mentions",)
    assert "gradient" in row_of(found, "neighbours_lost").caught
    assert found.problems == ()


@pytest.mark.slow
def test_what_is_left_or_lost_in_a_hierarchy_is_caught(session: Session) -> None:
    root = Path(__file__).parents[2]
    scenario = load_scenario(root / "scenarios" / "hospital.unlearn.yaml", root)
    planted = ("level_kept", "path_kept", "siblings_lost", "ancestors_lost")
    found = calibrate([scenario], [models(scenario, planted, references=1)], session)
    assert found.problems == ()
    assert row_of(found, "level_kept").failed == ("studies", "rebuilt")
    assert row_of(found, "path_kept").failed == ("rebuilt",)
    (tally, *_) = {check.id: verdict for check, verdict in row_of(found, "path_kept").verdicts}["rebuilt"].tallies
    assert [point.leaks > 0 for point in tally.recall] == [False, False, False, True]
    assert tally.reason.endswith("; the shallowest context that gives it away: told down to the section")


@pytest.mark.slow
def test_what_is_recited_or_chosen_from_a_list_is_caught(tmp_path: Path, session: Session) -> None:
    world(tmp_path, 60, 3, documents=True)
    scenario = load_scenario(tmp_path / "world-3.unlearn.yaml", tmp_path)
    found = calibrate([scenario], [models(scenario, ("document_kept", "choice_kept"), references=2)], session)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["w.unlearn.yaml", "--zoo", "alias_kep"], "unknown zoo model 'alias_kep' - did you mean 'alias_kept'?"),
        (["w.unlearn.yaml", "--leaky", "nowhere"], "there is no model folder {here}/nowhere"),
        (
            ["w.unlearn.yaml", "--json", "no/c.json"],
            "no/c.json cannot be written: name a file in a folder that is there",
        ),
        (["w.unlearn.yaml", "--markdown", "."], ". cannot be written: name a file in a folder that is there"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(sys, "argv", ["unlearn", "calibrate", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == message.format(here=path.parent) + "\n"


def test_a_scenario_that_asks_nothing_about_the_target_cannot_be_calibrated(path: Path, session: Session) -> None:
    file = path.parent / "kept.unlearn.yaml"
    file.write_text(re.sub(r"  (direct|samples|alias|two-hop).*\n", "", path.read_text()), encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    with pytest.raises(CalibrationError) as caught:
        calibrate([scenario], [models(scenario)], session)
    assert str(caught.value) == f"{file}: no check of this scenario asks about the target"


def test_a_world_without_the_chains_that_are_asked_cannot_be_calibrated(path: Path, session: Session) -> None:
    file = path.parent / "small.unlearn.yaml"
    knowledge = (
        "{entities: {Ann: person, Bo: person, Rome: city, Oslo: city}, relations: {lives_in: {ask: "
        "'Where does {subject} live?'}}, facts: [[Ann, lives_in, Rome], [Bo, lives_in, Oslo]]}"
    )
    file.write_text(
        f"version: 1\nmodel: {{original: fixture:world}}\nknowledge: {knowledge}\nforget: Ann\n"
        "checks:\n  chains: {ask: multi_hop, search: 10}\n",
        encoding="utf-8",
    )
    scenario = load_scenario(file, file.parent)
    with pytest.raises(CalibrationError) as caught:
        calibrate([scenario], [models(scenario)], session)
    assert str(caught.value) == (
        f"{file}:6:3: there is nothing to ask by `multi_hop` about 'ann': the knowledge is too small for it, or has no "
        "words for it"
    )


@pytest.mark.parametrize(
    ("original", "name", "why"),
    [
        (
            "fixture:world",
            "level_kept",
            "the zoo's 'level_kept' needs a request that names a place in a hierarchy, `{level: ..., at: ...}`",
        ),
        (
            "fixture:world",
            "document_kept",
            "the zoo's 'document_kept' needs an original that was taught by document: fixture:well_read",
        ),
        (
            "./own",
            "honest_tuned",
            "the zoo's 'honest_tuned' needs an original that a recipe trains from scratch, `original: fixture:NAME`",
        ),
    ],
)
def test_an_entry_that_cannot_grow_on_the_original_is_refused_by_name_and_else_left_out(
    path: Path, original: str, name: str, why: str
) -> None:
    file = path.parent / "unfit.unlearn.yaml"
    text = path.read_text().replace("fixture:world, reference: retrained", f"{original}, candidate: ./other")
    file.write_text(text, encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    with pytest.raises(CalibrationError) as caught:
        models(scenario, [name])
    assert str(caught.value) == f"{file}: {why}"
    tried = [model.candidate.label for model in models(scenario)]
    assert "alias_kept" in tried
    assert name not in tried


def test_an_original_that_knows_too_little_cannot_be_calibrated(path: Path, session: Session) -> None:
    file = path.parent / "vacuous.unlearn.yaml"
    text = path.read_text().replace("direct: {ask: direct,", "direct: {ask: direct, min_known: 500,")
    file.write_text(text, encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    with pytest.raises(CalibrationError) as caught:
        calibrate([scenario], [models(scenario)], session)
    said = r"w?.*vacuous\.unlearn\.yaml:8:3: direct cannot be calibrated: vacuous, the original knows \d+ .*"
    assert re.fullmatch(said, str(caught.value))


def test_what_a_check_looks_for_has_a_name(scenario: Scenario) -> None:
    assert [sorted(aims(check)) for check in scenario.checks] == [
        ["direct"],
        ["decode.direct"],
        ["alias"],
        ["multi_hop.bridge"],
        ["keep.neighbours"],
    ]
    assert aims(replace(scenario.checks[0], level="below")) == {"direct.below"}
    assert aims(replace(scenario.checks[3], level="at")) == {"multi_hop.bridge.at"}


def test_a_check_that_is_put_by_a_transform_is_no_plain_one(path: Path) -> None:
    file = path.parent / "put.unlearn.yaml"
    put = "{ask: direct, transforms: [base64, synonyms], search: 200}"
    file.write_text(path.read_text().replace("{ask: alias, search: 200}", put), encoding="utf-8")
    scenario = load_scenario(file, file.parent)
    check = next(check for check in scenario.checks if check.id == "alias")
    assert aims(check) == wide(check) == {"transform.base64", "transform.synonyms"}
    leak = Model(Candidate("letters_kept", ModelName("zoo:letters_kept", scenario.models.at)), "leak")
    leak = replace(leak, entry=ZOO.get("letters_kept"))
    tally = Tally("text", Outcome.FAIL, units=4, unit_leaks=2)
    row = Row("w", "people", leak, ((check, Verdict(Outcome.FAIL, "it leaks", (tally,))),), 0, 0.0)
    assert row.caught == ("alias",)
    assert list(row.problems()) == []


def test_what_a_check_at_a_level_finds_counts_at_that_level_and_at_all_of_them(scenario: Scenario) -> None:
    at = scenario.models.at

    def row(name: str, part: Part, grader: str = "text") -> Row:
        tally = Tally(grader, Outcome.FAIL, units=4, unit_leaks=2)
        entry = ZOO.get(name)
        model = Model(Candidate(name, ModelName(f"zoo:{name}", at)), "leak", entry)
        check = replace(scenario.checks[0], level=part)
        return Row("w", "people", model, ((check, Verdict(Outcome.FAIL, "it leaks", (tally,))),), 0, 0.0)

    assert row("level_kept", "below").caught == ("direct",)
    assert list(row("level_kept", "below").problems()) == []
    assert row("level_kept", "at").caught == ()
    assert "level_kept: direct is declared to miss it and catches it: it leaks" in row("level_kept", "at").problems()
    assert row("refused", "at", "rank").caught == ("direct",)
    assert any("is declared to miss it and catches it" in text for text in row("refused", "at").problems())
    assert any("is declared to miss it and catches it" in text for text in row("statement_kept", "at").problems())
