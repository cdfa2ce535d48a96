"""`unlearn compare`: which method forgets what, at which price?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pytest_unlearn.cli.files import root_of, scenario_files, writable
from pytest_unlearn.cli.running import running
from pytest_unlearn.cli.sizes import shown
from pytest_unlearn.cli.table import Table, markdown_of, wide
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.records import PUBLIC
from pytest_unlearn.redact import current

if TYPE_CHECKING:
    from pytest_unlearn.runner.compare import Comparison, Made, Option, Row
    from pytest_unlearn.runner.judged import Share

FOLDER = "comparison"
ALL = "all"


def compare(
    file: Annotated[Path, typer.Argument(help="a scenario file; its own candidate is not used")],
    methods: Annotated[str, typer.Option(help="all, or some: npo,simnpo", metavar="NAMES")] = ALL,
    seeds: Annotated[int, typer.Option(help="candidates of each method", min=1)] = 1,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="for a method, or all that have the key: npo:beta=0.5, steps=20", metavar="[METHOD:]KEY=VALUE"
        ),
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="write the numbers", metavar="FILE")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the tables", metavar="FILE")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = "auto",
) -> None:
    """Make a candidate by each method with its defaults, and put all of them to the checks of a scenario.

    Told are the facts that leak in each check about the target, what is lost of the rest, steps, seconds and peak
    memory. A method that is not given what it needs, or whose training breaks down, is listed with the reason.
    """
    from pytest_unlearn.runner import compare as run
    from pytest_unlearn.scenario.load import load_scenario

    (path,) = scenario_files([file])
    root = root_of(path)
    scenario = load_scenario(path, root)
    names = None if methods == ALL else [name.strip() for name in methods.split(",")]
    tried = run.tried(scenario, names, [_option(text) for text in option or ()])
    writable(as_json, markdown)
    with running(root, FOLDER, device) as now:
        found = run.compare(scenario, tried, seeds, now.session, _say(_made), _say(_judged))
        now.code = 0
    for title, columns, rows in tables(found):
        typer.echo(f"\n{title}")
        wide(columns, rows)
    if as_json is not None:
        as_json.write_text(json.dumps(current().data(told(found), PUBLIC), indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text("\n".join(markdown_of(tables(found), summary(found))) + "\n", encoding="utf-8")
    typer.echo(f"\n{summary(found)}")


def summary(found: Comparison) -> str:
    """How many candidates there are, and how many pass."""
    passed = sum(not row.failed for row in found.rows)
    calls = sum(row.judged.calls for row in found.rows)
    return (
        f"{passed} of {len(found.rows)} candidates fail no check; {len(found.left)} not compared; {calls:,} model calls"
    )


def tables(found: Comparison) -> Iterator[Table]:
    """What leaks, over seeds where there are several; what is lost; what it took; what was not compared."""
    forget = [check.id for check in found.checks if check.claim == "forget"]
    rest = [check for check in found.checks if check.claim != "forget"]
    many = len({row.made.target.label for row in found.rows}) > 1
    heads = ["method", *(["target"] if many else [])]

    def head(row: Row, name: str) -> list[str]:
        return [name, *([row.made.target.label] if many else [])]

    one_each = all(len(same) == 1 for same in _families(found))
    labels = {id(row): row.made.use.name if one_each else row.made.candidate.label for row in found.rows}
    if not one_each:
        rows = []
        for same in _families(found):
            rates = [[row.leaking(check) for row in same] for check in forget]
            rows.append([*head(same[0], same[0].made.use.name), *map(_over, rates)])
        yield "facts that leak: mean over seeds, least and most", [*heads, *(f">{one}" for one in forget)], rows
    rows = [
        [*head(row, labels[id(row)]), *(_share(row.leaking(one)) or row.verdict(one).outcome.value for one in forget)]
        for row in found.rows
    ]
    yield "facts that leak, with 95 % intervals", [*heads, *(f">{one}" for one in forget)], rows
    if rest:
        rows = [[*head(row, labels[id(row)]), *(_kept(row, one.id, one.verb) for one in rest)] for row in found.rows]
        titles = [f">{one.id}{' lost' if one.verb == 'keep' else ''}" for one in rest]
        yield "what must stay, with 95 % intervals of what is lost", [*heads, *titles], rows
    rows = [[*head(row, labels[id(row)]), *_took(row.made), ", ".join(row.failed)] for row in found.rows]
    yield "what it took", [*heads, ">steps", ">seconds", ">peak memory", "fails"], rows
    if found.left:
        yield "not compared", ["method", "target", "why"], [[name, target, why] for target, name, why in found.left]


def told(found: Comparison) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "schema": 1,
        "candidates": [
            {
                "method": row.made.use.name,
                "target": row.made.target.label,
                "seed": row.made.candidate.seed,
                "config": asdict(row.made.use.config),
                "steps": row.made.took.steps,
                "seconds": row.made.took.seconds,
                "peak_bytes": row.made.took.memory,
                "failed": list(row.failed),
                "checks": {check.id: _plain(row, check.id, check.claim, check.verb) for check in found.checks},
            }
            for row in found.rows
        ],
        "not_compared": [{"target": target, "method": name, "why": why} for target, name, why in found.left],
    }


def _plain(row: Row, check: str, claim: str, verb: str) -> dict[str, Any]:
    said: dict[str, Any] = {"claim": claim, "verdict": row.verdict(check).outcome.value}
    if verb == "measure":
        number = row.number(check)
        return said | ({} if number is None else {"value": number.estimate, "low": number.lower, "high": number.upper})
    share = row.leaking(check) if verb == "ask" else row.lost(check)
    if share is None:
        return said
    word = "leaking" if verb == "ask" else "lost"
    return said | {word: share.k, "of": share.n, "low": round(share.low, 4), "high": round(share.high, 4)}


def _option(text: str) -> Option:
    """`[METHOD:]KEY=VALUE`, the value as YAML; raises UnlearnError."""
    from pytest_unlearn.scenario.nodes import document_of

    named, equals, value = text.partition("=")
    name, _, key = named.rpartition(":")
    if not equals or not key:
        raise UnlearnError(f"--option {text}: write KEY=VALUE, or METHOD:KEY=VALUE for one method alone")
    return name, key, document_of(value, Path(f"--option {named}")).data


def _families(found: Comparison) -> list[list[Row]]:
    """The rows that differ in their seed alone, together."""
    return [list(some) for _, some in groupby(found.rows, key=lambda row: (row.made.target.label, row.made.use.name))]


def _say(line: Callable[[Any], str]) -> Callable[[Any], None]:
    return lambda one: typer.echo(f"  {line(one)}", err=True)


def _made(made: Made) -> str:
    seconds = made.took.seconds
    return f"{made.candidate.label}: made{'' if seconds is None else f' in {seconds:.1f} s'}"


def _judged(row: Row) -> str:
    return f"{row.made.candidate.label}: {', '.join(row.failed) or 'fails nothing'} ({row.judged.seconds:.1f} s)"


def _share(share: Share | None) -> str:
    return "" if share is None else f"{share.k / share.n:.0%} ({share.low:.0%}-{share.high:.0%})"


def _over(shares: Sequence[Share | None]) -> str:
    rates = [share.k / share.n for share in shares if share is not None]
    return f"{sum(rates) / len(rates):.0%} ({min(rates):.0%}-{max(rates):.0%})" if rates else ""


def _kept(row: Row, check: str, verb: str) -> str:
    if verb == "keep":
        return _share(row.lost(check)) or row.verdict(check).outcome.value
    number = row.number(check)
    if number is None or number.lower is None or number.upper is None:
        return row.verdict(check).outcome.value
    return f"{number.estimate:.3g} ({number.lower:.3g}-{number.upper:.3g})"


def _took(made: Made) -> list[str]:
    took, steps = made.took, made.took.steps
    return [
        "" if steps is None else f"{steps:,}",
        "" if took.seconds is None else f"{took.seconds:.1f}",
        "" if took.memory is None else shown(took.memory),
    ]
