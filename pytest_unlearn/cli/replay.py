"""`unlearn replay`: put the question of a finding to original and candidate again."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_unlearn.cli.files import project_of

if TYPE_CHECKING:
    from pytest_unlearn.runner.findings import Finding
    from pytest_unlearn.runner.session import Session

WIDTH = 100


def replay(
    files: Annotated[list[Path], typer.Argument(help="findings, .unlearn/findings/*.json")],
    candidate: Annotated[
        Path | None, typer.Option(help="put this checkpoint in the candidate's place", metavar="PATH")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = "auto",
) -> None:
    """Say whether findings are FIXED (exit 0) or FAILED, still leaking (1); ERROR when it cannot be told (2).

    The worst of them decides.
    """
    from pytest_unlearn.runner.findings import FOLDER, read
    from pytest_unlearn.runner.session import Session
    from pytest_unlearn.runner.settings import Settings

    given = {} if candidate is None else {"": str(candidate.resolve()) if candidate.exists() else str(candidate)}
    sessions: dict[tuple[Path, Path], Session] = {}  # findings of one run share their models
    exits = []
    for file in files:
        finding, home = read(file), file.resolve().parent
        root = project_of(file, finding.body["file"])
        folder = home.parent if home.name == FOLDER else root / ".unlearn"
        if (root, folder) not in sessions:
            settings = Settings(root=root, folder=folder, run="replay", device=device, candidates=given)
            sessions[root, folder] = Session(settings)
        exits.append(_replay(finding, sessions[root, folder]))
    raise typer.Exit(max(exits))


def _replay(finding: Finding, session: Session) -> int:
    """The exit code of one finding, after it is told what became of it."""
    from pytest_unlearn.runner.replay import State
    from pytest_unlearn.runner.replay import replay as ask

    found = ask(finding, session)
    rows = [("asked", finding.body["question"]), ("leaked", ", ".join(finding.body["secret"]))]
    if found.state is not State.ERROR or found.original:
        rows += [("answer", f'"{found.said}"; the original "{found.original}" ({finding.body["grader"]})')]
    typer.echo(f"{found.state}  {finding.id} {finding.fingerprint}: {found.why}")
    for label, text in rows:
        typer.echo(textwrap.fill(text, WIDTH, initial_indent=f"  {label:<8}", subsequent_indent=" " * 10))
    return {State.FIXED: 0, State.FAILED: 1, State.ERROR: 2}[found.state]
