"""`unlearn lint`: how the questions of a scenario read, before a model is asked them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.checks.flaws import ambiguous, flaws
from pytest_unlearn.cli.files import root_of, scenario_files, typed
from pytest_unlearn.cli.masked import question
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Case

TRIES = 4  # draws for each question that is wanted


def lint(
    paths: Annotated[list[Path], typer.Argument(help="scenario files, or folders of them")],
    sample: Annotated[int, typer.Option(help="questions of a check that are read, the same each time", min=1)] = 500,
) -> None:
    """Look for questions that read badly or have two meanings; exit 1 where there is one.

    A question must not contain its answer, an empty slot, two articles or a word twice, and what reads alike must have
    the same right answers. Checks with more questions than `--sample` are drawn from.
    """
    read, bad = 0, 0
    for path in scenario_files(paths):
        scenario, root = load_scenario(path, root_of(path)), root_of(path)
        for target in scenario.targets:
            view = scene(scenario, target, root)
            for case in cases(scenario):
                if case.target is not target or case.candidate is not scenario.models.candidates[0]:
                    continue
                probes = list(_probes(case, view, sample)) if case.check.verb == "ask" else []
                read += len(probes)
                found = [*((probe, flaw) for probe in probes for flaw in flaws(probe)), *ambiguous(probes)]
                for probe, flaw in found:
                    typer.echo(f"{typed(path)}:{case.check.at.line}: {case.id}: {flaw}")
                    typer.echo(f"    {question(probe)}")
                bad += len({probe.id for probe, _ in found})
    typer.echo(f"{read:,} questions read, {bad:,} with a flaw")
    if bad:
        raise typer.Exit(1)


def _probes(case: Case, view: Scene, sample: int) -> Iterator[Probe]:
    """All questions of a check, or as many different ones as are wanted."""
    space = asked_by(case.check, view.knowledge, view.closure)
    size = space.count()
    if size is not None and size <= sample:
        yield from space.all()
        return
    random, found = Random(view.context(case, {}).seed("lint")), dict[str, Probe]()
    for _ in range(sample * TRIES):
        if len(found) < sample:
            probe = space.draw(random)
            found[probe.id] = probe
    yield from found.values()
