"""`unlearn world`: a made-up world, and a scenario that forgets some of its people."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.errors import UnlearnError

SMALLEST = 40  # people: of 24, ranking had too few names for some checks to decide
SCENARIO = """\
version: 1
model: {{original: fixture:world, reference: retrained, candidate: {{method: retrain}}}}
knowledge: {{include: {knowledge}}}
forget:
  people:
{people}
defaults: {{grade: [text, {{rank: {{rivals: 100}}}}], min_known: {known}}}  # ranked among everybody
checks:
  direct: {{ask: direct, limit: 5%}}
  paraphrase: {{ask: paraphrase, search: 300}}
  alias: {{ask: alias, search: 300}}
  inverse: {{ask: inverse, search: 300}}
  completed: {{ask: cloze, search: 300}}
  two-hop-start: {{ask: multi_hop, position: start, search: 300}}
  two-hop-bridge: {{ask: multi_hop, position: bridge, search: 300}}
  two-hop-answer: {{ask: multi_hop, position: answer, search: 300}}
  neighbours: {{keep: neighbours, margin: 5%}}
  far-facts: {{keep: far, margin: 5%}}
  fluency: {{measure: perplexity_ratio, limit: 1.1}}
"""


def world(
    folder: Annotated[Path, typer.Argument(help="where to write")] = Path(),
    size: Annotated[int, typer.Option(help="people", min=SMALLEST)] = 60,
    seed: Annotated[int, typer.Option(help="another world for every number")] = 0,
) -> None:
    """Write a made-up world, `world-SEED.knowledge.yaml`, and a scenario in which a sixth of its people leave.

    Nothing in it can be known from elsewhere. `original: fixture:world` trains a small model that knows it.
    """
    from pytest_unlearn.worlds.generate import names, people

    knowledge, scenario = folder / f"world-{seed}.knowledge.yaml", folder / f"world-{seed}.unlearn.yaml"
    for path in (knowledge, scenario):
        if path.exists():
            raise UnlearnError(f"{path} is there already, and is left as it is; name another folder or seed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        knowledge.write_text(people(size, seed), encoding="utf-8")
        leaving = textwrap.fill(", ".join(names(size, seed)[: size // 6 + 1]), 110)
        text = SCENARIO.format(
            knowledge=knowledge.name, people=textwrap.indent(f"[{leaving}]", "    "), known=min(5, size // 12)
        )
        scenario.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnlearnError(f"{folder} cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {knowledge} and {scenario}. Next:\n\n  unlearn calibrate {scenario}\n  pytest {scenario}")
