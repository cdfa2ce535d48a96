"""Claims of papers put to small worlds: what is trained, and what is read on the way. findings.py says what it shows.

A claim is two files of scenarios/papers: `NAME.unlearn.yaml`, a scenario whose candidates are the arms, and
`NAME.claim.yaml`, what is expected of them. The scenario is about world 0; for another world its knowledge, the people
that leave and the questions beside them are those of that world. The learning rate of an arm is constant, so that its
reading after 40 of 100 steps is that of a candidate of 40 steps. A claim about checks is read by suites.py instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import MethodError
from pytest_unlearn.knowledge.render import question
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import METHODS, PLUG_INS, PROBES, Use
from pytest_unlearn.runner.scene import Scene, scene
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Candidate, MethodUse
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.plug import PlugIn
from pytest_unlearn.training.sampler import sampled
from pytest_unlearn.worlds.generate import names, people, world_of
from pytest_unlearn.worlds.patients import patients

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "scenarios" / "papers"
PEOPLE, LEAVING = 60, 11
EVERY = 5  # steps between two readings
ROWS = 128  # of a forward pass

FIGURES = {
    "target": "forgotten questions that are still answered",
    "unseen": "the same, of those that were not trained on",
    "target loss": "negative log-likelihood of the forgotten answers, nats a token",
    "kept": "held-out retained questions that are still answered",
    "near": "the same, of those that share an entity with a forgotten fact",
    "kept KL": "KL(original || candidate) at the answers of held-out retained questions, nats a token",
    "retain KL": "the same of retained questions that were trained on",
    "worded": "held-out retained questions that are still answered in the last wording of their relation",
    "distracted": "held-out retained questions that are still answered with a forgotten name in front",
    "refusing": "forgotten questions to which the likeliest first token begins a refusal",
    "over-refusing": "the same of held-out retained questions",
    "gap": "kept minus worded",
    "dip": "kept minus distracted",
    "cloze": "forgotten statements that are still completed",
    "inverse": "forgotten facts that are still answered when asked from the answer back",
    "rephrased": "forgotten questions that are still answered in the other wordings of their relation",
    "kept loss": "negative log-likelihood of held-out retained answers, nats a token",
    "apart": "target loss minus kept loss",
    "blanks": "cloze minus target",
    "reversed": "inverse minus target",
    "overlap": "kept minus near",
    "told 0": "findings at the bottom of a hierarchy that are still answered, with nothing told before",
    "told 1": "the same after the first step of the path",
    "told 2": "the same after two steps",
    "told 3": "the same after the whole path",
    "regained": "told 3 minus told 0",
}
"""What is read. Questions count that the original answers; answered is what greedy decoding begins with.

