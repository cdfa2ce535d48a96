"""A scenario without a file: what a command line says about a model and some knowledge."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.errors import Mark, UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.registry import SOURCES
from pytest_unlearn.scenario.border import keys_of
from pytest_unlearn.scenario.files import Files
from pytest_unlearn.scenario.keys import SelectorKeys
from pytest_unlearn.scenario.model import (
    Candidate,
    Gate,
    KnowledgeUse,
    ModelName,
    Models,
    Scenario,
    Seeds,
    Selector,
    Target,
)
from pytest_unlearn.scenario.nodes import document_of
from pytest_unlearn.scenario.problems import Problems, unknown
from pytest_unlearn.scenario.targets import read_targets


def draft(
    model: str, source: str | None, knowledge: Path | None, target: str | None, option: str = "--target"
) -> Scenario:
    """A scenario with one target and no checks; without `target`, it is every fact.

    `target` is a selector as YAML; mistakes in it are placed in the option. Raises UnlearnError.
    """
    if source is None and knowledge is None:
        raise UnlearnError("say what there is to know: --source countries, or --knowledge FILE")
    if source is not None:
        SOURCES.get(source)
    if knowledge is not None and not knowledge.is_file():
        raise UnlearnError(f"there is no knowledge file {knowledge}")
    here = Mark(Path("--knowledge"))
    include = () if knowledge is None else ((knowledge.resolve(), here),)
    use = KnowledgeUse({}, {}, include, source, None, here)
    return Scenario(
        path=Path.cwd() / "known",
        name="known",
        tags=(),
        seeds=Seeds(),
        models=Models(ModelName(model, here), (Candidate(),), None, None, False, False, here),
        knowledge=use,
        targets=(_everything(use) if target is None else selector(target, option),),
        checks=(),
        confidence=0.99,
        gate=Gate(),
        digest="",
    )


def selector(text: str, option: str) -> Target:
    """A forget request as YAML, without labels; raises ScenarioError."""
    document = document_of(text, Path(option))
    problems = Problems(document)
    if isinstance(document.data, dict) and document.data.keys().isdisjoint(known := keys_of(SelectorKeys)):
        for key in document.data:
            problems.add((key,), unknown(key, known), key=True)
        problems.stop()
    (target,) = read_targets(document.data, (), problems, Files(Path.cwd() / option, Path.cwd(), problems))
    problems.stop()
    return target


def _everything(use: KnowledgeUse) -> Target:
    facts = build(use, Path.cwd()).facts
    relations = dict.fromkeys(fact.relation for fact in facts)
    return Target("everything", tuple(Selector(use.at, relation=name) for name in relations), use.at)
