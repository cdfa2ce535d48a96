"""`unlearn show`: what a scenario expands to, with example questions and what they would cost. No model is run."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Annotated

import typer

from pytest_unlearn.cli.files import root_of, scenario_files
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import PROBES, UTILITY
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import AtLeast, Between, Case, Limit, Margin, Search

TOKENS = 60  # that one graded question costs on a small chat model: prompt, answer and rivals


def show(
    file: Annotated[Path, typer.Argument(help="a scenario file")],
    examples: Annotated[int, typer.Option(help="questions shown a check")] = 2,
) -> None:
    """Show what a scenario asks, and about how much it costs."""
    (path,) = scenario_files([file])
    scenario = load_scenario(path, root_of(path))
    total = 0
    for target in scenario.targets:
        view = scene(scenario, target, root_of(path))
        closure = view.closure
        typer.echo(
            f"{scenario.name} > {target.label}: {len(closure.target)} facts must go, {len(closure.entailed)} follow "
            f"from them, {len(closure.lost)} may go either way, {len(closure.retained)} must stay"
        )
        for what, gone, kept in (
            ("questions", closure.pairs, closure.kept_pairs),
            ("documents", closure.documents, closure.kept_documents),
        ):
            if gone or kept:
                typer.echo(f"  {what}: {len(gone)} must go, {len(kept)} must stay")
        for case in cases(scenario):
            if case.target is target:
                total += _check(case, view, examples)
    subjects = 3 if scenario.models.reference else 2
    typer.echo(f"\nat most {total:,} probes to each of {subjects} models, about {total * subjects * TOKENS:,} tokens")


def _check(case: Case, view: Scene, examples: int) -> int:
    check = case.check
    count, dropped, asked, shown = _questions(case, view.knowledge, view.closure, view, examples)
    size = "" if count is None else f", {count} probes"
    size += f" ({dropped} left out that contain their own answer)" if dropped else ""
    typer.echo(f"  {check.id}: {check.verb} {check.kind}{size}, {_decides(case)} (alpha {check.alpha:.2g})")
    for text in shown:
        typer.echo(f"    {' '.join(text.split())}")
    return asked


def _questions(
    case: Case, knowledge: Knowledge, closure: Closure, view: Scene, examples: int
) -> tuple[int | None, int, int, list[str]]:
    """How many there are, were dropped, are asked at most, and some of them."""
    check = case.check
    if check.verb == "measure":
        return None, 0, 0, []
    if check.verb == "keep":
        kept = UTILITY.get(check.kind).make(check.config, knowledge, closure, view.held_out)
        return len(kept), 0, min(len(kept), check.config.at_most), [probe.prompt.text for probe in kept[:examples]]
    space = PROBES.get(check.kind).make(check.config, knowledge, closure)
    count = space.count()
    most = check.decide.probes if isinstance(check.decide, Search) else 2_000
    random = Random(0)
    shown = [space.draw(random).prompt.text for _ in range(examples)] if count != 0 else []
    return count, space.dropped, most if count is None else min(count, most), shown


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
