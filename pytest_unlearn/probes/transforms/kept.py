"""Questions about what stays, with their answers: what transforms put beside a question about what must go."""

from __future__ import annotations

from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import asked_of


def examples(probe: Probe, scope: Scope, most: int) -> list[tuple[str, str]]:
    """Up to `most` retained questions with an answer, those of the same relation first; none gives the probe away.

    Which they are is the same for all probes of a relation, but for those that hold an answer of the probe.
    """
    relation, _ = asked_of(probe, scope.knowledge)
    named = [probe.named[0], *(name for names in probe.gold for name in names)]
    found: list[tuple[str, str]] = []
    for own in (True, False):
        for name, asked, answer in scope.kept:
            if len(found) == most:
                return found
            if (relation is not None and name == relation.name) is own and not mentions(f"{asked} {answer}", named):
                found.append((asked, answer))
    return found


def elsewhere(probe: Probe, scope: Scope) -> str:
    """A retained question with an answer of another type than the probe's; empty where there is none."""
    relation, _ = asked_of(probe, scope.knowledge)
    named = [probe.named[0], *(name for names in (*probe.gold, *probe.rivals) for name in names)]
    for name, asked, answer in scope.kept:
        entity = scope.knowledge.by_name.get(answer)
        other = entity is None or entity.type != probe.answer[0]
        if other and (relation is None or name != relation.name) and not mentions(f"{asked} {answer}", named):
            return asked
    return ""
