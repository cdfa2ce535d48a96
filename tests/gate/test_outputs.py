"""What a gate writes: word for word, valid where there is a schema, and harmless whatever is in a record."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.errors import GateError, Mark, UnlearnError
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.runs import checked
from pytest_unlearn.gate.verdict import Reason
from pytest_unlearn.gate.waivers import Excuses, Waiver
from pytest_unlearn.report import github, rows
from pytest_unlearn.report.evidence import statement, verify
from pytest_unlearn.report.files import KINDS, TEXTS, clear, write
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.markdown import MOST, markdown
from pytest_unlearn.report.plain import GONE, line
from pytest_unlearn.report.sarif import sarif
from pytest_unlearn.report.summary import summary

Make = Callable[..., Any]
Same = Callable[[str, str], None]
SCHEMAS = Path(__file__).parent / "schemas"
ROOT = Path(__file__).parents[2]
TODAY = date(2026, 1, 10)
NASTY = "=1+1 | b <script>x</script> ::error::no %0A ![x](y) \x1b[31m`c` \u202e@all\n::error::two"
WEIGHTS = {"candidate": {"forgot/model.safetensors": "ab" * 32}, "original": {"was/model.safetensors": "cd" * 32}}
TALLY = {
    "grader": "text", "outcome": "pass", "reason": "ok", "asked": 20, "known": 12, "n": 12, "units": 10, "leaks": 0,
    "unit_leaks": 0, "chance": 0.0, "estimate": 0.0, "lower": 0.0, "upper": 0.04, "limit": 0.05, "bound": "census",
}  # fmt: skip


@pytest.fixture
def lines(check: Make, run: Make) -> Lines:
    """A run in which all happened that can: closed."""
    more = {"weights": WEIGHTS, "kind": "direct", "seconds": 1.5, "started": "2026-01-10T00:00:00+00:00"}
    leaking = {"grader": "text", "outcome": "fail", "reason": "it leaks", "leaked": ["aaaaaaaa"], "leaks": 3}
    checks = (
        check("plain", tallies=[TALLY], **more),
        check("kept", claim="utility", **{**more, "kind": "far"}),
        check("leaks", "fail", reason=NASTY, **more),
        check("waived", "fail", tallies=[leaking], **{**more, "kind": "inverse"}),
        check("unsure", "inconclusive", **more),
        check("empty", "vacuous", **more),
        check("other", "not-applicable", **more),
    )
    records = run(*checks, planned=(check("crashed"),), out=(check("left"),), gate={"max_waived": 1})
    place = Mark(Path("unlearn-waivers.yaml"), 3, 5)
    waiver = Waiver("w/t/waived", frozenset({"aaaaaaaa"}), "known | to <us>", "Ann", "", date(2026, 2, 1), place)
    return Lines(decide(records, Excuses((waiver,)), TODAY), records)


@pytest.fixture
def opened(check: Make, run: Make) -> Lines:
    """A run with nothing to say."""
    records = run(check("plain", weights=WEIGHTS), check("kept", claim="utility", weights=WEIGHTS))
    return Lines(decide(records, Excuses(), TODAY), records)


NAMES = {
    "summary": "summary.json", "markdown": "page.md", "sarif": "gate.sarif", "evidence": "evidence.json",
    "csv": "checks.csv",
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_an_output_is_what_it_was(lines: Lines, opened: Lines, kind: str, same: Same) -> None:
    same(f"closed-{NAMES[kind]}", TEXTS[kind](lines))
    same(f"open-{NAMES[kind]}", TEXTS[kind](opened))


def test_the_terminal_and_the_annotations_are_what_they_were(
    lines: Lines, opened: Lines, monkeypatch: pytest.MonkeyPatch, same: Same
) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    for name, some in (("closed", lines), ("open", opened)):
        same(f"{name}-terminal.txt", "\n".join(some.verdict.terminal(80)) + "\n")
        same(f"{name}-annotations.txt", "\n".join(github.commands(some, Path("/p"))) + "\n")


def test_the_summary_and_sarif_are_as_their_schemas_say(lines: Lines, opened: Lines) -> None:
    schema = json.loads((ROOT / "docs" / "reference" / "summary.schema.json").read_text(encoding="utf-8"))
    official = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for some in (lines, opened, Lines(decide([], Excuses(), TODAY), [])):
        jsonschema.validate(summary(some), schema)
        jsonschema.Draft4Validator(official).validate(sarif(some))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**summary(lines), "more": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(official).validate({**sarif(lines), "version": "2.0.0"})


def test_a_waived_leak_is_suppressed_and_another_is_not(lines: Lines) -> None:
    (run,) = sarif(lines)["runs"]
    told = {one["properties"]["check"]: one["suppressions"] for one in run["results"]}
    assert told == {
        "w/t/leaks": [],
        "w/t/waived": [
            {"kind": "external", "status": "accepted", "justification": "waived: known | to <us> (Ann, 22 days left)"}
        ],
    }
    said = [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert "w/t/crashed: it was planned and has no verdict: it crashed, was skipped or never ran" in said
    assert not [text for text in said if "w/t/leaks" in text]


def test_what_closes_the_gate_beside_a_waiver_is_told_in_sarif_too(check: Make, run: Make) -> None:
    records = run(check("a"), check("b", claim="utility"), check("c", "fail", expected="fail"), gate={"max_waived": 1})
    worse = Reason(1, "worse than its baseline", "w/t/c", "w.unlearn.yaml", 9)
    (made,) = sarif(Lines(decide(records, Excuses(), TODAY, [worse]), records))["runs"]
    assert made["results"][0]["suppressions"]
    (told,) = made["invocations"][0]["toolExecutionNotifications"]
    assert (told["level"], told["message"]["text"]) == ("error", "w/t/c: worse than its baseline")


def test_an_annotation_stands_at_the_line_of_yaml_as_it_was_checked_out(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    commands = list(github.commands(lines, tmp_path / "models"))
    assert "::error file=models/w.unlearn.yaml,line=9,title=w/t/empty::vacuous: because of vacuous" in commands


def test_at_most_ten_annotations_of_a_kind_are_made(check: Make, run: Make) -> None:
    records = run(*(check(f"c{i}", "vacuous") for i in range(30)), gate={"on_vacuous": "fail"})
    commands = list(github.commands(Lines(decide(records, Excuses(), TODAY), records), Path()))
    assert [one.partition(" ")[0] for one in commands] == ["::error"] * 10


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n  b\tc", "a b c"),
        ("\x1b[31mred", f"{GONE}[31mred"),
        ("a\u202eb\u2028c", f"a{GONE}b c"),
        ("caf\u00e9 \u0645\u06cc\u200c\u062e", "caf\u00e9 \u0645\u06cc\u200c\u062e"),
    ],
)
def test_a_line_is_one_line_and_commands_nothing(text: str, told: str) -> None:
    assert line(text) == told


ANY = st.text(max_size=60) | st.sampled_from([NASTY, "::error::x", "=cmd|' /C calc'!A0", "</details>", "%0A::x"])


def cells(row: str) -> int:
    """How many bars of a row of Markdown part cells."""
    return re.sub(r"\\.", "", row).count("|")


def number(text: str) -> bool:
    """Whether a spreadsheet takes it for a number."""
    with contextlib.suppress(ValueError):
        float(text)
        return True
    return False


def test_no_text_of_a_record_breaks_out_of_an_output(check: Make, run: Make) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ANY, st.sampled_from(["fail", "inconclusive", "vacuous"]))
    def holds(text: str, verdict: str) -> None:
        def made(some: str) -> Lines:
            records = run(check("a", verdict, reason=some), check("b", claim="utility"))
            return Lines(decide(records, Excuses(), TODAY), records)

        found, plain = made(text), made("x")
        page = markdown(found)
        assert page.count("\n") == markdown(plain).count("\n")
        assert [cells(row) for row in page.split("\n")] == [cells(row) for row in markdown(plain).split("\n")]
        assert re.findall(r"<[^>]*>", page) == re.findall(r"<[^>]*>", markdown(plain))
        commands = list(github.commands(found, Path("/p")))
        assert all(re.match(r"::(error|warning|notice) [^:\n\r]*::[^\n\r]*$", one) for one in commands)
        assert len(commands) == len(list(github.commands(plain, Path("/p"))))
        assert not [one for one in commands if re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", one)]
        table = list(csv.reader(io.StringIO(rows.text(found), newline="")))
        assert {len(row) for row in table} == {len(rows.COLUMNS)}
        assert not [one for row in table for one in row if one[:1] in ("=", "+", "@") and not number(one)]
        assert json.loads(TEXTS["sarif"](found)) == sarif(found)

    holds()


def test_a_table_of_a_page_ends_before_it_is_too_long(check: Make, run: Make) -> None:
    records = run(*(check(f"c{i}", "vacuous", reason="x" * 5000) for i in range(1000)))
    page = markdown(Lines(decide(records, Excuses(), TODAY), records))
    assert f"{1001 - MOST} more are in the records." in page
    assert len(page.encode()) < 2**19


def test_a_statement_says_what_was_judged_and_what_came_of_it(lines: Lines, opened: Lines) -> None:
    made = statement(lines)
    assert made["subject"] == [{"name": "forgot/model.safetensors", "digest": {"sha256": "ab" * 32}}]
    told = made["predicate"]
    assert (told["result"], statement(opened)["predicate"]["result"]) == ("FAILED", "PASSED")
    every = [*told["passedTests"], *told["warnedTests"], *told["failedTests"]]
    assert sorted(every) == sorted(f"{one.file}::{one.id}" for one in lines.verdict.checks)
    assert told["warnedTests"] == ["w.unlearn.yaml::w/t/waived"]
    assert "w.unlearn.yaml::w/t/left" in told["failedTests"]


def test_there_is_no_statement_about_weights_that_were_not_noted(check: Make, run: Make) -> None:
    for checks, said in (
        ((check("a", weights=WEIGHTS), check("b", claim="utility")), "1 of 2 checks say"),
        ((), "no check says"),
    ):
        records = run(*checks)
        with pytest.raises(GateError) as caught:
            statement(Lines(decide(records, Excuses(), TODAY), records))
        need = f"{said} nothing of the files of the weights: run pytest with --unlearn-evidence FILE"
        assert str(caught.value) == need


def evidence(folder: Path, result: str = "PASSED", **more: Any) -> Path:
    """A statement about `folder/model.safetensors`, which holds `weights`."""
    from pytest_unlearn.digest import file_digest

    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    path = folder.parent / "evidence.json"
    body = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": file_digest(folder / "model.safetensors")}}],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {"result": result},
    }
    path.write_text(json.dumps({**body, **more}), encoding="utf-8")
    return path


def test_weights_are_held_against_a_statement(tmp_path: Path) -> None:
    path, model = evidence(tmp_path / "m"), tmp_path / "m"
    run = CliRunner().invoke(app, ["evidence", "verify", str(path), str(model)])
    judged = f"judged      {model / 'model.safetensors'}\n"
    assert (run.exit_code, run.output) == (0, f"{judged}PASSED: these weights were judged\n")
    (model / "more.safetensors").write_bytes(b"other")
    run = CliRunner().invoke(app, ["evidence", "verify", str(path), str(model)])
    other = f"not judged  {model / 'more.safetensors'}\n"
    assert (run.exit_code, run.output) == (1, f"{judged}{other}PASSED: other weights were judged\n")
    (model / "more.safetensors").unlink()
    assert verify(evidence(model, "WARNED"), [model]).holds
    assert not verify(evidence(model, "FAILED"), [model]).holds
    for name in ("model.Q4_K_M.gguf", "pytorch_model-00001-of-00002.bin", "step-500/model.safetensors"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(b"not judged")
        found = verify(evidence(model, "PASSED"), [model])
        assert (found.holds, found.unnamed) == (False, (model / name,))
        (model / name).unlink()
    assert not verify(evidence(model, "SKIPPED"), [model]).holds
    (model / "model.safetensors").write_bytes(b"weightz")
    assert not verify(path, [model]).holds


def test_a_statement_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    model, path = tmp_path / "m", tmp_path / "evidence.json"

    def told(**more: Any) -> str:
        evidence(model, **more)
        with pytest.raises(GateError) as caught:
            verify(path, [model])
        return str(caught.value)

    assert told(predicateType="x") == f"{path} is no statement of in-toto about the result of a test"
    for broken in ({"subject": []}, {"subject": [{"digest": {}}]}, {"predicate": {}}, {"subject": [3]}, {"subject": 3}):
        assert told(**broken) == f"the statement {path} is damaged: it says nothing of weights or of a result"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(GateError) as caught:
        verify(path, [model])
    assert str(caught.value).startswith(f"the statement {path} cannot be read: ")
    with pytest.raises(GateError) as caught:
        verify(evidence(model), [tmp_path / "none"])
    none = tmp_path / "none"
    assert str(caught.value) == f"there are no weights in {none}: name a folder with files .safetensors"


def test_a_table_in_parquet_has_the_rows_of_that_in_csv(lines: Lines, tmp_path: Path) -> None:
    files = pytest.importorskip("pyarrow.parquet")
    assert list(write(lines, {"parquet": tmp_path / "t.parquet"})) == []
    found = files.read_table(tmp_path / "t.parquet").to_pylist()
    assert found == list(rows.rows(lines))


def test_parquet_names_the_extra_that_it_needs(monkeypatch: pytest.MonkeyPatch, lines: Lines, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / "t.parquet"
    need = "a table in Parquet needs the package pyarrow: pip install 'pytest-unlearn[parquet]'"
    with pytest.raises(UnlearnError) as caught:
        clear({"parquet": path})
    assert str(caught.value) == need
    assert list(write(lines, {"parquet": path})) == [f"{path} is not written: {need}"]


def test_files_appear_whole_or_not_at_all(
    lines: Lines, check: Make, run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    (tmp_path / "page.md").write_text("before\n", encoding="utf-8")
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    wanted = {kind: tmp_path / "out" / kind for kind in KINDS if kind != "parquet"}
    assert list(write(lines, {**wanted, "csv": tmp_path / "file" / "x"})) == [
        f"{tmp_path / 'file' / 'x'} cannot be written: [Errno 17] File exists: '{tmp_path / 'file'}'"
    ]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(wanted) - {"csv"}
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == f"before\n{markdown(lines)}\n"
    records = run(check("a"))
    for_nothing = Lines(decide(records, Excuses(), TODAY), records)
    clear(wanted)
    assert len(list(write(for_nothing, {"evidence": wanted["evidence"]}))) == 1
    assert list((tmp_path / "out").iterdir()) == []
    wanted["csv"].mkdir()
    with pytest.raises(UnlearnError) as caught:
        clear(wanted)
    assert str(caught.value).startswith(f"{wanted['csv']} cannot be written: ")


def test_a_page_of_a_step_that_cannot_be_written_is_told(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert list(write(lines, {})) == [f"{tmp_path} cannot be written: [Errno 21] Is a directory: '{tmp_path}'"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=5), some, max_size=3),
    max_leaves=6,
)


def test_a_line_that_no_run_writes_is_refused_or_told_and_never_breaks_an_output(lines: Lines) -> None:
    some = [dict(one) for one in lines.records]

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(some) - 1))
        name = data.draw(st.sampled_from(sorted(some[at])))
        changed = {**some[at], name: data.draw(JSON)}
        if name == "tallies" or data.draw(st.booleans()):
            inside = some[at].get("tallies") or [{}]
            one = data.draw(st.sampled_from([*TALLY, "reference", "unstable"]))
            changed = {**some[at], "tallies": [{**inside[0], one: data.draw(JSON)}]}
        try:
            records = [checked(one, Path("r.jsonl")) for one in [*some[:at], changed, *some[at + 1 :]]]
        except GateError:
            return
        found = Lines(decide(records, Excuses(), TODAY), records)
        for kind in TEXTS:
            with contextlib.suppress(UnlearnError):
                TEXTS[kind](found)
        assert list(github.commands(found, Path("/p")))
        assert all(row[name] is None or isinstance(row[name], int) for row in rows.rows(found) for name in rows.WHOLE)

    holds()
