"""`unlearn new`: a first scenario, with a word about each line, to be changed by hand."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pytest_unlearn.cli.draft import draft, selector
from pytest_unlearn.cli.files import SUFFIX, root_of
from pytest_unlearn.errors import ScenarioError, UnlearnError
from pytest_unlearn.registry import PROBES, UTILITY
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.nodes import document_of

FEW = 20  # facts; below it a check may mean something although the original knows fewer than usual
CHECKS = {
    "direct": "{ask: direct, limit: 5%}  # in the wording that a method trains on: at most this share may leak",
    "paraphrase": "{ask: paraphrase, search: 100}  # in other words",
    "alias": "{ask: alias, search: 100}  # under other names",
    "inverse": "{ask: inverse, search: 100}  # from the answer back",
    "multi_hop": "{ask: multi_hop, hops: 2, search: 100}  # through a chain of two facts",
}
STAY = {  # the first two that have enough to ask
    "neighbours": "{keep: neighbours, margin: 10%}  # facts beside the forgotten ones",
    "far": "{keep: far, margin: 10%}  # facts that share nothing with them",
    "retained": "{keep: retained, margin: 10%}  # all that no method trains on",
}
ENOUGH = 5  # questions that must stay; with fewer one answer decides
FLUENCY = "{measure: perplexity_ratio, limit: 1.1}  # the model still writes as it did"


def new(
    model: Annotated[str, typer.Argument(help="the model before: a bundled name, a folder or a hub id")],
    forget: Annotated[
        str | None, typer.Option(help="what must go, as in a file: Japan, {relation: capital}", metavar="SELECTOR")
    ] = None,
    source: Annotated[str, typer.Option(help="the knowledge that it is looked up in")] = "countries",
    knowledge: Annotated[
        Path | None, typer.Option(help="a knowledge file of your own, instead of the source", metavar="FILE")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help='questions to forget: lines {"question": ..., "answer": ...}', metavar="FILE")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="questions that must stay, with --questions", metavar="FILE")
    ] = None,
    candidate: Annotated[
        str | None, typer.Option(help="the model after, if there is one; else a method makes it", metavar="PATH")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="the file to write", metavar="FILE")] = None,
) -> None:
    """Write a first scenario about a model; asks for what it is not told where somebody sits at the terminal.

    It never overwrites a file, and what it writes is valid.
    """
    if forget is None and questions is None:
        if not sys.stdin.isatty():
            raise UnlearnError("say what must be forgotten: --forget NAME, or --questions FILE")
        forget, questions, candidate = _asked(source, knowledge, candidate)
    if forget is not None and questions is not None:
        raise UnlearnError("--forget beside --questions: a first scenario has one of them; add the other by hand")
    if keep is not None and questions is None:
        raise UnlearnError("--keep goes with --questions: with --forget, all that is not forgotten must stay")
    for file in filter(None, (questions, keep)):
        if not file.is_file():
            raise UnlearnError(f"there is no file {file}")
    label = questions.stem if questions else selector(str(forget), "--forget").label
    path = output or Path(f"{label}{SUFFIX}")
    if not path.name.endswith(SUFFIX):
        raise UnlearnError(f"{path} does not end in {SUFFIX}, so that pytest would not see it")
    if not path.parent.is_dir():
        raise UnlearnError(f"there is no folder {path.parent}")
    if questions is not None:
        text = _about_questions(path, model, candidate, questions, keep)
    else:
        named = None if knowledge else source
        drawn = draft(model, named, knowledge, forget, "--forget")
        view = scene(drawn, drawn.targets[0], root_of(path))
        text = _about_facts(path, model, candidate, str(forget), named, knowledge, view)
    _write(path, text)
    typer.echo(f"wrote {path}. Next:\n")
    steps = [(shlex.join(words), why) for words, why in _next(path, model, candidate)]
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        typer.echo(f"  {command:<{width}}  {why}")


def _asked(source: str, knowledge: Path | None, candidate: str | None) -> tuple[str | None, Path | None, str | None]:
    """What must go: asked again until it is a file of questions or something that the knowledge has."""
    where = knowledge or source
    while True:
        what = typer.prompt(f"What must be forgotten? A name from {where}, or a .jsonl file of questions").strip()
        questions = Path(what) if what.endswith((".jsonl", ".csv")) else None
        try:
            if questions is None:
                found = draft("", None if knowledge else source, knowledge, what, "answer")
                scene(found, found.targets[0], Path.cwd())
            elif not questions.is_file():
                raise UnlearnError(f"there is no file {questions}")
        except UnlearnError as error:
            typer.echo(str(error), err=True)
            continue
        break
    candidate = candidate or typer.prompt("A model that has forgotten it (empty: make one by npo)", default="").strip()
    return (what if questions is None else None), questions, candidate or None


def _about_facts(
    path: Path, model: str, candidate: str | None, forget: str, source: str | None, file: Path | None, view: Scene
) -> str:
    """A scenario about facts; ways of asking that the knowledge has no question for are left out."""
    fit = {kind: text for kind, text in CHECKS.items() if _has_questions(kind, view)}
    stay = [(kind, text) for kind, text in STAY.items() if _kept(kind, view) >= ENOUGH][:2]
    if not stay and _kept("retained", view):
        stay = [("retained", STAY["retained"])]
    origin = f"{{source: {_flow(source)}}}" if source else f"{{include: {_flow(_beside(file, path))}}}"
    count = len(view.closure.hidden)
    few = f"defaults: {{min_known: 1, grade: text}}  # {count} facts are few: one known will do, a rank may be luck\n"
    facts = "1 fact" if count == 1 else f"{count} facts"
    return _scenario(
        path,
        model,
        candidate,
        f"knowledge: {origin}  # entities, relations with their wordings, facts\n"
        f"forget: {_flow(document_of(forget, path).data)}  # {facts}; whatever else is known must stay\n"
        + (few if count < FEW else ""),
        [*fit.items(), *stay, ("fluency", FLUENCY)],
    )


def _about_questions(path: Path, model: str, candidate: str | None, questions: Path, keep: Path | None) -> str:
    kinds = ["direct", "paraphrase"] if _reworded(questions) else ["direct"]
    retain = f"retain: {{questions: {_flow(_beside(keep, path))}}}  # must still be answered\n" if keep else ""
    stay = [("retained", "{keep: retained, margin: 10%}  # what must stay is still answered")] if keep else []
    return _scenario(
        path,
        model,
        candidate,
        f"forget: {{questions: {_flow(_beside(questions, path))}}}  # must not be answered any more\n{retain}",
        [*((kind, CHECKS[kind]) for kind in kinds), *stay, ("fluency", FLUENCY)],
    )


def _scenario(path: Path, model: str, candidate: str | None, middle: str, checks: Iterable[tuple[str, str]]) -> str:
    after = _flow(candidate) if candidate else "{method: npo, steps: 10, lr: 1e-5}"
    how = "the model that has forgotten" if candidate else "made here; `unlearn methods` lists others; or a PATH"
    lines = "".join(f"  {kind.replace('_', '-')}: {text}\n" for kind, text in checks)
    return (
        f"# Run it: pytest {path.name}    See what it asks: unlearn show {path.name} --cost\n"
        "version: 1\n"
        "model:\n"
        f"  original: {_flow(model)}  # before\n"
        f"  candidate: {after}  # after: {how}\n"
        "  # reference: PATH  # if there is one: a model that never learned it, which tells guessing from knowing\n"
        f"{middle}"
        "checks:  # each is a test; `unlearn probes` lists what can be asked\n"
        f"{lines}"
    )


def _has_questions(kind: str, view: Scene) -> bool:
    entry = PROBES.get(kind)
    return bool(entry.make(entry.config(), view.knowledge, view.closure).count() != 0)


def _kept(kind: str, view: Scene) -> int:
    """How many questions a check has that something stays."""
    entry = UTILITY.get(kind)
    return len(entry.make(entry.config(), view.knowledge, view.closure, view.held_out))


def _reworded(questions: Path) -> bool:
    """Whether any question has paraphrases; what cannot be read is told when the scenario is validated."""
    try:
        lines = [line for line in questions.read_text("utf-8").splitlines() if line.strip()]
        return questions.suffix == ".jsonl" and any(json.loads(line).get("paraphrases") for line in lines)
    except (OSError, ValueError, AttributeError):
        return False


def _beside(file: Path | None, path: Path) -> str:
    return Path(os.path.relpath(Path(file or ".").resolve(), path.resolve().parent)).as_posix()


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    written = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return written.strip().removesuffix("...").strip()


def _write(path: Path, text: str) -> None:
    """Write a new file and keep it if it is valid."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UnlearnError(f"{path} is there already, and is not overwritten: choose another with --output") from None
    try:
        load_scenario(path, root_of(path))
    except ScenarioError:
        path.unlink()
        raise


def _next(path: Path, model: str, candidate: str | None) -> list[tuple[list[str], str]]:
    from pytest_unlearn.subjects.fetch import BUNDLED

    fetch = [(["unlearn", "fetch", model], "brings the model")] if model in BUNDLED else []
    return [
        *fetch,
        (["unlearn", "show", str(path), "--cost"], "what it asks and costs"),
        (["pytest", str(path)], "asks both models" if candidate else "makes the other model, asks both"),
    ]
