"""`unlearn pin`: make what was found an example of its check, asked in every run from then on."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_unlearn.cli.files import project_of

if TYPE_CHECKING:
    from pytest_unlearn.runner.findings import Finding


def pin(
    files: Annotated[list[Path], typer.Argument(help="findings, .unlearn/findings/*.json")],
    write: Annotated[bool, typer.Option("--write", help="change the scenarios, in place of showing how")] = False,
) -> None:
    """Put the questions of findings under `examples:` of their checks.

    Prints a patch that `git apply` takes, or with `--write` changes the files. What is an example already, and what
    takes more than one turn to ask, is passed over and told.
    """
    from pytest_unlearn.runner.findings import read

    texts: dict[Path, tuple[str, str]] = {}  # by scenario, what it was and what it becomes
    homes: dict[Path, Path] = {}
    for file in files:
        finding = read(file)
        root = project_of(file, finding.body["file"])
        path = root / finding.body["file"]
        was, now = texts[path] if path in texts else (_text(path),) * 2
        changed, told = _pinned(finding, path, now, root)
        texts[path], homes[path] = (was, changed), root
        typer.echo(f"{finding.id} {finding.fingerprint}: {told}", err=not write)
    for path, (was, now) in texts.items():
        name = path.relative_to(homes[path]).as_posix()
        if now == was:
            continue
        if write:
            with path.open("w", encoding="utf-8", newline="") as stream:
                stream.write(now)
        else:
            old, new = (text.splitlines(keepends=True) for text in (was, now))
            typer.echo("".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")), nl=False)


def _pinned(finding: Finding, path: Path, text: str, root: Path) -> tuple[str, str]:
    """The text of a scenario with the question of a finding in it, and what is to be said."""
    from pytest_unlearn.digest import canonical
    from pytest_unlearn.scenario.load import load_scenario
    from pytest_unlearn.scenario.nodes import document_of
    from pytest_unlearn.scenario.pin import example, with_example
    from pytest_unlearn.subjects.requests import Prompt

    scenario = load_scenario(path, root)
    question, secret = finding.body["question"], finding.body["secret"]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    document = document_of(text.removeprefix(mark), path)
    there = document.data["checks"].get(finding.check, {}).get("examples", ())
    if any(one["question"] == question for one in there):
        return text, "is an example already"
    if finding.body["request"]["prompt"] != canonical(Prompt.of(question)):
        return text, "is not pinned: it takes more than a question to ask it"
    target = finding.target if len(scenario.targets) > 1 else None
    line = example(question, secret, target)
    return mark + with_example(document, text.removeprefix(mark), finding.check, line), "is pinned"


def _text(path: Path) -> str:
    """With the line ends that it has."""
    with path.open(encoding="utf-8", newline="") as stream:
        return stream.read()
