"""What a check may see: the request, the knowledge around it, and which subjects there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_unlearn.checks.several import Several
from pytest_unlearn.digest import seed_of
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Built
from pytest_unlearn.registry import GRADERS, PROBES
from pytest_unlearn.scenario.model import Case
from pytest_unlearn.subjects.requests import Verb

DEFAULT_GRADERS = ("text", "rank")


class CheckError(Exception):
    """A check that cannot be judged. Its verdict is `error`."""


@dataclass(frozen=True, slots=True)
class Context:
    """`can`: what each subject of the case can do, by name; there is a reference when it has that key.

    `held_out`: what must stay that no bundled method trains on. `earlier`: the probes that earlier runs found for this
    check.
    """

    case: Case
    knowledge: Knowledge
    closure: Closure
    held_out: Kept
    can: Mapping[str, frozenset[Verb]]
    earlier: tuple[Built, ...] = ()

    @property
    def has_reference(self) -> bool:
        """Whether there is a model that never learned the target."""
        return "reference" in self.can

    def seed(self, purpose: str) -> int:
        """A seed of this check's own, the same whatever else is selected and for every candidate."""
        return seed_of(self.case.scenario.digest, self.case.asks, self.case.scenario.seeds.probe, purpose)

    def graders(self) -> tuple[Grader, ...]:
        """Those that the check names, else those usual for its kind, as far as every subject can; raises CheckError."""
        named = self.case.check.graders
        if named:
            graders: list[Grader] = [GRADERS.get(use.name).make(use.config) for use in named]
        else:
            graders = [(entry := GRADERS.get(name)).make(entry.config()) for name in self._usual()]
        able = [g for g in graders if all(g.verb in verbs for verbs in self.can.values())]
        if named and len(able) < len(graders):
            unable = next(g for g in graders if g not in able)
            names = ", ".join(name for name, verbs in self.can.items() if unable.verb not in verbs)
            raise CheckError(f"grader '{unable.name}' needs subjects that can {unable.verb}; these cannot: {names}")
        if self.case.check.decode is not None:
            able = [Several.of(grader, self.case.check.decode, self.seed("decode")) for grader in able if _says(grader)]
        if not able:
            raise CheckError("no grader fits what every subject of this scenario can do")
        return tuple(able)

    def _usual(self) -> tuple[str, ...]:
        """The graders that a probe kind is registered with, else text and rank."""
        check = self.case.check
        usual = PROBES.get(check.kind).facts.get("graders") if check.verb == "ask" else None
        return usual or DEFAULT_GRADERS


def _says(grader: Grader) -> bool:
    """Whether a grader reads what is said, of which there can be several samples."""
    return grader.verb == "generate"
