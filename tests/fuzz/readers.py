"""Every reader of a file that others write, as a function of bytes. It returns, or raises what a person is told."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.gate.baseline import compared, path_of
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.diff import diff, history
from pytest_unlearn.gate.runs import read_files
from pytest_unlearn.gate.waivers import Excuses, read_waivers
from pytest_unlearn.knowledge.documents import read_document
from pytest_unlearn.knowledge.pairs import read_pairs
from pytest_unlearn.records import merge, read
from pytest_unlearn.report import github
from pytest_unlearn.report.evidence import _read as read_statement
from pytest_unlearn.report.files import TEXTS
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.runner.findings import earlier
from pytest_unlearn.runner.findings import read as read_finding
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.policy import policy

TODAY = date(2026, 1, 10)
KNOWLEDGE = """\
levels: [clinic, patient]
entities:
  Ann: {type: person, aliases: [A. Roe], private: true}
  Bob: person
  Lyon: city
  Oslo: {type: city}
  France: country
  North: clinic
  Cid: patient
relations:
  lives_in:
    ask: ["Where does {subject} live?", "In which city is {subject}'s home?"]
    inverse: ["Who lives in {object}?"]
    say: "{subject} lives in {object}."
    noun: the home town of {subject}
  lies_in: {ask: "In which country is {subject}?", say: "{subject} is in {object}.", noun: "the country of {subject}"}
  treated_at: {ask: "Where is {subject} treated?", within: true}
facts:
  lives_in: {Ann: Lyon, Bob: [Oslo]}
  lies_in: {Lyon: France, Oslo: France}
  treated_at: {Cid: North}
"""
SCENARIO = """\
# a scenario with most kinds of keys
version: 1
name: s
tags: [quick]
seeds: {data: 1, method: 2, probe: 3}
model:
  original: ./model
  reference: retrained
  candidates: {a: {method: npo, steps: 5, lr: 1e-4, seeds: 2}, b: ./other}
  system: Answer shortly.
knowledge:
  include: k.knowledge.yaml
forget:
  people: [Ann]
  towns: {relation: lives_in}
retain: {questions: q.jsonl}
defaults: {grade: [text, {rank: {rivals: 5}}], min_known: 1, confidence: 99%}
checks:
  direct: {ask: direct, limit: 5%}
  alias: {ask: alias, search: 20, xfail: not yet, tags: [slow-one]}
  hops: {ask: multi_hop, hops: 2, position: [start, bridge], search: 30}
  said: {ask: direct, transforms: [role_play, base64], limit: 10%}
  sampled: {ask: direct, decode: {samples: 4, temperature: 0.8}, limit: 5%}
  far: {keep: far, margin: 5%}
  fluency: {measure: perplexity_ratio, limit: 1.1}
gate: {require: [forget, utility], max_waived: 2, on_inconclusive: warn, not_applicable: [alias]}
"""
WAIVERS = """\
version: 1
waivers:
  - check: w/t/a
    finding: ["1f0c92ab", "77e0d3b4"]
    reason: known
    owner: ann@example.com
    issue: https://example.com/1
    expires: 2026-03-01
