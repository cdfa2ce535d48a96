"""`unlearn known`: what a model knows, before anybody writes down what it must forget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.cli.draft import draft
from pytest_unlearn.cli.files import root_of
from pytest_unlearn.cli.table import table
from pytest_unlearn.records import private_folder
from pytest_unlearn.runner.known import Share, known
from pytest_unlearn.runner.scene import Scene, scene


def known_facts(
    model: Annotated[str, typer.Argument(help="a bundled name, a folder, a hub id, or fixture:RECIPE")],
    source: Annotated[str | None, typer.Option(help="knowledge that comes with the package: countries")] = None,
    knowledge: Annotated[Path | None, typer.Option(help="a knowledge file", metavar="FILE")] = None,
    target: Annotated[
        str | None,
        typer.Option(help="what to ask about, as `forget` has it: Japan, {relation: capital}", metavar="SELECTOR"),
    ] = None,
    alpha: Annotated[float, typer.Option(help="error level of the limit that is told", min=1e-9, max=0.5)] = 0.01,
    every: Annotated[bool, typer.Option("--list", help="list every fact with the graders that find it known")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto")] = "auto",
    network: Annotated[bool, typer.Option("--network", help="may fetch the model from its hub")] = False,
) -> None:
    """Ask a model directly, in other words, by alias and from the answer back, and count what it knows.

    Without a target, every fact is asked. A check is vacuous where its original knows too few facts, and what it knows
    decides how low a limit can be.
    """
    from pytest_unlearn.runner.make import Maker
    from pytest_unlearn.runner.residency import Residency
    from pytest_unlearn.runner.settings import Settings
    from pytest_unlearn.subjects.devices import pick

    scenario = draft(model, source, knowledge, target)
    root = root_of(Path.cwd() / "here")
    view = scene(scenario, scenario.targets[0], root)
    residency = Residency()
    settings = Settings(root=root, folder=root / ".unlearn", device=device, network=network)
    private_folder(settings.folder)
    subject = Maker(settings, pick(device), residency).original(view)
    shares = known(view.knowledge, view.closure, residency.admit(subject))
    residency.close()
    count = len(view.closure.hidden)
    typer.echo(f"{model}: {count} facts of {len(view.knowledge.facts)}\n")
    table(
        ["kind", "grader", ">asked", ">facts", ">known", ">share", ">limit"], [_row(share, alpha) for share in shares]
    )
    if every:
        typer.echo("")
        table(["fact", *dict.fromkeys(share.kind for share in shares)], _facts(view, shares))
    for line in notes(shares, alpha):
        typer.echo(f"\n{line}")


def _facts(view: Scene, shares: list[Share]) -> Iterator[list[str]]:
    """A row a fact: what it says, and by which graders it is known when it is asked by each kind."""
    for fact in view.knowledge.facts:
        if fact in view.closure.hidden:
            by: dict[str, list[str]] = {share.kind: [] for share in shares}
            for share in shares:
                by[share.kind] += [share.grader] if fact.id in share.right else []
            yield [f"{fact.subject} {fact.relation} {fact.object}", *(", ".join(some) or "-" for some in by.values())]


def notes(shares: list[Share], alpha: float) -> list[str]:
    """What the table cannot say."""
    lines = [
        "text: it says the answer; rank: it finds it likeliest of up to 20 of its type.",
        "limit: that many independent draws, none of which leaks, rule out a higher rate\n"
        f"(alpha {alpha:g}). A check that asks every fact is a census: its share is exact for\n"
        "these facts, so that any limit can be decided, in steps of one known fact.",
    ]
    if any(share.asked < share.probes for share in shares):
        sampled = {share.kind: share for share in shares if share.asked < share.probes}
        lines.append("\n".join(f"{kind}: {s.asked:,} of {s.probes:,} questions asked" for kind, s in sampled.items()))
    if silent := sum(share.silent for share in shares):
        lines.append(f"{silent} questions got no answer: not known here, and an `error` in a check.")
    return lines


def _row(share: Share, alpha: float) -> list[str]:
    known_of = f"{share.known / share.units:.0%}" if share.units else "-"
    limit = f"{share.least_limit(alpha):.1%}" if share.known else "-"
    return [share.kind, share.grader, f"{share.asked:,}", f"{share.units:,}", f"{share.known:,}", known_of, limit]
