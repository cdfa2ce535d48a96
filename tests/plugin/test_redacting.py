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
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import pytest_unlearn.checks.margin
import pytest_unlearn.gate.gate
import pytest_unlearn.report.files
import pytest_unlearn.runner.session
import pytest_unlearn.strategies
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.cli.app import app
from pytest_unlearn.gate.waivers import today
from pytest_unlearn.names import normalise
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.scenario.load import load_scenario

PEOPLE = ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal")
CITIES = ("Oslo", "Bern", "Cork", "Graz", "Nice", "Bath", "Lima", "Kyiv")
SCENARIO = """\
version: 1
model: {{original: ./model, candidate: {{method: none}}}}
knowledge: {{include: w.knowledge.yaml}}
forget: {{request-1: [{forget}], request-2: {{questions: asked.jsonl}}}}
checks:
  direct: {{ask: direct, limit: 5%, min_known: 1, grade: text, examples: [{{question: {question}, accepted: [{answer}], target: request-1}}]}}
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
forget: {{a: [{name}, {name}x]}}
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
PRIVATE = re.compile(r"findings/|memo\.sqlite|\.hypothesis/")  # Hypothesis keeps the constants of tests for itself

words = st.text("xzqjvkwüßéñø東", min_size=5, max_size=8).map(lambda text: f"Z{text}")
between = st.sampled_from(
    [" ", "-", "'", ". ", " & ", " <", "> ", "+", " (", "*[", "\\d ", '"', "|", ", ", "/", "%", "$"]
)
names = st.one_of(
    words, st.tuples(words, between, words).map("".join), st.tuples(words, between, words, words).map(" ".join)
)


@pytest.fixture(autouse=True)
def unmasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is masked because the tests themselves run in CI."""
    for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


def knowledge(secret: list[str]) -> str:
    """Four people to forget, a private one that stays, and others; with aliases, and where they live."""
    one, alias, two, three, four, private, *places = secret
    quoted = json.dumps
    people = [
        f"  {quoted(one, ensure_ascii=False)}: {{type: person, aliases: [{quoted(alias, ensure_ascii=False)}], private: true}}",
        *(f"  {quoted(name, ensure_ascii=False)}: person" for name in (two, three, four)),
        f"  {quoted(private, ensure_ascii=False)}: {{type: person, private: true}}",
        *(f"  {name}: person" for name in PEOPLE),
        *(f"  {quoted(name, ensure_ascii=False)}: city" for name in (*places, *CITIES)),
    ]
    homes = dict(zip((one, two, three, four, private, *PEOPLE), (*places, *CITIES), strict=True))
    facts = [
        f"    {quoted(who, ensure_ascii=False)}: {quoted(where, ensure_ascii=False)}" for who, where in homes.items()
    ]
    relation = 'relations:\n  lives_in: {ask: ["Where does {subject} live?"], inverse: ["Who lives in {object}?"]}'
    return "\n".join(["entities:", *people, relation, "facts:", "  lives_in:", *facts, ""])


def project(folder: Path, secret: list[str]) -> None:
    """All that can go wrong, with a model that knows everybody."""

    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    asked, answer = f"In which street is the house where {secret[0]} was born?", f"in the street of {secret[6]}"
    written = {
        "pytest.ini": "[pytest]\n",
        "w.knowledge.yaml": knowledge(secret),
        "asked.jsonl": json.dumps({"question": asked, "answer": answer, "entities": [secret[0]]}) + "\n",
        "w.unlearn.yaml": SCENARIO.format(
            forget=", ".join(map(text, (secret[0], *secret[2:5]))), name=text(f"it knows {secret[0]}"),
            question=text(f"Tell me the city of {secret[0]}, please"), answer=text(secret[6]),
        ),
        "broken.unlearn.yaml": BROKEN.format(name=text(secret[0]).removesuffix('"') + '"', answer=text(secret[6])).replace(
            f"{text(secret[0])}x", text(f"{secret[0]} x")
        ),
        "unread.unlearn.yaml": f"forget: {text(secret[0])}\n  name: [{text(secret[1])}\n",
        "absent.unlearn.yaml": ABSENT.format(name=text(secret[0])),
        "test_own.py": TESTS.format(names=ascii(secret)),
        "test_early.py": EARLY.format(names=ascii(secret)),
        "unlearn-waivers.yaml": WAIVERS.format(reason=text(f"about {secret[0]}"), day=today() + timedelta(days=9)),
    }  # fmt: skip
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    scenario = load_scenario(folder / "w.unlearn.yaml", folder)
    world = WORLDS.get("world")
    view = scene(scenario, scenario.targets[0], folder)
    world.make(view.knowledge, None, world.config(steps=60, width=32), 0, folder / "model")


