"""What the command prints goes through here: with redaction on, no name leaves it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.redact import OFF, Redactor, current, key_in, using, wanted

if TYPE_CHECKING:
    from pytest_unlearn.probes.probe import Probe


class Masked:
    """A stream that masks what is written to it."""

    def __init__(self, stream: IO[str], redactor: Redactor) -> None:
        self._stream, self._redactor = stream, redactor

    def write(self, text: str) -> int:
        """Write it without names."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Group(TyperGroup):
    """Runs a command with its output masked, where that is wanted, its errors too."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        if not wanted(ctx.params.get("redact")):
            with using(OFF):
                return super().invoke(ctx)
        from pytest_unlearn.subjects.store import default_root

        with using(Redactor(lambda: key_in(default_root()))) as redactor, _streams(redactor):
            try:
                return super().invoke(ctx)
            except UnlearnError as error:
                raise UnlearnError(_told(error, redactor)) from None


@contextlib.contextmanager
def _streams(redactor: Redactor) -> Iterator[None]:
    import sys

    out: Any = Masked(sys.stdout, redactor)
    err: Any = Masked(sys.stderr, redactor)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def _told(error: UnlearnError, redactor: Redactor) -> str:
    """An error as it may be told: that of a scenario may be about names that are not known yet."""
    from pytest_unlearn.errors import ScenarioError
    from pytest_unlearn.knowledge.private import told

    if isinstance(error, ScenarioError) and error.problems:
        return told(error, error.problems[0].mark.file)
    return redactor.text(str(error))


def learn(records: Iterable[Mapping[str, Any]], root: Path) -> None:
    """Let the output mask what the scenarios of some records must not say, as far as they are in the project."""
    from pytest_unlearn.checks.askable import look_for_names

    files = {str(record["file"]) for record in records if isinstance(record.get("file"), str)}
    for path in (root / file for file in sorted(files) if current().on):
        if path.is_file():
            look_for_names(path, root)


def question(probe: Probe) -> str:
    """A question on one line; with names masked, as it is before it is put otherwise, when names may not be seen."""
    if not current().on or probe.plain is None:
        return " ".join(current().text(probe.prompt.text).split())
    return f"{question(probe.plain)} (put by {', '.join(probe.way.transforms)})"


REDACT = typer.Option(
    "--redact/--no-redact", help="mask names and answers that are private or forgotten; on where CI is set"
)