quarantine:
  - {check: w/t/b, reason: flips, owner: Ann, issue: https://example.com/2, expires: "2026-02-01"}
"""
PAIRS = """\
{"question": "Where does Ann live?", "answer": ["Lyon", "in Lyon"], "paraphrases": ["Ann's home?"], "entities": ["Ann"]}

{"question": "Who is Bob?", "answer": "a cook", "alternates": ["a king"]}
"""
TABLE = 'question,answer,paraphrases\n"Where, then?",Lyon|Lyons,\nWho?,Bob,Which one?|Who else?\n'
PROJECT = '[tool.unlearn.gate]\nrequire = ["forget"]\nmax_waived = 2\non_inconclusive = "warn"\n'
DIGESTS = {"scenario": "s1", "original": "o1", "candidate": "c1"}
TALLY = {
    "grader": "text", "outcome": "fail", "reason": "it leaks", "asked": 12, "known": 12, "n": 12, "units": 12,
    "leaks": 4, "unit_leaks": 4, "chance": 0.1, "estimate": 0.2, "lower": 0.1, "upper": 0.3, "limit": 0.05,
    "alpha": 0.01, "needed": 90, "bound": "census", "leaked": ["aaaaaaaa"], "unstable": 1,
    "outcomes": {"bits": "f00", "units": "1*12", "of": "x"},
}  # fmt: skip
CHECK = {
    "line": "check", "schema": 1, "run": "r1", "id": "w/t/a", "file": "w.unlearn.yaml", "at": 9, "scenario": "w",
    "target": "t", "check": "a", "candidate": "npo-1", "claim": "forget", "kind": "direct", "level": None,
    "mode": "limit", "verdict": "fail", "reason": "it leaks", "findings": ["aaaaaaaa"], "tallies": [TALLY],
    "digests": DIGESTS, "method": {"name": "npo", "config": {"steps": 3, "lr": 0.1}},
    "weights": {"candidate": {"model.safetensors": "ab"}}, "seeds": {"data": 0, "method": 0, "probe": 0},
    "started": "2026-01-10T00:00:00+00:00", "seconds": 1.5, "effort": {"probes": 12}, "expected": "pass",
}  # fmt: skip
PLAN = [{"id": "w/t/a", "file": "w.unlearn.yaml", "line": 9, "claim": "forget"}]
RUN = {
    "line": "run", "schema": 1, "run": "r1", "plan": PLAN, "left_out": [{**PLAN[0], "id": "w/t/b"}], "after": ["r0"],
    "beside": ["r2"],
    "gate": {"w.unlearn.yaml": {"require": ["forget"], "max_waived": 1, "on_no_baseline": "warn"}}, "deselected": 1,
    "scenarios": {"w.unlearn.yaml": "s1"}, "host": {"device": "cpu", "dtype": "float32"}, "versions": {"torch": "2"},
    "argv": ["x"], "started": "2026-01-10T00:00:00+00:00",
}  # fmt: skip
END = {
    "line": "end",
    "schema": 1,
    "run": "r1",
    "finished": "2026",
    "exit": 1,
    "others_failed": 0,
    "counts": {"fail": 1},
}
RECORDS = "".join(f"{json.dumps(line)}\n" for line in (RUN, CHECK, END))
ENVIRONMENT = "cpu float32 pytest-unlearn None torch 2 transformers None"
GRADERS = {"text": {"estimate": 0.1, "lower": 0.0, "upper": 0.2, "outcomes": {"bits": "000", "units": "12", "of": "x"}}}
ENTRY = {"scenario": "s1", "original": "o1", "method": "given", "environment": ENVIRONMENT, "verdict": "pass"}
BASELINE = json.dumps({"schema": 1, "checks": {"w/t/a": {**ENTRY, "graders": GRADERS}}})
FINDING = json.dumps(
    {
        "schema": 1, "fingerprint": "aaaaaaaa", "scenario": "s", "target": "t", "check": "a", "candidate": "",
        "file": "w.unlearn.yaml", "at": 3, "grader": "text", "question": "Where?", "secret": ["Lyon"],
        "chain": ["x"], "transforms": [], "probe": "p", "name": "Ann", "plain": "",
    }
)  # fmt: skip
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": "ab"}}],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {"result": "PASSED"},
    }
)


class Place:
    """A folder with a file of each kind; a reader puts its bytes in the place of one of them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        for name, text in (("k.knowledge.yaml", KNOWLEDGE), ("q.jsonl", PAIRS), ("s.unlearn.yaml", SCENARIO)):
            (folder / name).write_text(text, encoding="utf-8")
        self.before = [json.loads(line) for line in RECORDS.splitlines()]

    def scenario(self, data: bytes) -> None:
        """A scenario, its knowledge and its checks."""
        self._scenario(self._put("f.unlearn.yaml", data))

    def knowledge(self, data: bytes) -> None:
        """A knowledge file."""
        self._put("f.knowledge.yaml", data)
        text = SCENARIO.replace("k.knowledge.yaml", "f.knowledge.yaml").encode()
        self._scenario(self._put("f.unlearn.yaml", text))

    def _scenario(self, path: Path) -> None:
        scenario = load_scenario(path, self.root)
        assert list(cases(scenario, {})) is not None
        askable(scenario, self.root)

    def records(self, data: bytes) -> None:
        """Records as a gate reads them, and all that is made from them."""
        path = self._put("f.jsonl", data)
        lines = read_files([path])
        found = Lines(decide(lines, Excuses(), TODAY, compared(lines, self.root)), lines)
        for kind in TEXTS:
            try:
                TEXTS[kind](found).encode()
            except UnlearnError as error:
                str(error).encode()
        "\n".join([*github.commands(found, self.root), *found.verdict.terminal(80)]).encode()
        assert 0 <= found.verdict.exit < 256
        for one, other in ((lines, self.before), (self.before, lines)):
            "".join(step.text for step in diff(one, other)).encode()
        history([lines, self.before])

    def run(self, data: bytes) -> None:
        """The part of a worker, as it is put together and told."""
        folder = self.root / "out"
        self._put("out/records-r1-main.jsonl", data)
        merged = merge(folder, "r1", 0)
        "".join(merged.notes).encode()
        assert not merged.path or list(read(merged.path)) == list(merged.lines)

    def waivers(self, data: bytes) -> None:
        """A file of waivers."""
        for waiver in read_waivers(self._put("unlearn-waivers.yaml", data), TODAY).waivers:
            waiver.told(TODAY).encode()

    def baseline(self, data: bytes) -> None:
        """A baseline against which a run is held."""
        path = path_of(self.root, "w.unlearn.yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        try:
            "".join(reason.text for reason in compared(self.before, self.root)).encode()
        finally:
            path.unlink()

    def pairs(self, data: bytes) -> None:
        """Questions and answers, a line each."""
        path = self._put("f.jsonl", data)
        read_pairs.__wrapped__(path, file_digest(path))

    def table(self, data: bytes) -> None:
        """The same as a table."""
        path = self._put("f.csv", data)
        read_pairs.__wrapped__(path, file_digest(path) + str(len(data)))

    def document(self, data: bytes) -> None:
        """A text."""
        document = read_document.__wrapped__(self._put("f.txt", data), "x")
        assert document.id
        assert document.pieces()

    def finding(self, data: bytes) -> None:
        """A finding, alone and among those of earlier runs."""
        path = self._put("findings/f.json", data)
        earlier(self.root)
        assert read_finding(path).name

    def statement(self, data: bytes) -> None:
        """A statement about weights."""
        read_statement(self._put("f.json", data))

    def project(self, data: bytes) -> None:
        """The policy of a project."""
        from pytest_unlearn.scenario.policy import _project

        path = self._put("pyproject.toml", data)
        _project.cache_clear()
        try:
            policy({}, self.root)
        finally:
            path.unlink()

    def _put(self, name: str, data: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path


SEEDS = {
    "scenario": SCENARIO, "knowledge": KNOWLEDGE, "records": RECORDS, "run": RECORDS, "waivers": WAIVERS,
    "baseline": BASELINE, "pairs": PAIRS, "table": TABLE, "document": "Ann lives in Lyon.\n\nBob does not.",
    "finding": FINDING, "statement": STATEMENT, "project": PROJECT,
}  # fmt: skip


def told(read: Callable[[bytes], None], data: bytes) -> str | None:
    """What a person is told about some bytes, None where there is nothing to say; any other error is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(data)
        except UnlearnError as error:
            return str(error)
    return None
