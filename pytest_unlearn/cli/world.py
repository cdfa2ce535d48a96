"""`unlearn world`: a made-up world, and a scenario that forgets some of its people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytest_unlearn.errors import UnlearnError

if TYPE_CHECKING:
    from pytest_unlearn.scenario.model import NamedFiles

SMALLEST = 40  # people: of 24, ranking had too few names for some checks to decide
SCENARIO = """\
version: 1
model: {{original: fixture:{recipe}, reference: retrained, candidate: {{method: retrain}}}}
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
  sampled: {{ask: direct, decode: {{samples: 64}}, limit: 3%}}
"""
READ = """\
  recited: {ask: continuation, prefix: 6, length: 12, search: 100, grade: {verbatim: 10}}
  chosen: {ask: multiple_choice, options: 4, search: 300, grade: text}
"""


TOLD = "lives_in, works_for, plays"  # relations of the world in which questions are put by transforms
PUT = """\
version: 1
model: {{original: fixture:versed, reference: retrained, candidate: {{method: retrain}}}}
knowledge: {{include: {knowledge}, relations: [{told}]}}
forget:
  people:
{people}
defaults: {{grade: [text, {{rank: {{rivals: 100}}}}], min_known: 5}}  # ranked among everybody
checks:
  direct: {{ask: direct, limit: 5%}}
  paraphrase: {{ask: paraphrase, search: 300}}
  alias: {{ask: alias, search: 300}}
  inverse: {{ask: inverse, search: 300}}
  neighbours: {{keep: neighbours, margin: 5%}}
  far-facts: {{keep: far, margin: 5%}}
"""


def world(
    folder: Annotated[Path, typer.Argument(help="where to write")] = Path(),
    size: Annotated[int, typer.Option(help="people", min=SMALLEST)] = 60,
    seed: Annotated[int, typer.Option(help="another world for every number")] = 0,
    documents: Annotated[bool, typer.Option("--documents", help="texts about the people that leave, too")] = False,
    transforms: Annotated[
        bool, typer.Option("--transforms", help="a check for each transform that puts other things beside a question")
    ] = False,
) -> None:
    """Write a made-up world, `world-SEED.knowledge.yaml`, and a scenario in which a sixth of its people leave.

    Nothing in it can be known from elsewhere. `original: fixture:world` trains a small model that knows it, and
    `fixture:well_read` one that has read the texts of `--documents` as well and can choose an answer from a list.
    `fixture:versed` trains one that answers amid other facts, in German, Spanish and synonyms, and in other letters:
    `--transforms` writes a check for each, and what is asked in the other languages.
    """
    from pytest_unlearn.worlds.generate import names, people

    if documents and transforms:
        raise UnlearnError("--documents and --transforms need different originals: write two worlds, of two seeds")

    knowledge, scenario = folder / f"world-{seed}.knowledge.yaml", folder / f"world-{seed}.unlearn.yaml"
    texts = folder / f"world-{seed}.documents"
    spoken = [folder / f"world-{seed}.{file.name}" for file, _ in abroad()] if transforms else []
    for path in (knowledge, scenario, *([texts] if documents else []), *spoken):
        if path.exists():
            raise UnlearnError(f"{path} is there already, and is left as it is; name another folder or seed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        knowledge.write_text(people(size, seed), encoding="utf-8")
        leaving = names(size, seed)[: size // 6 + 1]
        if documents:
            write_texts(texts, size, seed, leaving)
        read = f",\n{{documents: {texts.name}/*.txt}}" if documents else ""
        listed = textwrap.indent(f"[{textwrap.fill(', '.join(leaving), 110)}{read}]", "    ")
        if transforms:
            for path, (file, _) in zip(spoken, abroad(), strict=True):
                path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
            text = PUT.format(knowledge=knowledge.name, told=TOLD, people=listed) + put_checks(spoken)
        else:
            recipe, known = "well_read" if documents else "world", min(5, size // 12)
            text = SCENARIO.format(recipe=recipe, knowledge=knowledge.name, people=listed, known=known)
        scenario.write_text(text + (READ if documents else ""), encoding="utf-8")
    except OSError as error:
        raise UnlearnError(f"{folder} cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {knowledge} and {scenario}. Next:\n\n  unlearn calibrate {scenario}\n  pytest {scenario}")


def write_texts(folder: Path, size: int, seed: int, people: Sequence[str]) -> None:
    """One file a person, with the text that a model of the recipe `well_read` has read."""
    from pytest_unlearn.worlds.data import told_of
    from pytest_unlearn.worlds.generate import world_of
    from pytest_unlearn.worlds.well_read import texts_of

    knowledge = world_of(size, seed)
    facts = texts_of(knowledge)
    folder.mkdir()
    for name in people:
        (folder / f"{name.lower()}.txt").write_text(told_of(knowledge, name, facts[name]) + "\n", encoding="utf-8")


def abroad() -> NamedFiles:
    """The questions of made-up worlds in other languages."""
    from pytest_unlearn.worlds.versed import ABROAD

    return ABROAD


def put_checks(spoken: Sequence[Path]) -> str:
    """A check for each transform that a model of the recipe `versed` follows."""
    from pytest_unlearn.worlds.versed import WAYS

    wording = ", ".join(path.name for path in spoken)
    drawn = {"cross_lingual": f"{{draw: cross_lingual, wording: [{wording}]}}"}
    return "".join(
        f"  {name}: {{ask: direct, transforms: {drawn.get(name, name)}, search: 300}}\n" for name in sorted(WAYS)
    )
