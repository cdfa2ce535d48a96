"""No name of what is private or forgotten leaves a run, whatever it writes and however it fails."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import pytest_unlearn.checks.margin
import pytest_unlearn.gate.gate
import pytest_unlearn.report.files
import pytest_unlearn.strategies
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.cli.app import app
from pytest_unlearn.gate.waivers import today
from pytest_unlearn.names import normalise
from pytest_unlearn.records import read
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.runner.session import COUNTERS, Result, Session
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Case
from pytest_unlearn.verdict.verdict import Outcome, Verdict

PEOPLE = ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal")
CITIES = ("Oslo", "Bern", "Cork", "Graz", "Nice", "Bath", "Lima", "Kyiv")
SCENARIO = """\
version: 1
model: {{original: ./model, candidate: {{method: none}}}}
knowledge: {{include: w.knowledge.yaml}}
forget: {{request-1: [{forget}], request-2: {{questions: asked.jsonl}}}}
checks:
  direct:
    ask: direct
    limit: 5%
    min_known: 1
    grade: text
    examples: [{{question: {question}, accepted: [{answer}], target: request-1}}]
  disguised: {{ask: direct, search: 20, min_known: 1, grade: text, transforms: [role_play, leetspeak]}}
  inverse: {{ask: inverse, search: 20, min_known: 1, grade: text, xfail: {name}}}
  kept: {{keep: retained, margin: 90%, min_known: 1, grade: text}}
  lost: {{measure: perplexity_ratio, limit: 0.5}}
gate: {{require: [], max_waived: 3}}
"""
BROKEN = """\
version: 1
model: {{original: ./model, candidate: {{method: none}}}}
knowledge: {{include: w.knowledge.yaml}}
forget: {{a: [{name}, {other}]}}
checks: {{direct: {{ask: direct, limit: 5%, accept: [{answer}]}}}}
"""
ABSENT = """\
version: 1
model: {{original: ./nowhere, candidate: {{method: none}}}}
knowledge: {{include: w.knowledge.yaml}}
forget: {{a: {name}}}
checks: {{direct: {{ask: direct, limit: 5%, min_known: 1}}}}
"""
TESTS = """\
import logging, subprocess, sys, warnings
import hypothesis
import pytest
from hypothesis import given, settings
from pytest_unlearn.api import assert_forgotten, given_probes, probes

NAMES = {names}
pytestmark = pytest.mark.unlearn_scenario("w.unlearn.yaml", target="request-1")

def test_forgotten(unlearn_subject):
    assert_forgotten(unlearn_subject, "direct", limit=0.05, min_known=1)

@settings(deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck), max_examples=5)
@given(probe=probes("w.unlearn.yaml", target="request-1"))
def test_by_hypothesis(probe):
    assert probe.named[0] == "nobody"

@given_probes("w.unlearn.yaml", target="request-1", probes=3)
def test_by_probes(probe):
    assert not probe.gold

def test_says_it():
    for name in NAMES:
        print(name, name.upper())
        print(name.lower(), file=sys.stderr)
        logging.getLogger("x").warning("about %s", name)
        warnings.warn("about " + name)
    mine = {{"names": NAMES}}
    assert mine == {{"names": NAMES[:1], "more": "x" * 400}}

def test_raises(record_property):
    record_property("who", NAMES[0])
    try:
        raise ValueError(NAMES)
    except ValueError as error:
        raise RuntimeError(f"about {{NAMES[0]}}\\nand {{NAMES[-1]!r}}") from error

@pytest.fixture
def broken():
    raise KeyError(NAMES[0])

def test_fixture(broken):
    pass

@pytest.mark.skip(reason="about " + NAMES[0])
def test_skipped():
    pass

def test_long():
    assert "y" * 200 + " " + NAMES[0] + " " + "y" * 20 + " " + NAMES[1] + " " + "z" * 200 == "x"
"""
EARLY = "NAMES = {names}\nraise RuntimeError(NAMES)\n"
WAIVERS = """\
version: 1
waivers:
  - {{check: w/request-1/inverse, finding: ["00000000"], reason: {reason}, owner: me, expires: "{day}"}}
