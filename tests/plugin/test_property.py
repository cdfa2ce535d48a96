"""Tests of one's own: a subject, probes and assertions, with small models that are trained in seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.errors
import pytest
from hypothesis import given, settings

from pytest_unlearn.asserting import UnderTest, VacuousError, ahead, assert_forgotten, assert_retained, under_test
from pytest_unlearn.errors import ScenarioError, UnlearnError
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.strategies import probes

SCENARIO = """\
version: 1
model: {original: ./original, candidate: ./candidate}
knowledge:
  entities:
    {Ann: person, Bob: person, Cyd: person, Dan: person, Eve: person, Fay: person, Gus: person, Hal: person,
     Ida: person, Jon: person, Kim: person, Leo: person, Lyon: city, Turin: city, Oslo: city, Bern: city, Cork: city,
     Graz: city, Nice: city, Bath: city, Kyoto: city, Lima: city, Quito: city, Perth: city}
  relations:
    lives_in: {ask: ["Where does {subject} live?", "Which city is the home of {subject}?"]}
  facts:
    lives_in: {Ann: Lyon, Bob: Turin, Cyd: Oslo, Dan: Bern, Eve: Cork, Fay: Graz, Gus: Nice, Hal: Bath, Ida: Kyoto,
               Jon: Lima, Kim: Quito, Leo: Perth}
forget: {people: [Ann, Bob, Cyd, Dan, Eve, Fay]}
checks:
  direct: {ask: direct, limit: 5%}
"""
TESTS = """
import pytest
from hypothesis import given, settings
from pytest_unlearn.api import assert_forgotten, assert_retained, given_probes, probes

def test_by_kind(unlearn_subject):
    assert_forgotten(unlearn_subject, "direct", limit=0.05)

@given_probes("p.unlearn.yaml", kind="paraphrase")
def test_probe(unlearn_subject, probe):
    assert_forgotten(unlearn_subject, probe)

@settings(deadline=None)
@given(probe=probes("p.unlearn.yaml"))
def test_hypothesis(unlearn_subject, probe):
    assert_forgotten(unlearn_subject, probe)

@given_probes("p.unlearn.yaml", keep="retained")
def test_kept(unlearn_subject, probe):
    assert_retained(unlearn_subject, probe)

@given_probes("p.unlearn.yaml", kind="paraphrase", probes=5)
def test_a_condition_of_ones_own(probe):
    assert probe.named[0] in ("Ann", "Bob"), "somebody else"


