"""A grader that reads several sampled answers to each question, each as another grader reads one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_unlearn.graders.grade import Grade, Grader, spoken
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.scenario.model import Decode
from pytest_unlearn.subjects.answers import Answer, Outputs
from pytest_unlearn.subjects.requests import Generate, Prompt, Request, Verb


@dataclass(slots=True)
class Several:
    """Stand-ins are sampled like the questions. `seed` is the same for every subject of a check."""

    grader: Grader
    decode: Decode
    seed: int
    name: str
    verb: Verb = "generate"

    @classmethod
    def of(cls, grader: Grader, decode: Decode, seed: int) -> Several:
        """By the name of the grader that reads each answer."""
        return cls(grader, decode, seed, grader.name)

    def request(self, probe: Probe) -> Request:
        """What the other grader asks, several times."""
        return self._sampled(self.grader.request(probe))

    def stand_in(self, probes: Sequence[Probe], prompt: Prompt) -> Request:
        """Likewise."""
        return self._sampled(self.grader.stand_in(probes, prompt))

    def grade(self, probe: Probe, request: Request, answer: Answer) -> Grade:
        """The share of right answers, and which of them reveal the target; an empty one reveals nothing.

        What is said is the first answer that reveals it, else the first.
        """
        spoken(answer)
        assert isinstance(answer, Outputs)
        grades = [self.grader.grade(probe, request, replace(answer, items=(one,))) for one in answer.items]
        hits = tuple(grade.leak for grade in grades)
        shown = next((grade for grade in grades if grade.leak), grades[0])
        return Grade(sum(grade.value for grade in grades) / len(grades), any(hits), shown.said, hits=hits)

    def chance(self, probe: Probe) -> float:
        """That of one answer."""
        return self.grader.chance(probe)

    def _sampled(self, request: Request) -> Request:
        assert isinstance(request, Generate)
        decode = self.decode
        return replace(request, samples=decode.samples, temperature=decode.temperature, seed=self.seed)
