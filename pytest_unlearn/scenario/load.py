"""One `*.unlearn.yaml` file as a Scenario, or all of its mistakes at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import digest
from pytest_unlearn.registry import METHODS, SOURCES, ZOO
from pytest_unlearn.scenario.border import entry_of, keys_of, read_method, shape_of, waiting
from pytest_unlearn.scenario.checks import ChecksReader, read_defaults
from pytest_unlearn.scenario.files import Files
from pytest_unlearn.scenario.keys import (
    LATER,
    AdapterKeys,
    DefaultKeys,
    FileKeys,
    KnowledgeKeys,
    MaterialKeys,
    MethodKeys,
    ModelKeys,
    SystemFile,
    is_slug,
    not_a_slug,
)
from pytest_unlearn.scenario.model import (
    NO_MATERIAL,
    PLANTED,
    Candidate,
    KnowledgeUse,
    Material,
    MethodUse,
    ModelName,
    Models,
    NamedFiles,
    Scenario,
)
from pytest_unlearn.scenario.nodes import Where, read_yaml
from pytest_unlearn.scenario.policy import policy
from pytest_unlearn.scenario.problems import Problems, shown, unknown
from pytest_unlearn.scenario.targets import read_material, read_targets

SUFFIX = ".unlearn.yaml"
PARTS = ("entities", "relations", "facts", "types", "levels")  # of knowledge, in the scenario itself


def load_scenario(path: Path, root: Path) -> Scenario:
    """Read one scenario. Files that it names lie inside `root`; models are kept as text.

    Raises ScenarioError with every mistake of the file.
    """
    return _Loader(path, root).scenario()


class _Loader:
    """Reads the sections of one file, collecting the mistakes."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path, self._root = path, root
        self._document = read_yaml(path)
        self._problems = Problems(self._document)
        self._files = Files(path, root, self._problems)

    def scenario(self) -> Scenario:
        """The scenario, or ScenarioError."""
        problems, data = self._problems, self._document.data
        if not isinstance(data, dict):
            what = "this file is empty" if data is None else f"expected a mapping, got {shown(data)}"
            problems.add((), f"{what}: a scenario has the keys version, model, knowledge, forget and checks")
            problems.stop()
        version = data.get("version", 1)
        if version != 1 or isinstance(version, bool):
            problems.add(("version",), f"version must be 1, got {shown(version)}: this release reads no other grammar")
            problems.stop()
        keys = shape_of(FileKeys).read(data, (), problems)
        models = self._models(data["model"], ("model",)) if "model" in data else None
        targets = read_targets(data["forget"], ("forget",), problems, self._files) if "forget" in data else ()
        retain = self._retain(data["retain"], ("retain",)) if "retain" in data else NO_MATERIAL
        if "knowledge" in data:
            knowledge = self._knowledge(data["knowledge"], ("knowledge",))
        else:
            knowledge = KnowledgeUse({}, {}, (), None, None, self._document.mark(()))
            if "forget" not in data or any(selector.of_facts for one in targets for selector in one.selectors):
                problems.add((), "missing required key 'knowledge'", key=True)
        defaults: dict[str, Any] = {}
        confidence = DefaultKeys().confidence
        if "defaults" in data:
            defaults, confidence = read_defaults(data["defaults"], problems)
        checks = data.get("checks", {})
        if "checks" in data and (not isinstance(checks, dict) or not checks):
            problems.add(("checks",), f"expected a mapping of ids to checks, got {shown(checks or None)}")
            checks = {}
        candidates = len(models.candidates) if models else 1
        alpha = (1 - confidence) / max(1, len(checks) * len(targets) * candidates)
        read = ChecksReader(defaults, alpha, problems, [target.label for target in targets], self._files).read(checks)
        problems.stop()
        assert keys is not None  # the three are missing only beside a mistake
        assert models is not None
        assert knowledge is not None
        asked = {key: value for key, value in data.items() if key != "gate"}  # the policy changes no question
        return Scenario(
            path=self._path,
            name=keys.name or self._path.name.removesuffix(SUFFIX),
            tags=keys.tags,
            seeds=keys.seeds,
            models=models,
            knowledge=knowledge,
            targets=targets,
            checks=read,
            confidence=confidence,
            gate=policy(data.get("gate", {}), self._root),
            digest=digest(json.dumps(asked, sort_keys=True), self._files.digests),
            retain=retain,
        )

    def _models(self, value: Any, where: Where) -> Models | None:
        at = self._document.mark(where, key=True)
        if not isinstance(value, dict) or self._is_model(value):
            original = self._model_name(value, where)
            return Models(original, (Candidate(),), None, None, False, False, at) if original else None
        keys = shape_of(ModelKeys).read(value, where, self._problems)
        parts = {
            key: (value[key], (*where, key))
            for key in ("original", "candidate", "candidates", "reference", "system")
            if key in value
        }
        original = self._model_name(*parts["original"]) if "original" in parts else None
        candidates = self._candidate(*parts["candidate"]) if "candidate" in parts else (Candidate(),)
        if "candidates" in parts:
            candidates = self._candidates(*parts["candidates"])
            if "candidate" in parts:
                message = "`candidates` beside `candidate`: write one of them"
                self._problems.add((*where, "candidates"), message, key=True)
        reference = self._model_name(*parts["reference"]) if "reference" in parts else None
        system = self._system(*parts["system"]) if "system" in parts else None
        if keys is None or original is None:
            return None
        return Models(original, candidates, reference, system, keys.trust_remote_code, keys.remote is not None, at)

    def _is_model(self, value: Any) -> bool:
        """Whether a mapping stands where a name would: `{base, adapter}`, `{endpoint, name, key}`."""
        return isinstance(value, dict) and not {*LATER["model name"], *keys_of(AdapterKeys)}.isdisjoint(value)

    def _model_name(self, value: Any, where: Where) -> ModelName | None:
        at = self._document.mark(where)
        if isinstance(value, str) and value:
            return ModelName(value, at)
        if not self._is_model(value):
            self._problems.add(where, f"expected the name of a model, got {shown(value)}")
        elif waiting("model name", value, where, self._problems) == value:
            keys = shape_of(AdapterKeys).read(value, where, self._problems)
            return ModelName(keys.base, at, keys.adapter) if keys else None
        return None

    def _candidates(self, value: Any, where: Where) -> tuple[Candidate, ...]:
        """Those of a mapping of labels, which all of them carry."""
        problems = self._problems
        if not isinstance(value, dict) or not value:
            problems.add(where, f"expected a mapping of labels to candidates, got {shown(value or None)}")
            return ()
        found: dict[str, Candidate] = {}
        for label, given in value.items():
            here = (*where, label)
            if not is_slug(label):
                problems.add(here, not_a_slug(label), key=True)
            for candidate in self._candidate(given, here, label):
                if candidate.label in found:
                    problems.add(here, f"two candidates would be called '{candidate.label}': rename one", key=True)
                found[candidate.label] = candidate
        return tuple(found.values())

    def _candidate(self, value: Any, where: Where, label: str = "") -> tuple[Candidate, ...]:
        """One, or one a seed; a mistake leaves none."""
        if not isinstance(value, dict) or self._is_model(value):
            name = self._model_name(value, where)
            if name and name.text.startswith(PLANTED):
                entry_of(ZOO, name.text.removeprefix(PLANTED), where, self._problems)
            return (Candidate(label, name),) if name else ()
        own = {key: value[key] for key in keys_of(MethodKeys) if key in value}
        if "method" not in value:
            near = next((key for key in value if " - " in unknown(key, ["method"])), None)
            if near is None:
                self._problems.add(where, "missing required key 'method'", key=True)
            else:
                self._problems.add((*where, near), unknown(near, ["method"]), key=True)
            return ()
        entry = entry_of(METHODS, value["method"], (*where, "method"), self._problems)
        if entry is None:
            return ()
        keys = shape_of(MethodKeys).read(own, where, self._problems)
        options = {key: option for key, option in value.items() if key not in own}
        config = read_method(entry, options, where, self._problems)
        use = MethodUse(entry.name, config, self._document.mark(where))
        if keys is None or keys.seeds == 1:
            return (Candidate(label, use),)
        return tuple(Candidate(f"{label or entry.name}-{i + 1}", use, i) for i in range(keys.seeds))

    def _system(self, value: Any, where: Where) -> str | None:
        """The system prompt; one from a file loses its last line break."""
        if isinstance(value, str):
            return value
        if not isinstance(value, dict):
            self._problems.add(where, f"expected text or {{file: PATH}}, got {shown(value)}")
            return None
        keys = shape_of(SystemFile).read(value, where, self._problems)
        path = self._files.one(keys.file, (*where, "file")) if keys else None
        if path is None:
            return None
        try:
            return path.read_text("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            self._problems.add((*where, "file"), f"'{path.name}' is not UTF-8: save it as UTF-8")
            return None

    def _retain(self, value: Any, where: Where) -> Material:
        if not isinstance(value, dict):
            message = f"expected a mapping such as {{questions: keep.jsonl}}, got {shown(value)}"
            self._problems.add(where, message)
            return NO_MATERIAL
        keys = shape_of(MaterialKeys).read(value, where, self._problems)
        if not value:
            self._problems.add(where, "`retain` needs `questions` or `documents`", key=True)
        return NO_MATERIAL if keys is None else read_material(value, keys, where, self._problems, self._files)

    def _knowledge(self, value: Any, where: Where) -> KnowledgeUse | None:
        problems = self._problems
        if not isinstance(value, dict):
            problems.add(where, f"expected a mapping such as {{source: countries}}, got {shown(value)}")
            return None
        keys = shape_of(KnowledgeKeys).read(value, where, problems)
        body: dict[str, Any] = {key: value[key] for key in PARTS if key in value}
        restricts = self._relations(body, (*where, "relations"))
        if isinstance(value.get("source"), str):
            entry_of(SOURCES, value["source"], (*where, "source"), problems)
        if not {"source", "include", "entities", "facts"} & value.keys():
            problems.add(where, "knowledge needs `source`, `include`, `entities` or `facts`", key=True)
        include = self._include(value.get("include", []), (*where, "include"))
        if keys is None:
            return None
        marks = self._document.within(where, body)
        return KnowledgeUse(body, marks, include, keys.source, restricts, self._document.mark(where, key=True))

    def _include(self, value: Any, where: Where) -> NamedFiles:
        items = [((*where, i), text) for i, text in enumerate(value)] if isinstance(value, list) else [(where, value)]
        files = [(self._files.one(text, here), here) for here, text in items if isinstance(text, str) and text]
        return tuple((path, self._document.mark(here)) for path, here in files if path is not None)

    def _relations(self, body: dict[str, Any], where: Where) -> tuple[str, ...] | None:
        """A list of relations restricts and leaves the body; a mapping defines and stays."""
        value = body.get("relations", {})
        if isinstance(value, dict):
            return None
        del body["relations"]
        if not isinstance(value, list) or not value:
            wanted = "a list of names or a mapping of definitions"
            self._problems.add(where, f"expected {wanted}, got {shown(value) if value != [] else 'an empty list'}")
            return None
        for i, name in enumerate(value):
            if not isinstance(name, str):
                self._problems.add((*where, i), f"expected the name of a relation, got {shown(name)}")
        return tuple(map(str, value))