"""
KINDS = {"markdown": "page.md", "sarif": "gate.sarif", "evidence": "evidence.json", "csv": "checks.csv"}
if find_spec("pyarrow"):
    KINDS["parquet"] = "checks.parquet"
PRIVATE = re.compile(r"findings/|memo\.sqlite|\.hypothesis/")  # Hypothesis keeps the constants of tests for itself

words = st.text("xzqjvkwüßéñø東", min_size=5, max_size=8).map(lambda text: f"Z{text}")
between = st.sampled_from(
    [" ", "-", "'", ". ", " & ", " <", "> ", "+", " (", "*[", "\\d ", '"', "|", ", ", "/", "%", "$"]
)
names = st.one_of(
    words, st.tuples(words, between, words).map("".join), st.tuples(words, between, words, words).map(" ".join)
)


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run inside of these tests is not a job of GitHub unless it is made one."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


def quoted(text: str) -> str:
    """As YAML reads it back."""
    return json.dumps(text, ensure_ascii=False)


def knowledge(secret: list[str]) -> str:
    """Four people to forget, a private one that stays, and others; with aliases, and where they live."""
    one, alias, two, three, four, private, *places = map(quoted, secret)
    people = [
        f"  {one}: {{type: person, aliases: [{alias}], private: true}}",
        f"  {private}: {{type: person, private: true}}",
        *(f"  {name}: person" for name in (two, three, four, *PEOPLE)),
        *(f"  {name}: city" for name in (*places, *CITIES)),
    ]
    homes = zip((one, two, three, four, private, *PEOPLE), (*places, *CITIES), strict=True)
    facts = [f"    {who}: {where}" for who, where in homes]
    relation = 'relations:\n  lives_in: {ask: ["Where does {subject} live?"], inverse: ["Who lives in {object}?"]}'
    return "\n".join(["entities:", *people, relation, "facts:", "  lives_in:", *facts, ""])


def project(folder: Path, secret: list[str]) -> None:
    """All that can go wrong, with a model that knows everybody."""

    asked, answer = f"In which street is the house where {secret[0]} was born?", f"in the street of {secret[6]}"
    name, lives = quoted(secret[0]), quoted(secret[6])
    day = today() + timedelta(days=9)
    written = {
        "pytest.ini": "[pytest]\n",
        "w.knowledge.yaml": knowledge(secret),
        "asked.jsonl": json.dumps({"question": asked, "answer": answer, "entities": [secret[0]]}) + "\n",
        "w.unlearn.yaml": SCENARIO.format(
            forget=", ".join(map(quoted, (secret[0], *secret[2:5]))),
            name=quoted(f"it knows {secret[0]}"),
            question=quoted(f"Tell me the city of {secret[0]}, please"),
            answer=lives,
        ),
        "broken.unlearn.yaml": BROKEN.format(name=name, other=quoted(f"{secret[0]} x"), answer=lives),
        "unread.unlearn.yaml": f"forget: {name}\n  name: [{quoted(secret[1])}\n",
        "absent.unlearn.yaml": ABSENT.format(name=name),
        "test_own.py": TESTS.format(names=ascii(secret)),
        "test_early.py": EARLY.format(names=ascii(secret)),
        "unlearn-waivers.yaml": WAIVERS.format(reason=quoted(f"about {secret[0]}"), day=day),
    }
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    scenario = load_scenario(folder / "w.unlearn.yaml", folder)
    world = WORLDS.get("world")
    view = scene(scenario, scenario.targets[0], folder)
    world.make(view.knowledge, None, world.config(steps=120, width=32), 0, folder / "model")


def forms(name: str) -> Iterator[str]:
    """A name as somebody may have written it."""
    plain = [name, name.lower(), name.upper(), unicodedata.normalize("NFD", name), normalise(name), leet(name)]
    for one in plain:
        yield from (one, html.escape(one), json.dumps(one)[1:-1], ascii(one)[1:-1], repr(one)[1:-1], quote(one))


def leet(text: str) -> str:
    """As the transform `leetspeak` writes it."""
    from pytest_unlearn.probes.transforms.leetspeak import LOOKS

    return text.translate(LOOKS)


def parts(name: str) -> list[str]:
    """The words of a name, each of which gives it away."""
    return [word for word in re.findall(r"[^\W\d_]+", name) if len(word) > 4]


def leaks(text: str, secret: list[str]) -> set[str]:
    """What of the names stands in a text."""
    return {form for name in secret for whole in (name, *parts(name)) for form in forms(whole) if form in text}


def outputs(folder: Path, inputs: set[Path]) -> Iterator[tuple[str, str]]:
    """All that a run has written but its private files, their names too."""
    for path in sorted(folder.rglob("*")):
        relative = str(path.relative_to(folder))
        if path not in inputs and not PRIVATE.search(relative) and "__pycache__" not in relative:
            yield relative, relative
            if path.suffix == ".parquet":
                yield relative, packed(path)
            elif path.is_file():
                yield relative, path.read_bytes().decode("utf-8", "replace")


def packed(path: Path) -> str:
    """The texts of a table in Parquet, which are packed there, and its bytes."""
    table = pytest.importorskip("pyarrow.parquet").read_table(path)
    texts = json.dumps([table.to_pylist(), str(table.schema)], ensure_ascii=False)
    return texts + path.read_bytes().decode("utf-8", "replace")


def planted(secret: list[str], run: Iterator[tuple[str, str]]) -> dict[str, set[str]]:
    return {name: found for name, text in run if (found := leaks(text, secret))}


OPTIONS = (
    "--unlearn-gate", *(f"--unlearn-{kind}=out/{name}" for kind, name in KINDS.items()), "--junitxml=out/junit.xml",
    "-v", "-rA", "--showlocals", "--continue-on-collection-errors", "--durations=0", "--unlearn-baseline-update",
)  # fmt: skip


def judged(pytester: pytest.Pytester, folder: Path, redact: bool = True, run: str = "") -> Iterator[tuple[str, str]]:
    """A run as a gate with every output there is, and the commands that read what it left."""
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step.md")}
    inputs = set(folder.rglob("*"))
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with contextlib.chdir(folder):
            masked = ("--unlearn-redact=on", "--redact") if redact else ("--unlearn-redact=off", "--no-redact")
            options = ("-p", "no:randomly", f"--rootdir={folder}", masked[0], *OPTIONS)
            options += ("-n2",) if run == "workers" else ()
            result = pytester.runpytest_subprocess(*options) if run else pytester.runpytest_inprocess(*options)
            yield "stdout", result.stdout.str()
            yield "stderr", result.stderr.str()
            findings = [str(path) for path in Path(".unlearn/findings").glob("*.json")]
            target = f"--target={quoted(secret_of(folder))}"
            for words in (
                ["gate", ".unlearn", "--markdown=again.md", "--sarif=again.sarif", "--csv=again.csv"],
                ["diff", ".unlearn", ".unlearn"],
                ["show", "w.unlearn.yaml", "--sample=9"],
                ["lint", "w.unlearn.yaml"],
                ["validate", "."],
                ["replay", *findings[:3]],
                *([["pin", *findings[:1]]] if redact else []),
                ["known", "./model", "--knowledge=w.knowledge.yaml", "--list", target],
            ):
                said = CliRunner().invoke(app, [masked[1], *words])
                yield words[0], f"{said.output} {said.exception}"
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield from outputs(folder, inputs)


def secret_of(folder: Path) -> str:
    """A name of the project."""
    line = (folder / "w.knowledge.yaml").read_text(encoding="utf-8").splitlines()[1]
    return str(json.JSONDecoder().raw_decode(line.strip())[0])


@pytest.fixture
def numbered(pytester: pytest.Pytester) -> Iterator[Iterator[Path]]:
    return (pytester.mkdir(f"e{number}") for number in range(1000))


def unlike(secret: list[str]) -> bool:
    """Whether no name stands in another, as they do in no file that is read."""
    folded = [normalise(re.sub(r"\W+", " ", name)) for name in secret]
    return not any(a in b for i, a in enumerate(folded) for j, b in enumerate(folded) if i != j)


secrets = st.lists(names, min_size=11, max_size=11).filter(unlike)


WRITTEN = ("out/junit.xml", "out/page.md", "out/gate.sarif", "out/checks.csv", ".unlearn/records.jsonl", "step.md")


def searched(pytester: pytest.Pytester, folder: Path, secret: list[str], run: str = "") -> None:
    """Nothing of a run, which has leaks and errors to tell, names what it must not."""
    project(folder, secret)
    seen = dict(judged(pytester, folder, run=run))
    assert planted(secret, iter(seen.items())) == {}
    assert "w > request-1 > direct: leaks" in seen["stdout"]
    assert list((folder / ".unlearn" / "findings").iterdir())
    assert re.search(r"\[person:[0-9a-f]{6}\]", seen["stdout"]) and re.search(r"\[city:[0-9a-f]{6}\]", seen["stdout"])
    kept = {".pytest_cache/v/cache/lastfailed", ".unlearn/summary.json", *(f"out/{name}" for name in KINDS.values())}
    assert seen.keys() >= {*WRITTEN, *kept}
    if find_spec("pyarrow"):
        assert '"id": "w/request-1/direct"' in seen["out/checks.parquet"]


def told(folder: Path) -> list[dict[str, Any]]:
    """What the records of a run say, but for when and how long, and in which words."""
    varying = {"run", "started", "seconds", "effort", "reason", "tallies", "versions", "argv", "finished"}
    lines = [one for one in read(folder / ".unlearn" / "records.jsonl") if one["line"] == "check"]
    return [
        {name: value for name, value in one.items() if name not in varying}
        | {"leaked": [tally.get("leaked") for tally in one["tallies"]]}
        for one in lines
    ]


def test_names_as_people_have_them_stay_inside_and_nothing_else_changes(pytester: pytest.Pytester) -> None:
    people = ["Jane Roemer", "J. O'Hara-Quist", "Zoé <Ødegård> & Söhne", "Bartholomew", "Dr. Quill", "Ann-Sofie (4711)"]
    secret = [*people, "Nørresundby", "Saint-Denis [La Plaine]", "東京 Qexuv+*", "Ulm", "L'Aquila"]
    folder = pytester.mkdir("p")
    searched(pytester, folder, secret)
    masked, baseline = told(folder), (folder / "baselines" / "w.json").read_text(encoding="utf-8")
    (folder / ".unlearn" / "records.jsonl").rename(folder / "masked.jsonl")
    shutil.rmtree(folder / "out")
    seen = dict(judged(pytester, folder, redact=False))
    assert planted(secret, iter(seen.items())).keys() >= {"stdout", "out/junit.xml", "show", "known", "replay"}
    assert told(folder) == masked
    assert (folder / "baselines" / "w.json").read_text(encoding="utf-8") == baseline
    with contextlib.chdir(folder):
        assert CliRunner().invoke(app, ["--no-redact", "diff", "masked.jsonl", ".unlearn"]).output == "nothing moved\n"


@settings(
    deadline=None, database=None, max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(secret=secrets)
def test_no_byte_of_what_a_run_writes_names_what_is_private_or_forgotten(
    pytester: pytest.Pytester, numbered: Iterator[Path], secret: list[str]
) -> None:
    searched(pytester, folder := next(numbered), secret)
    shutil.rmtree(folder)


def test_a_patch_of_findings_cannot_be_masked(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["--redact", "pin", str(tmp_path / "f.json")])
    assert str(said.exception) == (
        "a patch has the questions of findings in it, and names are masked: give --write, or say unlearn "
        "--no-redact pin"
    )


@pytest.mark.slow
@settings(
    deadline=None, database=None, max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(secret=secrets, run=st.sampled_from(["process", "workers"]))
def test_many_more_names_stay_inside_of_processes_of_their_own(
    pytester: pytest.Pytester, numbered: Iterator[Path], secret: list[str], run: str
) -> None:
    searched(pytester, folder := next(numbered), secret, run)
    shutil.rmtree(folder)


SMALL = """\
version: 1
model: {{original: ./nowhere, candidate: {{method: none}}}}
knowledge:
  entities:
    {{Jane Roemer: {{type: person, aliases: [client 4711], private: true}}, Ann: person, Lyon: city, Bern: city}}
  relations: {{lives_in: {{ask: ["Where does {{subject}} live?"]}}}}
  facts: {{lives_in: {{Jane Roemer: Lyon, Ann: Bern}}}}
