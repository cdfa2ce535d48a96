"""`unlearn show`: what a scenario expands to, with example questions and what they would cost. No model is run."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Annotated

import typer

from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.cli.files import root_of, scenario_files
from pytest_unlearn.cli.masked import question
from pytest_unlearn.cli.table import table
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.runner.cost import Cost, cost
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import AtLeast, Between, Case, Limit, Margin, Search

TRIES = 20  # draws for each example that is wanted, until enough different ones are found


def show(
    file: Annotated[Path, typer.Argument(help="a scenario file")],
    sample: Annotated[int, typer.Option(help="example questions a check, the same each time")] = 2,
    costs: Annotated[bool, typer.Option("--cost", help="what each check asks at most")] = False,
) -> None:
    """Show what a scenario asks, with the answers that would be leaks, and what that costs at most.

    Requests are counted over all models. Tokens are guessed at four characters each, with 32 for a chat template.
    """
    if file.is_dir():
        raise UnlearnError(f"{file} is a folder: name one scenario file")
    (path,) = scenario_files([file])
    scenario = load_scenario(path, root_of(path))
    total, rows = Cost(), list[list[str]]()
    for target in scenario.targets:
        view = scene(scenario, target, root_of(path))
        closure = view.closure
        typer.echo(
            f"{scenario.name} > {target.label}: {len(closure.target)} facts must go, {len(closure.entailed)} follow "
            f"from them, {len(closure.lost)} may go either way, {len(closure.retained)} must stay"
        )
        if closure.shared:
            typer.echo(f"  shared with what stays, and kept: {', '.join(closure.shared)}")
        for what, gone, kept in (
            ("questions", closure.pairs, closure.kept_pairs),
            ("documents", closure.documents, closure.kept_documents),
        ):
            if gone or kept:
                typer.echo(f"  {what}: {len(gone)} must go, {len(kept)} must stay")
        for case in cases(scenario):
            if case.target is target and case.candidate is scenario.models.candidates[0]:
                _check(case, view, sample)
                asked = cost(view, case)
                total += asked
                name = case.check.id if len(scenario.targets) == 1 else f"{target.label}/{case.check.id}"
                rows.append([name, *_numbers(asked)])
    subjects = 1 + len(scenario.models.candidates) + (scenario.models.reference is not None)
    if costs:
        typer.echo("")
        table(["check", ">probes", ">requests", ">tokens"], [*rows, ["in all", *_numbers(total)]])
    probes, requests, tokens = _numbers(total)
    typer.echo(f"\nat most {probes} probes, {requests} requests to {subjects} models, about {tokens} tokens")


def _numbers(asked: Cost) -> list[str]:
    return [f"{number:,}" for number in (asked.probes, asked.requests, asked.tokens)]


def _check(case: Case, view: Scene, wanted: int) -> None:
    check = case.check
    count, dropped, examples = _questions(case, view, wanted)
    size = "" if count is None else f", {count} probes"
    size += f" ({dropped} left out that contain their own answer)" if dropped else ""
    asked = f"{check.verb} {check.kind}{f', level {check.level}' if check.verb == 'ask' and check.level else ''}"
    typer.echo(f"  {check.id}: {asked}{size}, {_decides(case)} (alpha {check.alpha:.2g})")
    for probe in examples:
        typer.echo(f"    {question(probe)} [{' | '.join(names[0] for names in probe.secret)}]")


def _questions(case: Case, view: Scene, wanted: int) -> tuple[int | None, int, list[Probe]]:
    """How many there are, how many were dropped, and some of them."""
    check = case.check
    if check.verb == "measure":
        return None, 0, []
    random = Random(view.context(case, {}).seed("sample"))
    if check.verb == "keep":
        kept = UTILITY.get(check.kind).make(check.config, view.knowledge, view.closure, view.held_out)
        return len(kept), 0, random.sample(kept, min(wanted, len(kept)))
    space = asked_by(check, view.knowledge, view.closure)
    found: dict[str, Probe] = {}
    for _ in range(wanted * TRIES if space.count() != 0 else 0):
        if len(found) < wanted:
            probe = space.draw(random)
            found[probe.id] = probe
    return space.count(), space.dropped, list(found.values())


def _decides(case: Case) -> str:
    decide = case.check.decide
    match decide:
        case Search(probes=most):
            return f"search of {most}"
        case Between(low=low, high=high):
            return f"between {low:g} and {high:g}"
        case Margin(margin=margin):
            return f"margin {margin:g}"
        case AtLeast(limit=limit):
            return f"at least {limit:g}"
        case Limit(limit=limit):
            return f"limit {limit:g}"
