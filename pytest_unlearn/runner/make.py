"""From the names in a scenario to subjects: loaded, trained by a recipe, or made by a method and kept in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import digest, seed_of
from pytest_unlearn.errors import MethodError, SubjectError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.registry import METHODS, PLUG_INS, WORLDS, ZOO, Entry
from pytest_unlearn.runner.needs import REMADE, lacking, needed
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.runner.scene import Scene
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.runner.took import taking
from pytest_unlearn.scenario.model import PLANTED, Candidate, MethodUse, ModelName, Scenario, Target
from pytest_unlearn.subjects.adapter import AdaptedSubject, is_adapter
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.identity import compatible, same_weights
from pytest_unlearn.subjects.load import adapter_of, folder_of, resolve
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.memo import Memo, Memoised
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.subjects.store import Store
from pytest_unlearn.training.data import Data, LoopConfig
from pytest_unlearn.training.resume import resumable
from pytest_unlearn.worlds.data import lessons
from pytest_unlearn.zoo.leak import Ground, unfit

FIXTURE = "fixture:"
RETRAINED = "retrained"


def not_given(target: Target) -> str:
    """That a forget request has no candidate, and how to give it one."""
    return (
        f"no candidate for '{target.label}': name one under `model: candidate`, or give a checkpoint with "
        f"--unlearn-candidate {target.label}=PATH"
    )


def recipe_of(scenario: Scenario) -> str | None:
    """The recipe that trains the original from scratch, where one does."""
    name = scenario.models.original.text
    return name.removeprefix(FIXTURE) if name.startswith(FIXTURE) else None


class FromRecipe(LocalSubject):
    """A model that a recipe trained from scratch, and that can be trained `again` without the target."""

    again: Callable[[int], LocalSubject]

    def remake(self, data: Data, seed: int) -> LocalSubject:
        """From fresh weights, on what is left of the knowledge."""
        return self.again(seed_of("remake", seed))


class Maker:
    """Makes each subject of a run once."""

    def __init__(self, settings: Settings, placement: Placement, residency: Residency) -> None:
        self._settings, self._placement, self._residency = settings, placement, residency
        self._store = Store()
        self._memo = Memo(settings.folder / "memo.sqlite", settings.memo_limit)
        self._made: dict[str, Memoised] = {}  # by digest: forget requests and candidates share their original

    def subjects(self, scene: Scene, candidate: Candidate) -> dict[str, Subject]:
        """Original, candidate and, where the scenario names one, reference; raises SubjectError or MethodError."""
        models = scene.scenario.models
        original = self._named(models.original, scene)
        found: dict[str, Subject] = {"original": original, "candidate": self._candidate(scene, original, candidate)}
        if models.reference is not None:
            found["reference"] = self._reference(models.reference, scene)
        return {name: self._made.setdefault(one.digest, self._memo.wrap(one)) for name, one in found.items()}

    def original(self, scene: Scene) -> Subject:
        """The original alone; raises SubjectError."""
        return self._memo.wrap(self._named(scene.scenario.models.original, scene))

    def _candidate(self, scene: Scene, original: LocalSubject, candidate: Candidate) -> LocalSubject:
        models, spec = scene.scenario.models, candidate.made
        if (given := self._settings.candidate(scene.target.label)) is not None:
            return self._checkpoint(ModelName(given, models.at), scene, original)
        if isinstance(spec, ModelName) and spec.text.startswith(PLANTED):
            return self._planted(spec, candidate.seed, scene, original)
        if isinstance(spec, ModelName):
            try:
                return self._checkpoint(spec, scene, original)
            except SubjectError as error:
                raise SubjectError(f"{spec.at}: {error}") from error
        if spec is not None:
            return self._by_method(spec, candidate.seed, scene, original)
        raise SubjectError(f"{models.at}: {not_given(scene.target)}")

    def _checkpoint(self, name: ModelName, scene: Scene, original: LocalSubject) -> LocalSubject:
        """A model that exists. An adapter alone is one on the scenario's original, in place of an adapter there."""
        folder = folder_of(name.text, scene.scenario.path.parent) if name.adapter is None else None
        if folder is not None and is_adapter(folder):
            base = original.base if isinstance(original, AdaptedSubject) else original
            candidate: LocalSubject = AdaptedSubject(base, folder)
        else:
            candidate = self._named(name, scene)
        compatible(original.folder, candidate.folder)
        if same_weights(original.folder, candidate.folder) and original.change == candidate.change:
            raise SubjectError(
                f"the candidate {candidate.name} has the same weights as the original: nothing was unlearned, or the "
                "wrong folder was given"
            )
        return candidate

    def _by_method(self, use: MethodUse, more: int, scene: Scene, original: LocalSubject) -> LocalSubject:
        entry = METHODS.get(use.name)
        seed = scene.scenario.seeds.method + more
        if use.name == REMADE:
            recipe = self._recipe_name(scene, f"{use.at}: `method: retrain`")
            return self._trained(recipe, scene, scene.closure, seed + 1)
        data = scene.data()
        if why := lacking(use, data):
            raise MethodError(f"{use.at}: {why}")
        data = needed(use, data)
        adapter = isinstance(use.config, LoopConfig) and use.config.keeps_adapter
        if adapter and isinstance(original, AdaptedSubject):
            raise MethodError(
                f"{use.at}: `lora: {{keep: true}}` needs an original without an adapter, and this one has one: its "
                "own would stand on the two merged, which is no model that is kept"
            )
        plug_ins = [one.name for one in use.config.wrap] if isinstance(use.config, LoopConfig) else []
        versions = [one.facts["version"] for one in (entry, *map(PLUG_INS.get, plug_ins))]
        key = digest(
            use.name, versions, use.config, seed, scene.scenario.seeds.data, original.digest, data,
            self._placement.kind, self._placement.precision,
        )  # fmt: skip

        def build(folder: Path) -> None:
            admitted = self._residency.admit(original)
            with taking(self._placement) as took, resumable(self._store.unfinished("candidates", key)) as place:
                made = entry.make(admitted, data, use.config, seed)
            took.steps = place.steps or None
            with made.open() as opened:
                (opened.save_adapter if adapter else opened.save)(folder)
            took.write(folder)

        folder = self._store.make("candidates", key, build, f"candidate by {use.name}")
        return AdaptedSubject(original, folder) if adapter else self._subject(folder, scene)

    def _planted(self, spec: ModelName, more: int, scene: Scene, original: LocalSubject) -> LocalSubject:
        """A model of the zoo, grown on the original."""
        entry: Entry[Any] = ZOO.get(name := spec.text.removeprefix(PLANTED))
        config, seed = entry.config(), scene.scenario.seeds.method + more

        recipe = recipe_of(scene.scenario)
        if (why := unfit(entry, recipe, bool(scene.closure.nodes))) is not None:
            raise MethodError(f"{spec.at}: {why}")

        def reference(other: int) -> LocalSubject:
            return self._trained(recipe or "", scene, scene.closure, seed_of("honest", other))

        def build(folder: Path) -> None:
            teach = WORLDS.get(recipe).facts["teach"] if recipe else lessons
            ground = Ground(scene.knowledge, scene.closure, self._residency.admit(original), teach, reference, seed)
            entry.make(ground, config, folder)

        parts: tuple[Any, ...] = (scene.closure.target, scene.closure.entailed, scene.closure.lost)
        parts += (sorted(scene.closure.entities), *(sorted(some) for some in [scene.closure.nodes] if some))
        key = digest(name, entry.facts["version"], config, original.digest, scene.knowledge.digest, parts, seed)
        folder = self._store.make("zoo", key, build, f"planted leak '{name}'")
        return AdaptedSubject(original, folder) if is_adapter(folder) else self._subject(folder, scene)

    def _reference(self, name: ModelName, scene: Scene) -> LocalSubject:
        if name.text != RETRAINED:
            return self._named(name, scene)
        recipe = self._recipe_name(scene, f"{name.at}: `reference: {RETRAINED}`")
        return self._trained(recipe, scene, scene.closure, scene.scenario.seeds.data)

    def _named(self, name: ModelName, scene: Scene) -> LocalSubject:
        base = self._whole(name.text, scene)
        if name.adapter is None:
            return base
        return AdaptedSubject(base, adapter_of(name.adapter, scene.scenario.path.parent))

    def _whole(self, text: str, scene: Scene) -> LocalSubject:
        if text.startswith(FIXTURE):
            return self._trained(text.removeprefix(FIXTURE), scene, None, scene.scenario.seeds.data)
        models = scene.scenario.models
        if models.trust_remote_code and not self._settings.trust_remote_code:
            raise SubjectError(
                f"{models.at}: the scenario trusts code that comes with the model; say so on the command line as well, "
                "with --unlearn-trust-remote-code"
            )
        return resolve(
            text,
            scene.scenario.path.parent,
            self._store,
            self._placement,
            models.system,
            trust_remote_code=models.trust_remote_code,
            allow_network=self._settings.network,
        )

    def _trained(self, recipe: str, scene: Scene, without: Closure | None, seed: int) -> LocalSubject:
        entry: Entry[Any] = WORLDS.get(recipe)
        config = entry.config()
        left_out = () if without is None else (without.target, without.entailed, without.lost, sorted(without.entities))
        key = digest(recipe, entry.facts["version"], config, scene.knowledge.digest, left_out, seed)

        def build(folder: Path) -> None:
            with taking(self._placement) as took:
                entry.make(scene.knowledge, without, config, seed, folder)
            took.write(folder)

        folder = self._store.make("worlds", key, build, f"model by recipe '{recipe}'")
        made = FromRecipe(folder, self._placement, scene.scenario.models.system)
        made.name = f"{FIXTURE}{recipe}"
        made.linted = False
        made.again = lambda seed: self._trained(recipe, scene, scene.closure, seed)
        return made

    def _recipe_name(self, scene: Scene, what: str) -> str:
        if (recipe := recipe_of(scene.scenario)) is not None:
            return recipe
        raise MethodError(f"{what} needs an original that a recipe trains from scratch, `original: {FIXTURE}NAME`")

    def _subject(self, folder: Path, scene: Scene) -> LocalSubject:
        made = LocalSubject(folder, self._placement, scene.scenario.models.system)
        made.linted = False  # its template is the original's
        return made