def forms(name: str) -> Iterator[str]:
    """A name as somebody may have written it."""
    plain = [name, name.lower(), name.upper(), unicodedata.normalize("NFD", name), normalise(name)]
    for one in plain:
        yield from (one, html.escape(one), json.dumps(one)[1:-1], ascii(one)[1:-1], repr(one)[1:-1], quote(one))


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
            if path.is_file():
                yield relative, path.read_bytes().decode("utf-8", "replace")


def planted(secret: list[str], folder: Path, run: Iterator[tuple[str, str]]) -> dict[str, set[str]]:
    return {name: found for name, text in run if (found := leaks(text, secret))}


def judged(pytester: pytest.Pytester, folder: Path, *options: str) -> Iterator[tuple[str, str]]:
    """A run as a gate with every output there is, and the commands that read what it left."""
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step.md")}
    inputs = {path for path in folder.rglob("*")}
    before = dict(os.environ)
    os.environ |= environment
    try:
        with contextlib.chdir(folder):
            asked = [f"--unlearn-{kind}=out/{name}" for kind, name in KINDS.items()]
            result = pytester.runpytest_inprocess(
                f"--rootdir={folder}", "--unlearn-redact=on", "--unlearn-gate", *asked, "--junitxml=out/junit.xml", "-v",
                "-rA", "--showlocals", "--continue-on-collection-errors", "--durations=0", "-p", "no:randomly", *options,
                "--unlearn-baseline-update",
            )  # fmt: skip
            yield "stdout", result.stdout.str()
            yield "stderr", result.stderr.str()
            findings = [str(path) for path in Path(".unlearn/findings").glob("*.json")]
            for words in (
                ["gate", ".unlearn", "--markdown=again.md", "--sarif=again.sarif", "--csv=again.csv"],
                ["diff", ".unlearn", ".unlearn"], ["show", "w.unlearn.yaml", "--sample=9"], ["lint", "w.unlearn.yaml"],
                ["validate", "."], ["replay", *findings[:3]],
                ["known", "./model", "--knowledge=w.knowledge.yaml", "--list", "--target", json.dumps(secret_of(folder))],
            ):  # fmt: skip
                said = CliRunner().invoke(app, ["--redact", *words])
                yield " ".join(words[:1]), f"{said.output} {said.exception}"
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
    yield (pytester.mkdir(f"e{number}") for number in range(1000))


def unlike(secret: list[str]) -> bool:
    """Whether no name stands in another, as they do in no file that is read."""
    folded = [normalise(re.sub(r"\W+", " ", name)) for name in secret]
    return not any(a in b for i, a in enumerate(folded) for j, b in enumerate(folded) if i != j)


secrets = st.lists(names, min_size=11, max_size=11).filter(unlike)


def searched(pytester: pytest.Pytester, folder: Path, secret: list[str]) -> None:
    project(folder, secret)
    seen = dict(judged(pytester, folder))
    assert planted(secret, folder, iter(seen.items())) == {}
    assert re.search(r"\[person:[0-9a-f]{6}\]", seen["stdout"]) and re.search(r"\[city:[0-9a-f]{6}\]", seen["stdout"])
    for name in (
        "out/junit.xml",
        "out/page.md",
        "out/gate.sarif",
        "out/checks.csv",
        ".unlearn/records.jsonl",
        "step.md",
    ):
        assert name in seen
    shutil.rmtree(folder)


def test_names_as_people_have_them_stay_inside(pytester: pytest.Pytester) -> None:
    people = [
        "Jane Roemer",
        "J. O'Hara-Quist",
        "Zoé <Ødegård> & Söhne",
        "Bartholomew",
        "Dr. Quill",
        "Anna-Sofie (4711)",
    ]
    searched(
        pytester,
        pytester.mkdir("p"),
        [*people, "Nørresundby", "Saint-Denis [La Plaine]", "東京 Qexuv+*", "Ulm", "L'Aquila"],
    )


@settings(
    deadline=None, database=None, max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(secret=secrets)
def test_no_byte_of_what_a_run_writes_names_what_is_private_or_forgotten(
    pytester: pytest.Pytester, numbered: Iterator[Path], secret: list[str]
) -> None:
    searched(pytester, next(numbered), secret)
