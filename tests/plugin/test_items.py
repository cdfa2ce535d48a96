"""Scenario files as pytest items: ids, selection, marks, places, fixtures, errors at collection."""

from __future__ import annotations

from pathlib import Path

import pytest

TINY = """\
version: 1
model: {original: nowhere/model, candidate: {method: none}}
tags: [nightly]
knowledge:
  entities: {Ann: {type: person, aliases: [Annie]}, Bob: person, Rome: city, Oslo: city}
  relations: {lives_in: {ask: ["Where does {subject} live?"], inverse: ["Who lives in {object}?"]}}
  facts: [[Ann, lives_in, Rome], [Bob, lives_in, Oslo]]
forget: Ann
checks:
  direct: {ask: direct, limit: 5%, min_known: 1, xfail: no model here}
  inverse: {ask: inverse, search: 9}
  others: {keep: retained, margin: 5%}
"""


CLINICS = """\
version: 1
model: {original: nowhere/model, candidate: {method: none}}
knowledge: {include: clinics.knowledge.yaml}
forget: {ann: {level: patient, at: Ann}}
checks:
  plain: {ask: direct, limit: 5%}
  itself: {ask: direct, level: at, limit: 5%}
  studies: {ask: paraphrase, level: below, search: 9}
  siblings: {keep: sibling, margin: 5%}
  clinic: {keep: ancestor, margin: 5%}
"""


@pytest.fixture
def tiny(pytester: pytest.Pytester) -> Path:
    pytester.makeini("[pytest]\n")
    path = pytester.path / "tiny.unlearn.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


def ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_every_check_is_an_item_below_its_request(tiny: Path, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--collect-only", "-q")
    assert ids(result) == [f"tiny.unlearn.yaml::ann::{check}" for check in ("direct", "inverse", "others")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["tiny.unlearn.yaml::ann::inverse"], ["inverse"]),
        (["-k", "inverse or direct"], ["direct", "inverse"]),
        (["-m", "utility"], ["others"]),
        (["-m", "forget"], ["direct", "inverse"]),
        (["-m", "nightly"], ["direct", "inverse", "others"]),
        (["-m", "probe(kind='direct')"], ["direct"]),
    ],
)
def test_items_are_selected_as_any_other(
    tiny: Path, pytester: pytest.Pytester, options: list[str], expected: list[str]
) -> None:
    result = pytester.runpytest_inprocess("--collect-only", "-q", *options)
    assert [line.rpartition("::")[2] for line in ids(result)] == expected


@pytest.mark.parametrize(
    ("part", "check"),
    [("at", "itself"), ("below", "studies"), ("sibling", "siblings"), ("ancestor", "clinic")],
)
def test_each_part_of_a_hierarchy_is_an_item_and_has_a_mark(
    pytester: pytest.Pytester, clinics: str, part: str, check: str
) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "clinics.knowledge.yaml").write_text(clinics, encoding="utf-8")
    (pytester.path / "c.unlearn.yaml").write_text(CLINICS, encoding="utf-8")
    result = pytester.runpytest_inprocess("--collect-only", "-q", "-m", f"level(part='{part}')", "--strict-markers")
    assert ids(result) == [f"c.unlearn.yaml::ann::{check}"]


