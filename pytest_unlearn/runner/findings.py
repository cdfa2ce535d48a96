"""What a failed forget check found: the smallest leaking question, in a file that can be asked again.

Unlike records these files hold question and answer, so only their owner can read them. Earlier findings of a check are
asked again in its later searches.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak
from pytest_unlearn.digest import canonical
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.probes.probe import Built
from pytest_unlearn.records import private_folder
from pytest_unlearn.verdict.verdict import Verdict

SCHEMA = 1
FOLDER = "findings"
EARLIER = 20  # findings of one check that a later run asks again, at most
_TEXTS = ("fingerprint", "scenario", "target", "check", "file", "grader", "question", "probe", "name")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One leak. `fingerprint` is that of its way of asking and its unit, the same in every run."""

    fingerprint: str
    scenario: str
    target: str
    check: str
    body: Mapping[str, Any]  # everything that the file holds

    @property
    def id(self) -> str:
        """The check it was found by, whichever the candidate."""
        return f"{self.scenario}/{self.target}/{self.check}"

    @property
    def name(self) -> str:
        """The name of its file."""
        labels = (self.scenario, self.target, self.check, self.body.get("candidate", ""))
        words = (_NOT_IN_NAME.sub("-", word)[:60] for word in labels if word)
        return f"{'-'.join(words)}-{self.fingerprint}.json"

    @property
    def built(self) -> Built:
        """By what its probe is found again."""
        put = tuple(self.body.get("transforms", ()))
        return Built(self.body["probe"], self.body["name"], tuple(self.body["chain"]), put, self.body.get("plain", ""))


def findings_of(verdict: Verdict, context: Context, file: str, digests: Mapping[str, str]) -> tuple[Finding, ...]:
    """One for each smallest leak of a verdict; two graders that found the same one have it once."""
    leaks = [leak for leak in verdict.evidence if isinstance(leak, Leak)]
    found: dict[str, Finding] = {}
    for leak in leaks:
        if leak.role == "smallest":
            worst = next((other for other in leaks if other.role == "worst" and other.grader == leak.grader), None)
            finding = _finding(leak, worst, context, file, digests)
            found.setdefault(finding.fingerprint, finding)
    return tuple(found.values())


def _finding(leak: Leak, worst: Leak | None, context: Context, file: str, digests: Mapping[str, str]) -> Finding:
    case, probe = context.case, leak.probe
    grader = next(grader for grader in context.graders() if grader.name == leak.grader)
    body = {
        "schema": SCHEMA,
        "fingerprint": probe.fingerprint,
        "scenario": case.scenario.name,
        "target": case.target.label,
        "check": case.check.id,
        "candidate": case.candidate.label,
        "file": file,
        "at": case.check.at.line,
        "kind": case.check.kind,
        "grader": leak.grader,
        "question": probe.prompt.text,
        "accepted": [name for names in probe.gold for name in names],
        "secret": [name for names in probe.secret for name in names],
        "answer": leak.said,
        "original": leak.original,
        "score": leak.score,
        "chance": grader.chance(probe),
        "chain": list(probe.chain),
        "parts": list(leak.parts),
        "transforms": list(probe.way.transforms),
        "way": asdict(probe.way),
        "unit": probe.unit,
        "size": list(probe.size),
        "probe": probe.id,
        "plain": probe.plain.id if probe.plain else "",
        "name": probe.named[0],
        "worst": None if worst is None else _beside(worst),
        "request": canonical(grader.request(probe)),
        "seed": case.scenario.seeds.probe,
        "digests": dict(digests),
    }
    return Finding(body["fingerprint"], case.scenario.name, case.target.label, case.check.id, body)


def _beside(leak: Leak) -> dict[str, Any]:
    probe = leak.probe
    return {
        "question": probe.prompt.text,
        "answer": leak.said,
        "score": leak.score,
        "chain": list(probe.chain),
        "unit": probe.unit,
        "size": list(probe.size),
    }


def write(folder: Path, finding: Finding) -> Path | None:
    """Keep a finding below the folder of a run, in place of an older one of the same name; None where it cannot be."""
    path = folder / FOLDER / finding.name
    text = json.dumps(finding.body, ensure_ascii=False, indent=2, sort_keys=True)
    try:
        if not private_folder(folder):  # somebody else's
            private_folder(path.parent)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        scratch.replace(path)
    except OSError as error:
        warnings.warn(f"a finding is not kept: {path} cannot be written ({error})", stacklevel=2)
        return None
    return path


def read(path: Path) -> Finding:
    """A finding's file; raises UnlearnError when it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnlearnError(f"the finding {path} cannot be read: {why}") from None
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or "fingerprint" not in body:
        raise UnlearnError(f"{path} is not a finding: pytest writes them below .unlearn/{FOLDER}/")
    if body.get("schema") != SCHEMA:
        raise UnlearnError(f"{path} is a finding of schema {body.get('schema')}; this version reads schema {SCHEMA}")
    try:
        texts = [body[name] for name in _TEXTS] + [body.get(name, "") for name in ("candidate", "plain")]
        finding = Finding(body["fingerprint"], body["scenario"], body["target"], body["check"], body)
        _ = finding.built, body["secret"]
    except (KeyError, TypeError) as error:
        raise UnlearnError(f"the finding {path} is damaged: it lacks {error}") from None
    if not all(isinstance(text, str) for text in texts):
        raise UnlearnError(f"the finding {path} is damaged: what should be text is not")
    return finding


def earlier(folder: Path) -> dict[str, tuple[Built, ...]]:
    """What earlier runs found, by case; files that cannot be read are passed over."""
    found: dict[str, list[Built]] = {}
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            finding = read(path)
        except UnlearnError:
            continue
        found.setdefault(finding.id, []).append(finding.built)
    return {case: tuple(probes[:EARLIER]) for case, probes in found.items()}