@given_probes("p.unlearn.yaml", kind="paraphrase", probes=5)
def test_a_failure_of_pytest(probe):
    if probe.named[0] not in ("Ann", "Bob"):
        pytest.fail("nobody else")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario with two models: `candidate` never met those who leave, `leaky` knows everybody."""
    folder = tmp_path_factory.mktemp("people")
    path = folder / "p.unlearn.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    scenario = load_scenario(path, folder)
    view = scene(scenario, scenario.targets[0], folder)
    world = WORLDS.get("world")
    config = world.config(steps=150, width=64)
    for name, without, seed in (("original", None, 0), ("candidate", view.closure, 0), ("leaky", None, 1)):
        world.make(view.knowledge, without, config, seed, folder / name)
    return folder


@pytest.fixture(scope="module")
def session(home: Path) -> Iterator[Session]:
    made = Session(Settings(root=home, folder=home / ".unlearn", device="cpu"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def honest(home: Path, session: Session) -> UnderTest:
    return under_test(session, home / "p.unlearn.yaml", home)


@pytest.fixture(scope="module")
def leaky(home: Path) -> Iterator[UnderTest]:
    settings = Settings(root=home, folder=home / ".leaky", device="cpu", candidates={"": str(home / "leaky")})
    made = Session(settings)
    yield under_test(made, home / "p.unlearn.yaml", home, {""})
    made.close()


def listed(home: Path, kind: str = "direct", keep: str = "") -> list[Probe]:
    from pytest_unlearn.strategies import _space

    return list(_space(home / "p.unlearn.yaml", kind, keep, "", {}).all())


def test_an_honest_model_passes_by_kind_by_probe_and_by_several(home: Path, honest: UnderTest) -> None:
    assert honest.name == "p/people"
    assert_forgotten(honest, "direct", limit=0.05)
    assert_forgotten(honest, "paraphrase", search=20)
    assert_forgotten(honest, listed(home))
    assert_forgotten(honest, listed(home)[0])
    assert_retained(honest, margin=0.0, min_known=2)
    assert_retained(honest, listed(home, keep="retained"), min_known=2)


def test_a_leak_is_told_as_a_check_tells_it(home: Path, leaky: UnderTest) -> None:
    for asked in ("direct", listed(home), listed(home)[0]):
        with pytest.raises(AssertionError) as caught:
            assert_forgotten(leaky, asked)
        headline, where, *_ = str(caught.value).splitlines()
        assert (headline, where) == ("p > people > direct: leaks", "  where   p.unlearn.yaml")
        assert "answered" in str(caught.value)


def test_what_is_lost_is_told(home: Path, session: Session, honest: UnderTest) -> None:
    """To the reference who leaves is what has to stay: it does not know them."""
    gone = listed(home)
    with pytest.raises(AssertionError) as caught:
        assert_retained(honest, gone[0])
    assert str(caught.value).splitlines()[0] == "p > people > retained: loses what must stay"
    with pytest.raises(AssertionError) as caught:
        assert_retained(honest, gone, margin=0.5)
    assert "a net loss of " in str(caught.value)


def test_too_few_known_facts_say_nothing(home: Path, honest: UnderTest) -> None:
    for asked in ("direct", listed(home)[0], listed(home)):
        with pytest.raises(VacuousError) as caught:
            assert_forgotten(honest, asked, min_known=7)
        assert "at least 7 are needed (`min_known`)" in str(caught.value)


def test_inside_of_hypothesis_a_probe_that_says_nothing_is_rejected(home: Path, honest: UnderTest) -> None:
    @settings(deadline=None, database=None)
    @given(probe=probes(home / "p.unlearn.yaml"))
    def anything(probe: Probe) -> None:
        assert_forgotten(honest, probe, min_known=7)

    with pytest.raises((hypothesis.errors.Unsatisfiable, hypothesis.errors.FailedHealthCheck)):
        anything()


def test_the_strategy_draws_the_probes_of_the_scenario(home: Path) -> None:
    seen = set()

    @settings(deadline=None, database=None)
    @given(probe=probes(home / "p.unlearn.yaml", "paraphrase", target="people"))
    def look(probe: Probe) -> None:
        seen.add(probe.id)

    look()
    assert seen == {probe.id for probe in listed(home, "paraphrase")}


def test_what_was_asked_ahead_is_not_asked_again(home: Path, session: Session, honest: UnderTest) -> None:
    asked = listed(home, "paraphrase")
    subjects = session.subjects(session.scene(honest._case), honest._case.candidate)

    def batches() -> int:
        return sum(subject.effort.batches for subject in subjects.values())  # type: ignore[attr-defined]

    ahead(honest, asked)
    before = batches()
    ahead(honest, asked)
    assert batches() == before


@pytest.mark.parametrize(
    ("candidate", "outcome", "told"),
    [
        ("candidate", {"passed": 4, "failed": 2}, []),
        ("leaky", {"passed": 1, "failed": 5}, ["*p > people > paraphrase: leaks*", "*Which city is the home of *"]),
    ],
)
def test_tests_of_ones_own_run(
    home: Path, pytester: pytest.Pytester, candidate: str, outcome: dict[str, int], told: list[str]
) -> None:
    shutil.copytree(home, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".unlearn", ".leaky"))
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("test_tests_of_ones_own_run.py", "--unlearn-candidate", candidate)
    result.assert_outcomes(**outcome)
    note = "*the simplest probe that fails, of 5 and 0 steps from there: Which city is the home of *?"
    result.stdout.fnmatch_lines([*told, note, "*nobody else*", note])


def test_where_every_probe_says_nothing_the_test_fails(home: Path, pytester: pytest.Pytester) -> None:
    shutil.copytree(home, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".unlearn", ".leaky"))
    pytester.makepyfile("""
        from pytest_unlearn.api import assert_forgotten, given_probes

        @given_probes("p.unlearn.yaml")
        def test_it(unlearn_subject, probe):
            assert_forgotten(unlearn_subject, probe, min_known=7)
    """)
    result = pytester.runpytest_subprocess("-k", "test_it")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*none of 6 probes says anything; the last of them: p > people > direct: vacuous*"])


@pytest.mark.parametrize(
    ("mark", "files", "message"),
    [
        ("", 0, "there are 0 scenarios beside these tests: name one with `pytestmark = pytest.mark.unlearn_scenario("),
        ("", 2, "there are 2 scenarios beside these tests: name one with "),
        ("'0.unlearn.yaml', target='peple'", 1, "there is no forget request 'peple' - did you mean 'people'?"),
        ("'0.unlearn.yaml', candidate='c'", 1, "there is no candidate 'c'"),
    ],
)
def test_a_subject_that_cannot_be_meant_is_told(pytester: pytest.Pytester, mark: str, files: int, message: str) -> None:
    for number in range(files):
        (pytester.path / f"{number}.unlearn.yaml").write_text(SCENARIO, encoding="utf-8")
    marked = f"pytestmark = pytest.mark.unlearn_scenario({mark})" if mark else ""
    pytester.makepyfile(f"import pytest\n{marked}\ndef test_it(unlearn_subject): pass")
    result = pytester.runpytest_inprocess("test_a_subject_that_cannot_be_meant_is_told.py")
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_several_requests_are_told_apart(home: Path, session: Session) -> None:
    path = home / "two.unlearn.yaml"
    path.write_text(SCENARIO.replace("{people: [Ann, Bob, Cyd, Dan, Eve, Fay]}", "{a: Ann, b: Bob}"), encoding="utf-8")
    with pytest.raises(UnlearnError) as caught:
        under_test(session, path, home)
    assert str(caught.value) == "there are 2 of forget request, a, b: name one"
    with pytest.raises(UnlearnError) as caught:
        probes(path).example()
    assert str(caught.value) == "two.unlearn.yaml has the forget requests a, b: name one as `target`"
    with pytest.raises(UnlearnError) as caught:
        probes(path, "alias", target="a").example()
    assert str(caught.value) == "two.unlearn.yaml has nothing to ask by `alias` about 'a'"


def test_nothing_is_no_question(honest: UnderTest) -> None:
    for asserted in (assert_forgotten, assert_retained):
        with pytest.raises(ValueError) as caught:
            asserted(honest, [])
        assert str(caught.value) == "there is no probe to ask"


@pytest.mark.parametrize(
    ("asserted", "kind", "options", "told"),
    [
        (assert_forgotten, "direct", {"limit": 5.0}, "assert_forgotten('direct'):1:7: must be below 1"),
        (assert_forgotten, "direct", {"search": 0}, "assert_forgotten('direct'):1:8: must be at least 1"),
        (assert_forgotten, "direct", {"confidence": 99.0}, "assert_forgotten('direct'):2:12: must be below 1"),
        (assert_forgotten, "direct", {"min_known": 0}, "assert_forgotten('direct'):3:11: must be at least 1"),
        (assert_forgotten, "multiple_choice", {"options": 1}, "assert_forgotten('multiple_choice'):1:9: must be at"),
        (assert_retained, "retained", {"margin": 5.0}, "assert_retained('retained'):1:8: must be below 1"),
        (assert_retained, "distance", {"most": 0}, "assert_retained('distance'):1:6: must be at least 2"),
    ],
)
def test_what_is_asserted_has_the_ranges_of_a_scenario(honest, asserted, kind, options, told) -> None:
    with pytest.raises(ScenarioError) as caught:
        asserted(honest, kind, **options)
    assert str(caught.value).startswith(told)


def test_the_options_of_a_kind_are_read_as_in_a_scenario(home: Path) -> None:
    def drawn(**options: Any) -> set[str]:
        from pytest_unlearn.strategies import _space

        return {probe.id for probe in _space(home / "p.unlearn.yaml", "multiple_choice", "", "", options).all()}

    assert drawn() == drawn(options=10)
    for options, told in (
        ({"options": 1}, "probes(kind='multiple_choice'):1:9: must be at least 2"),
        ({"option": 4}, "probes(kind='multiple_choice'):1:1: unknown key 'option' - did you mean 'options'?"),
    ):
        with pytest.raises(ScenarioError) as caught:
            drawn(**options)
        assert str(caught.value).startswith(told)