def test_a_model_that_is_nowhere_fails_its_checks_and_not_the_run(tiny: Path, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2, xfailed=1)
    result.stdout.fnmatch_lines(["tiny > ann > inverse: error", "*where   tiny.unlearn.yaml:11", "*nowhere/model*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_check_uses_the_session_that_a_conftest_puts_in_place(tiny: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from pytest_unlearn.runner.session import Result
        from pytest_unlearn.verdict.verdict import Outcome, Verdict

        class Kind:
            def judge(self, case):
                outcome = Outcome.NOT_APPLICABLE if case.check.id == "others" else Outcome.PASS
                return Result(case, Verdict(outcome, "because"), {}, 0.0, {})

        @pytest.fixture(scope="session")
        def unlearn_session():
            return Kind()
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1, xpassed=1, skipped=1)


def test_junit_says_verdict_and_place(tiny: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--junit-xml=out.xml")
    text = (pytester.path / "out.xml").read_text(encoding="utf-8")
    assert '<property name="unlearn_verdict" value="error" />' in text
    assert '<property name="unlearn_id" value="tiny/ann/inverse" />' in text


def test_every_mistake_of_a_file_is_told_at_collection(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    broken = TINY.replace("ask: inverse, search: 9", "ask: invers, search: 9").replace("forget: Ann", "forgett: Ann")
    (pytester.path / "broken.unlearn.yaml").write_text(broken, encoding="utf-8")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*broken.unlearn.yaml:8:1: *forgett*", "*broken.unlearn.yaml:11:*invers*inverse*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_request_that_names_nothing_is_told_at_its_line(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "b.unlearn.yaml").write_text(TINY.replace("forget: Ann", "forget: Anne"), encoding="utf-8")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*b.unlearn.yaml:8:*Anne*did you mean*"])


def test_workers_share_one_record_of_the_run(tiny: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("-n", "2", "--dist", "loadfile")
    from pytest_unlearn.records import read

    lines = [record["line"] for record in read(pytester.path / ".unlearn" / "records.jsonl")]
    assert lines.count("check") == 3
    assert lines[-1] == "end"


def test_the_folder_of_a_run_can_be_moved(tiny: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--unlearn-dir=elsewhere")
    assert (pytester.path / "elsewhere" / "records.jsonl").is_file()
    assert not (pytester.path / ".unlearn").exists()


def test_a_limit_of_the_memo_that_is_no_size_is_told(tiny: Path, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nunlearn_memo_limit = much\n")
    result = pytester.runpytest_inprocess()
    assert result.ret != 0
    said = "unlearn_memo_limit: 'much' is not a size: write a number with kB, MB, GB or TB, such as 2 GB"
    result.stderr.fnmatch_lines([f"*{said}*"])


def test_a_candidate_for_a_label_that_no_file_has_is_refused(tiny: Path, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--unlearn-candidate=nobody=./x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: --unlearn-candidate nobody=...: no selected scenario forgets 'nobody' (known: ann)"
    ]


@pytest.mark.parametrize(("options", "whom"), [(["ann=./x", "ann=./y"], "ann"), (["./x", "./y"], "every request")])
def test_two_candidates_for_one_request_are_refused(
    tiny: Path, pytester: pytest.Pytester, options: list[str], whom: str
) -> None:
    result = pytester.runpytest_inprocess(*(f"--unlearn-candidate={option}" for option in options))
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    said = f"--unlearn-candidate is given twice for {whom}: {' '.join(options)}"
    assert any(line.endswith(said) for line in [*result.outlines, *result.errlines])


WITHOUT = TINY.replace("{original: nowhere/model, candidate: {method: none}}", "{original: nowhere/model}")


def test_a_request_without_a_candidate_is_told_before_anything_runs(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "w.unlearn.yaml").write_text(WITHOUT, encoding="utf-8")
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: w.unlearn.yaml:2:1: no candidate for 'ann': name one under `model: candidate`, or give a checkpoint "
        "with --unlearn-candidate ann=PATH",
        "    model: {original: nowhere/model}",
        "    ^",
    ]
    assert not (pytester.path / ".unlearn").exists()


@pytest.mark.parametrize("options", [["--collect-only"], ["-k", "test_other"], ["--unlearn-candidate=ann=."]])
def test_a_candidate_is_asked_for_only_where_a_check_of_its_request_runs(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "w.unlearn.yaml").write_text(WITHOUT, encoding="utf-8")
    pytester.makepyfile("def test_other(): pass")
    assert pytester.runpytest_inprocess(*options).ret != pytest.ExitCode.USAGE_ERROR


def test_a_checkpoint_that_is_not_there_is_told_before_anything_runs(tiny: Path, pytester: pytest.Pytester) -> None:
    (pytester.path / "runs" / "good-1").mkdir(parents=True)
    result = pytester.runpytest_inprocess("--unlearn-candidate=ann=./runs/god-1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: --unlearn-candidate ann=./runs/god-1: no model is called './runs/god-1' - did you mean "
        "'./runs/good-1'? A model is a bundled name (smollm2-135m-instruct), a folder relative to "
        f"{pytester.path} or to the working directory, or a hub id like org/name@revision"
    ]
    result = pytester.runpytest_inprocess("--unlearn-candidate=runs/god-1")
    assert [line for line in result.errlines if line] == [
        "ERROR: --unlearn-candidate runs/god-1: no folder is called 'runs/god-1', and the Hugging Face cache of "
        "this machine holds no such model - did you mean 'runs/good-1'? The network is not used unless you say so: "
        "--unlearn-network"
    ]
    assert not (pytester.path / ".unlearn").exists()


def test_with_workers_a_run_without_a_candidate_ends_in_the_errors_of_its_checks(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    (pytester.path / "w.unlearn.yaml").write_text(WITHOUT, encoding="utf-8")
    result = pytester.runpytest_subprocess("-n", "1")
    result.assert_outcomes(failed=2, xfailed=1)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_a_chain_that_the_knowledge_does_not_have_is_told_at_its_check(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    chained = TINY.replace("ask: inverse, search: 9", "ask: multi_hop, hops: 3, search: 9")
    (pytester.path / "b.unlearn.yaml").write_text(chained, encoding="utf-8")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["b.unlearn.yaml:11:3: `inverse` has nothing to ask about 'ann': no chain of 3 facts has *"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
