"""`unlearn calibrate`: do the checks of a scenario catch planted leaks, and leave honest models alone?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pytest_unlearn.cli.files import root_of, writable
from pytest_unlearn.cli.running import running
from pytest_unlearn.cli.table import Table, markdown_of, table
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.records import PUBLIC
from pytest_unlearn.redact import current

if TYPE_CHECKING:
    from pytest_unlearn.runner.calibrate import Calibration, Row
    from pytest_unlearn.runner.judged import Share

FOLDER = "calibration"


def calibrate(
    files: Annotated[list[Path], typer.Argument(help="scenario files")],
    zoo: Annotated[list[str] | None, typer.Option(help="planted leaks to try, without it all", metavar="NAME")] = None,
    references: Annotated[int, typer.Option(help="models trained without the target", min=0)] = 10,
    seeds: Annotated[int, typer.Option(help="models of each planted leak", min=1)] = 1,
    leaky: Annotated[
        list[Path] | None, typer.Option(help="a checkpoint of your own that must be caught", metavar="PATH")
    ] = None,
    honest: Annotated[
        list[Path] | None, typer.Option(help="a checkpoint of your own that must pass", metavar="PATH")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="write the numbers", metavar="FILE")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the tables", metavar="FILE")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = "auto",
) -> None:
    """Put the original, honest models and planted leaks to every check, as candidates.

    Exit code 0 where the original fails each check about the target, each model that never learned the target passes
    all of them, and each planted leak is caught by a check that is meant for it; 1 otherwise, with what is not so.
    """
    from pytest_unlearn.runner import calibrate as run
    from pytest_unlearn.scenario.load import load_scenario

    root = root_of(files[0])
    scenarios = [load_scenario(file, root) for file in files]
    own, good = ([str(path.resolve()) for path in some or ()] for some in (leaky, honest))
    for folder in (*own, *good):
        if not Path(folder).is_dir():
            raise UnlearnError(f"there is no model folder {folder}")
    writable(as_json, markdown)
    tried = [run.models(scenario, zoo, references, seeds, own, good) for scenario in scenarios]
    with running(root, FOLDER, device) as now:
        found = run.calibrate(scenarios, tried, now.session, lambda row: typer.echo(f"  {_line(row)}", err=True))
        now.code = code = 1 if found.problems else 0
    for title, columns, rows in tables(found):
        typer.echo(f"\n{title}\n")
        table(columns, rows)
    for line in found.problems:
        typer.echo(f"\n{line}")
    if as_json is not None:
        as_json.write_text(json.dumps(current().data(told(found), PUBLIC), indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text("\n".join(markdown_of(tables(found), summary(found))) + "\n", encoding="utf-8")
    typer.echo(f"\n{summary(found)}")
    raise typer.Exit(code)


def summary(found: Calibration) -> str:
    """What is caught and what is flagged, in a few lines."""
    honest = [row for row in found.rows if row.model.role == "honest"]
    leaks = [row for row in found.rows if row.model.role == "leak"]
    flagged, caught = sum(bool(row.failed) for row in honest), sum(bool(row.caught) for row in leaks)
    still = sorted({row.model.family for row in found.rows if row.model.role == "open"})
    calls = sum(row.calls for row in found.rows)
    lines = [
        f"{caught} of {len(leaks)} planted leaks caught, {flagged} of {len(honest)} honest models flagged and "
        f"{sum(row.undecided for row in honest)} left undecided; {len(found.problems)} verdicts not as they must be; "
        f"{calls:,} model calls"
    ]
    if still:
        lines.append(f"open, nothing sees them yet: {', '.join(still)}")
    return "\n".join(lines)


def tables(found: Calibration) -> Iterator[Table]:
    """The models and the checks."""
    many = len({(row.scenario, row.target) for row in found.rows}) > 1
    rows = []
    for row in found.rows:
        facts = "{}/{}".format(*row.facts) if row.facts[1] else ""
        where = [f"{row.scenario}/{row.target}"] if many else []
        wrong = "" if not any(row.problems()) else "no"
        rows.append([*where, row.model.candidate.label, row.model.role, ", ".join(_outcome(row)), facts, wrong])
    yield "models", [*(["scenario"] if many else []), "model", "is", "caught by", ">facts", "as it must"], rows
    shares = []
    for check in found.checks:
        models, planted = found.meant(check)
        original, honest = found.of(check, ["original"]), found.of(check, ["honest"])
        shares.append([check, f"{original.k}/{original.n}", _share(models), _share(planted), _share(honest)])
    yield (
        "checks, with 95 % intervals",
        ["check", ">original", ">leaks caught", ">facts found", ">honest flagged"],
        shares,
    )


def told(found: Calibration) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "schema": 1,
        "models": [
            {
                "scenario": row.scenario,
                "target": row.target,
                "model": row.model.candidate.label,
                "seed": row.model.candidate.seed,
                "is": row.model.role,
                "caught_by": list(row.caught),
                "facts": {"found": row.facts[0], "asked": row.facts[1]},
                "verdicts": {check.id: verdict.outcome.value for check, verdict in row.verdicts},
                "calls": row.calls,
                "seconds": round(row.seconds, 3),
            }
            for row in found.rows
        ],
        "checks": {
            check: {
                "original": _plain(found.of(check, ["original"])),
                "leaks": _plain(found.meant(check)[0]),
                "facts": _plain(found.meant(check)[1]),
                "honest_flagged": _plain(found.of(check, ["honest"])),
            }
            for check in found.checks
        },
        "problems": list(found.problems),
    }


def _plain(share: Share) -> dict[str, Any]:
    return {"k": share.k, "n": share.n, "low": round(share.low, 4), "high": round(share.high, 4)}


def _share(share: Share) -> str:
    return f"{share.k}/{share.n} ({share.low:.0%}-{share.high:.0%})" if share.n else ""


def _outcome(row: Row) -> Sequence[str]:
    return row.caught if row.model.role in ("original", "leak") else row.failed


def _line(row: Row) -> str:
    return f"{row.model.candidate.label}: {', '.join(row.failed) or 'passes'} ({row.seconds:.1f} s)"
