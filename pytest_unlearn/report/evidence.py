"""The verdict of a gate as a statement about weights: in-toto Statement v1 with the predicate test-result v0.1.

Its subjects are the files of the weights that were judged, each by its SHA-256. It is not signed: that is up to the job
that has the keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import file_digest
from pytest_unlearn.errors import GateError
from pytest_unlearn.gate.verdict import GateVerdict
from pytest_unlearn.report.lines import Lines

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
OWN = "pytestUnlearn"  # names digests that only this package makes
WEIGHTS = ("*.safetensors", "*.gguf", "*model*.bin", "consolidated*.pth", "*.onnx", "*.h5", "*.msgpack")
"""What some program loads as a model: only the first is judged here, and none of the others may be released unseen."""


def statement(lines: Lines) -> dict[str, Any]:
    """All of it as plain data, ready for JSON; raises GateError where a run did not note what weights it judged."""
    judged = [record for run in lines.runs for record in run.checks if "candidate" in record["digests"]]
    lacking = [record["id"] for record in judged if not (record.get("weights") or {}).get("candidate")]
    if lacking or not judged:
        what = f"{len(lacking)} of {len(judged)} checks say" if judged else "no check says"
        raise GateError(f"{what} nothing of the files of the weights: run pytest with --unlearn-evidence FILE")
    weights = {item for record in judged for item in record["weights"]["candidate"].items()}
    passed, warned, failed = ([f"{check.file}::{check.id}" for check in part] for part in lines.parted())
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(weights)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": result(lines.verdict),
            "configuration": [{"name": name, "digest": {OWN: digest}} for name, digest in _configuration(lines)],
            "passedTests": passed,
            "warnedTests": warned,
            "failedTests": failed,
        },
    }


def result(verdict: GateVerdict) -> str:
    """`PASSED`; `WARNED` where it is open and something is to be said; `FAILED`."""
    return "FAILED" if not verdict.is_open else "WARNED" if verdict.reasons else "PASSED"


def _configuration(lines: Lines) -> Iterator[tuple[str, str]]:
    """The scenarios, and what the models are as a whole: weights, tokenizer, template, system prompt, precision."""
    found = {
        (file, str(digest)) for run in lines.runs for file, digest in ((run.begun or {}).get("scenarios") or {}).items()
    }
    for record in (record for run in lines.runs for record in run.checks):
        found |= {(name, str(digest)) for name, digest in record["digests"].items() if name != "scenario"}
    yield from sorted(found)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a statement says about the files of some folders: those that it names, and those that it does not."""

    result: str
    named: tuple[Path, ...]
    unnamed: tuple[Path, ...]

    @property
    def holds(self) -> bool:
        """Whether every file was judged, and the gate was open."""
        return self.result in ("PASSED", "WARNED") and bool(self.named) and not self.unnamed


def verify(file: Path, folders: Iterable[Path]) -> Checked:
    """Hold the weights in some folders against a statement; raises GateError where either cannot be used."""
    told, outcome = _read(file)
    found: list[Path] = []
    for folder in folders:
        mine = sorted(path for path in folder.rglob("*") if any(fnmatch(path.name.lower(), one) for one in WEIGHTS))
        if not mine:
            raise GateError(f"there are no weights in {folder}: name a folder with files .safetensors")
        found += mine
    named = {path for path in found if file_digest(path) in told}
    return Checked(outcome, tuple(p for p in found if p in named), tuple(p for p in found if p not in named))


def _read(file: Path) -> tuple[frozenset[str], str]:
    """The SHA-256 of the subjects of a statement, and its result."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GateError(f"the statement {file} cannot be read: {error}") from None
    kind = (data.get("_type"), data.get("predicateType")) if isinstance(data, dict) else None
    if kind != (STATEMENT, PREDICATE):
        raise GateError(f"{file} is no statement of in-toto about the result of a test")
    subjects, predicate = data.get("subject"), data.get("predicate")
    digests = [_sha256(one) for one in subjects] if isinstance(subjects, Sequence) else []
    outcome = predicate.get("result") if isinstance(predicate, Mapping) else None
    if not digests or None in digests or not isinstance(outcome, str):
        raise GateError(f"the statement {file} is damaged: it says nothing of weights or of a result")
    return frozenset(filter(None, digests)), outcome


def _sha256(subject: Any) -> str | None:
    digest = subject.get("digest") if isinstance(subject, Mapping) else None
    found = digest.get("sha256") if isinstance(digest, Mapping) else None
    return found if isinstance(found, str) else None
