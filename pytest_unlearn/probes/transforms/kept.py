"""Questions about what stays, with their answers: what transforms put beside a question about what must go."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.scope import Scope, Told
from pytest_unlearn.probes.transforms.transform import asked_of


def examples(probe: Probe, scope: Scope, most: int) -> list[tuple[str, str]]:
    """Up to `most` retained questions with an answer, those of the same relation first; none gives the probe away.

    At most a third of the probe's wrong answers stand in them: by more, the answer could be told from what is left.
    Which they are is the same for all probes of a relation, but for those that hold an answer of the probe.
    """
    relation, _ = asked_of(probe, scope.knowledge)
    apart = _apart(scope, [probe.named[0], *(name for names in probe.gold for name in names)])
    wrong, said = {names[0] for names in probe.rivals}, set[str]()
    found: list[tuple[str, str]] = []
    for own in (True, False):
        for told in scope.kept:
            if len(found) == most:
                return found
            fits = (relation is not None and told.relation == relation.name) is own and apart(told)
            more = said | (wrong & told.names)
            if fits and (3 * len(more) <= len(wrong) or more == said):
                said = more
                found.append((told.question, told.answer))
    return found


def elsewhere(probe: Probe, scope: Scope) -> str:
    """A retained question with an answer of another type than the probe's; empty where there is none."""
    relation, _ = asked_of(probe, scope.knowledge)
    apart = _apart(scope, [probe.named[0], *(name for names in (*probe.gold, *probe.rivals) for name in names)])
    for told in scope.kept:
        entity = scope.knowledge.by_name.get(told.answer)
        other = entity is None or entity.type != probe.answer[0]
        if other and (relation is None or told.relation != relation.name) and apart(told):
            return told.question
    return ""


def _apart(scope: Scope, names: Iterable[str]) -> Callable[[Told], bool]:
    """Whether a question and its answer hold none of some names."""
    by_name = scope.knowledge.by_name
    names = list(filter(None, names))
    entities = {by_name[name].name for name in names if name in by_name}
    strangers = [name for name in names if name not in by_name]
    return lambda told: entities.isdisjoint(told.names) and not mentions(f"{told.question} {told.answer}", strangers)
