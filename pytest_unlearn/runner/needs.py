"""What a candidate's method needs and a scenario does not have, told before any model is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_unlearn.errors import Problem
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.registry import METHODS, PLUG_INS
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.scenario.model import MethodUse, Scenario
from pytest_unlearn.training.data import Data, LoopConfig, Need, needs_of

REMEDY = {
    Need.RETAIN: ": half of what must stay is trained on, the rest asked; name more facts",
    Need.ALTERNATES: ": name more things of the types of the forgotten answers, or give the field `alternates` in the "
    "file of questions; documents have none",
}
REMADE = "retrain"  # by the recipe of its original, which has its own data


def unmet(scenario: Scenario, root: Path) -> list[Problem]:
    """What the methods of a scenario lack, each told at its candidate; raises ScenarioError as `scene` does."""
    uses = [one.made for one in scenario.models.candidates if isinstance(one.made, MethodUse)]
    found: dict[Problem, None] = {}
    for target in scenario.targets if uses else ():
        data = scene(scenario, target, root).data()
        for use in uses:
            if use.name != REMADE and (why := lacking(use, data)):
                found[problem(use.at, why)] = None
    return list(found)


def lacking(use: MethodUse, data: Data) -> str:
    """What a method needs and `data` lacks; empty where it has everything."""
    needs = needs_of(METHODS.get(use.name), use.config)
    askers = [(f"method '{use.name}'", needs), *((f"plug-in '{one}'", asked) for one, asked in _plug_ins(use).items())]
    for asker, asked in askers:
        for need in sorted(asked):
            if not data.has(need):
                article = "an" if need is Need.ALTERNATES else "a"
                return f"{asker} needs {article} {need} set, and this scenario's is empty{REMEDY.get(need, '')}"
    if Need.ALTERNATES in needs:
        answered = {example.prompt for example in data.alternates}
        without = sum(example.prompt not in answered for example in data.forget)
        if without:
            return (
                f"method '{use.name}' needs a wrong answer to each question that is forgotten, and {without} of "
                f"{len(data.forget)} have none{REMEDY[Need.ALTERNATES]}"
            )
    return ""


def needed(use: MethodUse, data: Data) -> Data:
    """`data` without what nobody asks for, refusals, alternates and `watch`: they are not part of the candidate."""
    needs = needs_of(METHODS.get(use.name), use.config).union(*_plug_ins(use).values())
    return replace(
        data,
        refusals=data.refusals if Need.REFUSALS in needs else (),
        alternates=data.alternates if Need.ALTERNATES in needs else (),
        watch=data.watch if isinstance(use.config, LoopConfig) and use.config.watch else (),
    )


def _plug_ins(use: MethodUse) -> dict[str, frozenset[Need]]:
    """What each plug-in of the training needs, by name."""
    wrap = use.config.wrap if isinstance(use.config, LoopConfig) else ()
    return {one.name: PLUG_INS.get(one.name).facts["needs"] for one in wrap}
