"""Questions that are asked whatever is drawn: the examples of a check, and what earlier runs found.

They never count in a number. In a search their way of asking is confirmed like any other and can fail the check; in a
rate check those that leak are shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Known
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Built, Probe
from pytest_unlearn.probes.question import pinned_probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.scenario.model import Example, Search


def pinned(context: Context, space: Space) -> tuple[Probe, ...]:
    """Examples in the order of the file, then for a search what was found before and can still be asked; no doubles."""
    found = examples(context, space)
    if isinstance(context.case.check.decide, Search):
        found += [probe for built in context.earlier if (probe := space.again(built)) is not None]
    return tuple({probe.id: probe for probe in found}.values())


def examples(context: Context, space: Space) -> list[Probe]:
    """The examples of this check that are about its forget request."""
    case = context.case
    mine = [example for example in case.check.examples if example.target in ("", case.target.label)]
    listed = {probe.prompt.text: probe for probe in reversed(list(space.all()))} if mine and space.count() else {}
    return [_example(example, listed.get(example.question), context) for example in mine]


def found_again(context: Context, space: Space, built: Built) -> Probe | None:
    """The probe of a finding, if this check can still ask it."""
    return space.again(built) or next((probe for probe in examples(context, space) if probe.id == built.id), None)


def gradable(grader: Grader, probes: Iterable[Probe]) -> list[Probe]:
    """Those that a wrong answer is possible to. A ranking without rivals has only one outcome."""
    return [probe for probe in probes if grader.chance(probe) < 1.0]


def unknown(grader: Grader, context: Context, space: Space, before: Known) -> str:
    """The end of a sentence that says how many examples say nothing, since the original does not answer them."""
    mine = gradable(grader, examples(context, space)) if context.case.check.examples else []
    answered = {probe.id for probe in (*before.probes, *before.guessed)}
    silent = sum(probe.id not in answered for probe in mine)
    return f"; the original does not know {silent} of {len(mine)} examples" if silent else ""


def _example(example: Example, listed: Probe | None, context: Context) -> Probe:
    """A question of the space itself where the example is one: it then has its way of asking and its fact."""
    if listed is not None and {name for names in listed.secret for name in names}.issuperset(example.accepted):
        return listed
    return pinned_probe(context.knowledge, example.question, example.accepted)