forget: {forget}
checks: {{{check}: {{ask: direct, limit: 5%}}}}
"""


@pytest.mark.parametrize(
    ("file", "forget", "check", "place", "what"),
    [
        ("a", "Jane Roemer", "c", "a.unlearn.yaml:8:9", "label of this forget request"),
        ("a", "{jane-roemer-leaves: Ann}", "c", "a.unlearn.yaml:8:10", "label of this forget request"),
        ("a", "{r: Ann}", "about-roemer", "a.unlearn.yaml:9:10", "id of this check"),
        ("jane_roemer", "{r: Ann}", "c", "[person:TOKEN].unlearn.yaml:1:1", "name of this file"),
        ("of/roemer/a", "{r: Ann}", "c", "of/[person:TOKEN]/a.unlearn.yaml:1:1", "folder of this file"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_an_id_that_has_a_private_name_is_refused(
    pytester: pytest.Pytester, file: str, forget: str, check: str, place: str, what: str, named: bool
) -> None:
    pytester.makeini("[pytest]\n")
    path = pytester.path / f"{file}.unlearn.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SMALL.format(forget=forget, check=check), encoding="utf-8")
    run = CliRunner().invoke(app, ["--redact", "validate", f"{file}.unlearn.yaml"])
    told = f"{place}: the {what} has a name of [person:TOKEN], which is private: it stands in every output"
    assert run.exit_code == 2 and told in re.sub("(?<=:)[0-9a-f]{6}(?=])", "TOKEN", run.output)
    if not named and "/" in file:  # the folder is met before the file
        place, what = place.rpartition("/")[0], "name of this folder"
    message = (
        f"{place}: the {what} has a name of [person:TOKEN], which is private: it stands in every output, also where "
        "names are masked. Choose another"
    )
    result = pytester.runpytest_inprocess(
        "--unlearn-redact=on", "--junitxml=junit.xml", *([f"{file}.unlearn.yaml"] if named else [])
    )
    said = result.stdout.str() + result.stderr.str()
    assert message in re.sub("(?<=:)[0-9a-f]{6}(?=])", "TOKEN", said)
    assert result.ret in (2, 4)
    every = [*outputs(pytester.path, {path, *path.parents}), ("said", said)]
    assert planted(["Jane Roemer", "Roemer"], iter(every)) == {}
    assert CliRunner().invoke(app, ["--no-redact", "validate", f"{file}.unlearn.yaml"]).exit_code == 0


@pytest.mark.parametrize("who", ["roemer/test_it.py", "test_roemer.py", "test_it.py"])
def test_what_a_worker_refuses_is_told_by_the_process_that_started_it(pytester: pytest.Pytester, who: str) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "a.unlearn.yaml").write_text(SMALL.format(forget="{r: Ann}", check="c"), encoding="utf-8")
    path = pytester.path / who
    path.parent.mkdir(exist_ok=True)
    path.write_text("import pytest\n@pytest.mark.parametrize('a', ['Roemer'])\ndef test_it(a):\n    pass\n", "utf-8")
    result = pytester.runpytest_subprocess("--unlearn-redact=on", "--unlearn-gate", "-n2")
    assert result.ret == 4
    (told,) = (line for line in result.errlines if line.startswith("ERROR: "))
    assert re.search(r"the (name of this (folder|file)|id of a test) has a name of \[person:[0-9a-f]{6}\], which", told)
    assert planted(["Jane Roemer", "Roemer"], iter({"said": f"{result.stdout}{result.stderr}"}.items())) == {}


def test_an_id_of_a_test_that_has_a_private_name_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    scenario = pytester.path / "a.unlearn.yaml"
    scenario.write_text(SMALL.format(forget="{r: Ann}", check="c"), encoding="utf-8")
    source = pytester.makepyfile(
        test_it="import pytest\n@pytest.mark.parametrize('who', ['Jane Roemer'])\ndef test_it(who):\n    pass\n"
    )
    result = pytester.runpytest_inprocess("--unlearn-redact=on")
    assert result.ret == 4
    assert re.sub("(?<=:)[0-9a-f]{6}(?=])", "TOKEN", result.stderr.str()).strip() == (
        "ERROR: test_it.py:2:1: the id of a test has a name of [person:TOKEN], which is private: it stands in every "
        "output, also where names are masked. Choose another, such as by `pytest.param(..., id=...)`"
    )
    assert planted(["Jane Roemer"], outputs(pytester.path, {scenario, source})) == {}


def test_a_file_of_tests_that_has_a_private_name_has_no_report_even_where_it_cannot_be_read(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\n")
    scenario = pytester.path / "a.unlearn.yaml"
    scenario.write_text(SMALL.format(forget="{r: Ann}", check="c"), encoding="utf-8")
    source = pytester.makepyfile(test_roemer="raise ValueError")
    result = pytester.runpytest_inprocess("--unlearn-redact=on", "--junitxml=junit.xml", source.name)
    assert result.ret == 4
    assert re.sub("(?<=:)[0-9a-f]{6}(?=])", "TOKEN", result.stderr.str()).strip() == (
        "ERROR: test_[person:TOKEN].py:1:1: the name of this file has a name of [person:TOKEN], which is private: it "
        "stands in every output, also where names are masked. Choose another"
    )
    assert planted(["Roemer"], outputs(pytester.path, {scenario, source})) == {}


PROPERTIES = """
import pytest