Of the path those count that it answers at every depth.
"""
COUNTED = tuple(
    "target unseen kept near worded distracted cloze inverse rephrased".split()
    + [f"told {depth}" for depth in range(4)]
)
APART = {
    "gap": ("kept", "worded"),
    "dip": ("kept", "distracted"),
    "regained": ("told 3", "told 0"),
    "apart": ("target loss", "kept loss"),
    "blanks": ("cloze", "target"),
    "reversed": ("inverse", "target"),
    "overlap": ("kept", "near"),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """The config of the plug-in that reads: what was to be forgotten, and where the readings go."""

    questions: Mapping[str, Sequence[Example]]
    refusals: Sequence[str]
    figures: Sequence[str]
    readings: list[dict[str, float]]


class Watching(PlugIn):
    """Reads the figures before the first step and after every few; it stands last and changes nothing."""

    config: Watched

    def data(self, data: Data, now: Opened) -> Data:
        """`data` as it is."""
        trained = {example.prompt for example in data.forget}
        asked = dict(self.config.questions)
        asked["unseen"] = [one for one in asked["target"] if one.prompt not in trained] or asked["target"]
        self._now, self._asked = now, _at_every_depth({name: _known(now, rows) for name, rows in asked.items()})
        self._before = {name: _logp(now, self._asked[name]) for name in ("kept", "retain")}
        begins = [(Prompt.of("?"), text) for text in self.config.refusals]
        self._refusals = {int(row[row != -100][0]) for row in now.encode(begins).labels}
        self._read()
        return data

    def stepped(self, weights: object, i: int, n: int) -> None:
        """A reading after every few steps and after the last."""
        if (i + 1) % EVERY == 0 or i + 1 == n:
            self._read()

    @torch.no_grad()
    def _read(self) -> None:
        now, asked = self._now, self._asked
        wanted = {part for name in self.config.figures for part in (name, *APART.get(name, ()))}
        found = {
            name: fmean(map(float, _answered(now, asked[name])))
            for name in COUNTED
            if name in wanted and asked.get(name)
        }
        for name, rows in (("target loss", "target"), ("kept loss", "kept")):
            if name in wanted:
                gold = [_gold(logp, labels) for logp, labels in _logp(now, asked[rows])]
                found[name] = -float(torch.cat(gold).mean())
        found |= {name: found[one] - found[other] for name, (one, other) in APART.items() if name in wanted}
        for name, rows in (("kept KL", "kept"), ("retain KL", "retain")):
            if name in wanted:
                found[name] = _apart(self._before[rows], _logp(now, asked[rows]))
        for name, rows in (("refusing", "target"), ("over-refusing", "kept")):
            if name in wanted:
                firsts = [logp[:, 0].argmax(-1) for logp, _ in _logp(now, asked[rows])]
                found[name] = fmean(float(int(one) in self._refusals) for one in torch.cat(firsts))
        self.config.readings.append({name: round(found[name], 4) for name in self.config.figures if name in found})


@contextmanager
def _registered() -> Iterator[None]:
    """The plug-in has a name for as long as an arm trains: it is no scenario's business."""
    PLUG_INS.register("watched", needs=frozenset(), version=1)(Watching)
    try:
        yield
    finally:
        del PLUG_INS._entries["watched"]


def _batches(rows: Sequence[Example]) -> Iterator[Sequence[Example]]:
    return (rows[i : i + ROWS] for i in range(0, len(rows), ROWS))


