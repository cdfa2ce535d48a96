"""One `*.unlearn.yaml` file as a Scenario, or all of its mistakes at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import digest, file_digest
from pytest_unlearn.errors import Mark
from pytest_unlearn.registry import METHODS, SOURCES
from pytest_unlearn.scenario.border import entry_of, shape_of, waiting
from pytest_unlearn.scenario.checks import ChecksReader, read_defaults
from pytest_unlearn.scenario.keys import LATER, DefaultKeys, FileKeys, KnowledgeKeys, ModelKeys, SystemFile
from pytest_unlearn.scenario.model import KnowledgeUse, MethodUse, ModelName, Models, Scenario
from pytest_unlearn.scenario.nodes import Where, read_yaml
from pytest_unlearn.scenario.problems import Problems, shown, unknown
from pytest_unlearn.scenario.targets import read_targets

SUFFIX = ".unlearn.yaml"


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
        self._files: dict[str, str] = {}  # files that the scenario names, with their digests

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
        sections = waiting("the file", data, (), problems)
        keys = shape_of(FileKeys).read(sections, (), problems)
        models = self._models(sections["model"], ("model",)) if "model" in sections else None
        knowledge = self._knowledge(sections["knowledge"], ("knowledge",)) if "knowledge" in sections else None
        targets = read_targets(sections["forget"], ("forget",), problems) if "forget" in sections else ()
        defaults: dict[str, Any] = {}
        confidence = DefaultKeys().confidence
        if "defaults" in sections:
            defaults, confidence = read_defaults(sections["defaults"], problems)
        checks = sections.get("checks", {})
        if "checks" in sections and (not isinstance(checks, dict) or not checks):
            problems.add(("checks",), f"expected a mapping of ids to checks, got {shown(checks or None)}")
            checks = {}
        alpha = (1 - confidence) / max(1, len(checks) * len(targets))
        read = ChecksReader(defaults, alpha, problems, [target.label for target in targets]).read(checks)
        problems.stop()
        assert keys is not None  # the three are missing only beside a mistake
        assert models is not None
        assert knowledge is not None
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
            gate=keys.gate,
            digest=digest(json.dumps(data, sort_keys=True), self._files),
        )

    def _models(self, value: Any, where: Where) -> Models | None:
        at = self._document.mark(where, key=True)
        if not isinstance(value, dict) or self._is_model(value):
            original = self._model_name(value, where)
            return Models(original, None, None, None, False, False, at) if original else None
        data = waiting("model", value, where, self._problems)
        keys = shape_of(ModelKeys).read(data, where, self._problems)
        parts = {
            key: (data[key], (*where, key)) for key in ("original", "candidate", "reference", "system") if key in data
        }
        original = self._model_name(*parts["original"]) if "original" in parts else None
        candidate = self._candidate(*parts["candidate"]) if "candidate" in parts else None
        reference = self._model_name(*parts["reference"]) if "reference" in parts else None
        system = self._system(*parts["system"]) if "system" in parts else None
        if keys is None or original is None:
            return None
        return Models(original, candidate, reference, system, keys.trust_remote_code, keys.remote is not None, at)

    def _is_model(self, value: Any) -> bool:
        """Whether a mapping stands where a name would: `{base, adapter}`, `{endpoint, name, key}`."""
        return isinstance(value, dict) and not LATER["model name"].isdisjoint(value)

    def _model_name(self, value: Any, where: Where) -> ModelName | None:
        if isinstance(value, str) and value:
            return ModelName(value, self._document.mark(where))
        if self._is_model(value):
            waiting("model name", value, where, self._problems)
        else:
            self._problems.add(where, f"expected the name of a model, got {shown(value)}")
        return None

    def _candidate(self, value: Any, where: Where) -> ModelName | MethodUse | None:
        if not isinstance(value, dict) or self._is_model(value):
            return self._model_name(value, where)
        data = waiting("candidate", value, where, self._problems)
        if "method" not in data:
            near = next((key for key in data if " - " in unknown(key, ["method"])), None)
            if near is None:
                self._problems.add(where, "missing required key 'method'", key=True)
            else:
                self._problems.add((*where, near), unknown(near, ["method"]), key=True)
            return None
        entry = entry_of(METHODS, data["method"], (*where, "method"), self._problems)
        if entry is None:
            return None
        options = {key: option for key, option in data.items() if key != "method"}
        config = shape_of(entry.config).read(options, where, self._problems)
        return MethodUse(entry.name, config, self._document.mark(where))

    def _system(self, value: Any, where: Where) -> str | None:
        """The system prompt; one from a file loses its last line break."""
        if isinstance(value, str):
            return value
        if not isinstance(value, dict):
            self._problems.add(where, f"expected text or {{file: PATH}}, got {shown(value)}")
            return None
        keys = shape_of(SystemFile).read(value, where, self._problems)
        path = self._file(keys.file, (*where, "file")) if keys else None
        if path is None:
            return None
        try:
            return path.read_text("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            self._problems.add((*where, "file"), f"'{path.name}' is not UTF-8: save it as UTF-8")
            return None

    def _knowledge(self, value: Any, where: Where) -> KnowledgeUse | None:
        problems = self._problems
        if not isinstance(value, dict):
            problems.add(where, f"expected a mapping such as {{source: countries}}, got {shown(value)}")
            return None
        data = waiting("knowledge", value, where, problems)
        keys = shape_of(KnowledgeKeys).read(data, where, problems)
        body: dict[str, Any] = {key: data[key] for key in ("entities", "relations", "facts", "types") if key in data}
        restricts = self._relations(body, (*where, "relations"))
        if isinstance(data.get("source"), str):
            entry_of(SOURCES, data["source"], (*where, "source"), problems)
        if not {"source", "include", "entities", "facts"} & data.keys() and len(data) == len(value):
            problems.add(where, "knowledge needs `source`, `include`, `entities` or `facts`", key=True)
        include = self._include(data.get("include", []), (*where, "include"))
        if keys is None:
            return None
        marks = self._document.within(where, body)
        return KnowledgeUse(body, marks, include, keys.source, restricts, self._document.mark(where, key=True))

    def _include(self, value: Any, where: Where) -> tuple[tuple[Path, Mark], ...]:
        items = [((*where, i), text) for i, text in enumerate(value)] if isinstance(value, list) else [(where, value)]
        files = [(self._file(text, here), here) for here, text in items if isinstance(text, str) and text]
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

    def _file(self, text: str, where: Where) -> Path | None:
        """A file that the scenario names, relative to its own folder."""
        try:
            path = (self._path.parent / text).resolve()
            inside, there = path.is_relative_to(self._root.resolve()), path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            self._problems.add(where, f"{shown(text)} is not a path that can be read: {why}")
            return None
        if not inside:
            self._problems.add(where, f"{shown(text)} lies outside of {self._root}: copy it into the project")
        elif not there:
            self._problems.add(where, f"there is no file {shown(text)} beside {self._path.name}")
        else:
            self._files[text] = file_digest(path)
            return path
        return None