class Person:
    def __repr__(self):
        return "<Jane Roemer>"

deep = "Jane Roemer"
for _ in range(20):
    deep = [deep]

@pytest.mark.parametrize("value", [
    {"Jane Roemer": 1}, {"a": ["Jane", "Roemer"]}, {"Jane Roemer"}, Person(), deep, b"Jane Roemer", 3, ["x", None],
], ids=list("abcdefgh"))
def test_it(record_property, value):
    record_property("Jane Roemer", value)
"""


def test_a_property_of_any_kind_is_masked_as_it_is_written(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "a.unlearn.yaml").write_text(SMALL.format(forget="{r: Ann}", check="c"), encoding="utf-8")
    pytester.makepyfile(test_it=PROPERTIES)
    pytester.runpytest_inprocess("--unlearn-redact=on", "--junitxml=junit.xml", "test_it.py").assert_outcomes(passed=8)
    written = (pytester.path / "junit.xml").read_text(encoding="utf-8")
    assert leaks(written, ["Jane Roemer", "Roemer"]) == set()
    assert [html.unescape(value) for value in re.findall('property name=".{15}" value="([^"]*)"', written)][-2:] == [
        "3",
        "['x', None]",
    ]


def test_the_policy_of_a_scenario_holds_in_a_folder_that_is_called_as_what_is_forgotten(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(self: Session, case: Case, part: object, *, planned: bool = False) -> Result:
        digests = {"scenario": case.scenario.digest, "candidate": "c"}
        return Result(case, Verdict(Outcome.PASS, "so it is"), dict.fromkeys(COUNTERS, 0), 0, digests)

    monkeypatch.setattr(Session, "hold", hold)
    pytester.makeini("[pytest]\n")
    path = pytester.path / "lyon" / "a.unlearn.yaml"
    path.parent.mkdir()
    policy = "gate: {require: [], on_no_reference: fail}\n"
    path.write_text(SMALL.format(forget="{r: Ann, s: Lyon}", check="c") + policy, encoding="utf-8")
    for redact in ("off", "on"):
        assert pytester.runpytest_inprocess("--unlearn-gate", f"--unlearn-redact={redact}").ret == 1
        begun, *_ = read(pytester.path / ".unlearn" / "records.jsonl")
        assert begun["gate"].keys() == begun["scenarios"].keys() == {one["file"] for one in begun["plan"]}
        for masked in ("--redact", "--no-redact"):
            assert CliRunner().invoke(app, [masked, "gate", ".unlearn"]).exit_code == 1


@pytest.mark.parametrize(
    ("ci", "ini", "option", "on"),
    [
        ("", "", (), False),
        ("true", "", (), True),
        ("true", "unlearn_redact = off", (), False),
        ("true", "", ("--unlearn-redact=off",), False),
        ("", "unlearn_redact = on", (), True),
        ("", "unlearn_redact = off", ("--unlearn-redact",), True),
    ],
)
def test_it_is_on_in_ci_unless_it_is_said_otherwise(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, ini: str, option: tuple[str, ...], on: bool
) -> None:
    if ci:
        monkeypatch.setenv("CI", ci)
    pytester.makeini(f"[pytest]\n{ini}\n")
    (pytester.path / "a.unlearn.yaml").write_text(
        SMALL.format(forget="{r: Nobody At All}", check="c"), encoding="utf-8"
    )
    result = pytester.runpytest_inprocess(*option)
    assert ("unknown entity 'Nobody At All'" in result.stdout.str()) != on


def test_a_setting_that_means_nothing_is_told(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nunlearn_redact = maybe\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == 4
    assert "unlearn_redact is on, off or auto, not 'maybe'" in result.stderr.str()