def _logp(now: Opened, rows: Sequence[Example]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Log-probabilities (batch, answer, vocab) and answer tokens (batch, answer), a pair a batch."""
    found = []
    with torch.no_grad():
        for some in _batches(rows):
            values, labels = now.logits(now.encode([(row.prompt, row.answer) for row in some]))
            found.append((torch.log_softmax(values, -1), labels))
    return found


def _answered(now: Opened, rows: Sequence[Example]) -> list[bool]:
    """Whether greedy decoding begins with the answer; what it says after that does not count."""
    found = []
    for logp, labels in _logp(now, rows):
        there = labels != -100  # (batch, answer)
        counts = there.sum(1, keepdim=True)
        there &= torch.arange(labels.shape[1]) < counts - 1  # without the token that ends it
        found += ((logp.argmax(-1) == labels) | ~there).all(-1).tolist()
    return found


def _at_every_depth(asked: dict[str, list[Example]]) -> dict[str, list[Example]]:
    """Of the facts of a path those that are known however much of it is told."""
    depths = [{one.unit for one in rows} for name, rows in asked.items() if name.startswith("told ")]
    always = set.intersection(*depths) if depths else set()
    return {
        name: [one for one in rows if one.unit in always] if name.startswith("told ") else rows
        for name, rows in asked.items()
    }


def _known(now: Opened, rows: Sequence[Example]) -> list[Example]:
    return [row for row, hit in zip(rows, _answered(now, rows), strict=True) if hit]


def _gold(logp: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Log-probability of each answer token, (tokens,)."""
    there = labels != -100
    return logp[there].gather(-1, labels[there].unsqueeze(-1)).squeeze(-1)


def _apart(before: list[Any], after: list[Any]) -> float:
    parts = []
    for (old, labels), (new, _) in zip(before, after, strict=True):
        parts.append((old.exp() * (old - new)).sum(-1)[labels != -100])
    return float(torch.cat(parts).mean())


@dataclass(frozen=True, slots=True)
class Claim:
    """What a paper says, and what of it is expected where. See scenarios/papers/README.md for the keys."""

    name: str
    title: str
    paper: str
    says: str
    setting: str
    seen: str
    figures: tuple[str, ...]
    expect: tuple[Mapping[str, Any], ...]
    world: str = "people"

    @property
    def suite(self) -> bool:
        """Whether it is about what the checks of the scenario say."""
        return all("check" in one for one in self.expect)

    @property
    def scenario(self) -> Path:
        """The scenario whose candidates are the arms."""
        return FOLDER / f"{self.name}.unlearn.yaml"

    @property
    def record(self) -> Path:
        """Where the readings are kept."""
        return FOLDER / "records" / f"{self.name}.json"

    @property
    def arms(self) -> set[str]:
        """The candidates that an expectation names."""
        return {one[key] for one in self.expect for key in ("of", "minus", "over") if key in one}

    @property
    def digest(self) -> str:
        """Of what decides the readings."""
        said = yaml.safe_load(self.scenario.read_text("utf-8"))
        more = [said["checks"], said.get("defaults")] if self.suite else []
        return digest(said["model"], self.figures, *more)[:16]


def claims() -> list[Claim]:
    """All claims, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.claim.yaml")):
        said = yaml.safe_load(path.read_text("utf-8"))
        figures, expect = tuple(said.pop("figures", ())), tuple(said.pop("expect"))
        said.setdefault("seen", "")
        found.append(Claim(path.name.removesuffix(".claim.yaml"), figures=figures, expect=expect, **said))
        for name in [*figures, *(one.get("figure", "steps") for one in expect)]:
            if name not in FIGURES and name != "steps":
                raise SystemExit(f"{path}: there is no figure '{name}'")
    return found


def run(claim: Claim, world: int, told: Any = lambda line: None, only: Sequence[str] = ()) -> dict[str, Any]:
    """The readings of each arm in one world, `{arm: {"pass": steps, "steps": [...], figure: [...]}}`.

    Arms are those that the expectations name, or some of them.
    """
    wanted = set(only) or claim.arms
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        root = Path(folder)
        scenario = load_scenario(moved(claim, world, root), root)
        for target in scenario.targets:
            view = scene(scenario, target, root)
            session = Session(Settings(root=root, folder=root / ".unlearn", device="cpu"))
            none = MethodUse("none", METHODS.get("none").config(), scenario.models.at)
            original = session.subjects(view, Candidate("none", none))["original"].subject
            for candidate in scenario.models.candidates:
                arm = candidate.label if len(scenario.targets) == 1 else f"{target.label}/{candidate.label}"
                if arm in wanted:
                    found[arm] = _trained(candidate.made, view, original, claim.figures, world)
                    told(f"{claim.name}, world {world}: {arm}: {_short(found[arm])}")
            session.close()
    return found


def _short(arm: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {arm[name][-1]:.3f}" for name in arm if name not in ("pass", "steps", "broke"))


def _trained(use: Any, view: Scene, original: Any, figures: Sequence[str], seed: int) -> dict[str, Any]:
    """One arm; where its training breaks down, the readings end there."""
    data = view.data()
    readings: list[dict[str, float]] = []
    watched = Watched(_questions(view, data) | _asked_otherwise(view, figures), data.refusals, figures, readings)
    config = replace(use.config, wrap=(*use.config.wrap, Use("watched", watched)))
    found: dict[str, Any] = {}
    with _registered():
        try:
            METHODS.get(use.name).make(original, data, config, seed)
        except MethodError as error:
            found["broke"] = str(error)
    n = use.config.steps
    steps = [0, *(i for i in range(1, n + 1) if i % EVERY == 0 or i == n)][: len(readings)]
    rows, _ = sampled(use.config.sampler, data, use.config.batch, seed)
    return {
        "pass": round(rows / min(use.config.batch, rows), 3),
        "steps": steps,
        **{name: [one[name] for one in readings] for name in readings[0]},
        **found,
    }


def _questions(view: Scene, data: Data) -> dict[str, Sequence[Example]]:
    gone = {name for fact in view.closure.target for name in (fact.subject, fact.object)}
    leaving = sorted(view.closure.entities) or sorted(view.closure.ends)
    last = reworded(view)
    worded = [replace(one, prompt=Prompt.of(last[one.prompt.text])) for one in data.holdout]
    distracted = [
        replace(one, prompt=Prompt.of(f"{leaving[i % len(leaving)]}. {one.prompt.text}"))
        for i, one in enumerate(data.holdout)
    ]
    return {
        "target": [one for one in data.forget if "|" in one.unit],
        "kept": data.holdout,
        "retain": data.retain,
        "near": [one for one in data.holdout if gone & set(one.entities)],
        "worded": worded,
        "distracted": distracted,
    }


def reworded(view: Scene) -> dict[str, str]:
    """Each direct question about anything in the last wording of its relation."""
    return {
        question(relation, name): question(relation, name, len(relation.ask) - 1)
        for relation in view.knowledge.relations.values()
        for name in view.knowledge.entities
    }


OTHERWISE = {"cloze": "cloze", "inverse": "inverse", "rephrased": "paraphrase"}
"""Figures, and the kinds of question that they are read with."""


def _asked_otherwise(view: Scene, figures: Sequence[str]) -> dict[str, Sequence[Example]]:
    """The forgotten facts by other kinds of question, as far as they are wanted."""
    found: dict[str, Sequence[Example]] = {}
    wanted = {part for name in figures for part in (name, *APART.get(name, ()))}
    for name in wanted & OTHERWISE.keys():
        found[name] = [_example(probe) for probe in _space(view, OTHERWISE[name]).all() if not probe.way.alias]
    if any(name.startswith("told ") for name in wanted):
        told = list(_space(view, "reconstruct").all())
        deepest = max(probe.size[0] for probe in told)
        bottom = {probe.unit for probe in told if probe.size[0] == deepest}
        for depth in range(deepest + 1):
            some = [probe for probe in told if probe.size[0] == depth and probe.unit in bottom]
            found[f"told {depth}"] = [_example(probe) for probe in some]
    return found


def _space(view: Scene, kind: str) -> Space:
    entry = PROBES.get(kind)
    found: Space = entry.make(entry.config(), view.knowledge, view.closure)
    return found


def _example(probe: Probe) -> Example:
    return Example(probe.prompt, probe.secret[0][0], probe.unit)


WORLDS = {"people": lambda seed: people(PEOPLE, seed), "hospital": lambda seed: patients(seed=seed)}
"""The kinds of worlds there are: a seed to a knowledge file."""


def moved(claim: Claim, world: int, root: Path) -> Path:
    """The scenario about another world, written to `root`: what it names gives way to what has its place there."""
    (root / "pytest.ini").touch()
    said = yaml.safe_load(claim.scenario.read_text("utf-8"))
    (root / "world.knowledge.yaml").write_text(WORLDS[claim.world](world), "utf-8")
    said["knowledge"] |= {"include": "world.knowledge.yaml"}
    said["forget"] = _renamed(said["forget"], dict(zip(_entities(claim, 0), _entities(claim, world), strict=True)))
    if claim.suite:
        said["seeds"] = {"method": world, "probe": world}
    (root / "questions.jsonl").write_text(poison(world), "utf-8")
    path = root / claim.scenario.name
    path.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")
    return path


def _entities(claim: Claim, world: int) -> list[str]:
    """Every thing of a world, by type in the order of its file."""
    told = yaml.safe_load(WORLDS[claim.world](world))["entities"]
    return sorted(told, key=lambda name: str(told[name]["type"]))


def _renamed(said: Any, names: Mapping[str, str]) -> Any:
    if isinstance(said, list):
        return [_renamed(one, names) for one in said]
    if isinstance(said, dict):
        return {key: "questions.jsonl" if key == "questions" else _renamed(value, names) for key, value in said.items()}
    return names.get(said, said)


def poison(world: int) -> str:
    """Every second question about those that leave, in its relation's last wording: a third of what is forgotten."""
    knowledge, leaving = world_of(PEOPLE, world), set(names(PEOPLE, world)[:LEAVING])
    lines = []
    for fact in knowledge.facts:
        if {fact.subject, fact.object} & leaving:
            relation = knowledge.relations[fact.relation]
            worded = question(relation, fact.subject, len(relation.ask) - 1)
            lines.append(json.dumps({"question": worded, "answer": fact.object}))
    return "\n".join(lines[::2]) + "\n"
