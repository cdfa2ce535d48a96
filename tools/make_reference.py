"""Write the pages of `docs/reference` that are made from the code: `python tools/make_reference.py`.

scenario.schema.json   the JSON Schema of a scenario, as `unlearn schema` prints it
scenario.md            the same for people
cli.md                 the commands and their options
options.md             what the pytest plugin adds: options, ini keys, marks, fixtures, environment, exit codes
api.md                 the public names, with what their docstrings promise

`records.md` beside them is written by hand; a test holds it against the records of a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
from public_names import homes, told, written
from typer.models import ArgumentInfo, OptionInfo

from pytest_unlearn import api, plugin
from pytest_unlearn.cli.app import app
from pytest_unlearn.cli.schema import text
from pytest_unlearn.gate.verdict import MEANINGS
from pytest_unlearn.registry import GRADERS, METHODS, METRICS, PLUG_INS, PROBES, SOURCES, TRANSFORMS, UTILITY
from pytest_unlearn.scenario import words
from pytest_unlearn.scenario.checks import FAMILIES
from pytest_unlearn.scenario.schema import Schema, schema
from pytest_unlearn.scenario.transforms import PRESETS
from pytest_unlearn.training.data import LoopConfig

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- made by tools/make_reference.py -->\n"


def pages() -> dict[str, str]:
    """File names and contents."""
    return {
        "scenario.schema.json": text() + "\n",
        "scenario.md": scenario(),
        "cli.md": cli(),
        "options.md": options(),
        "api.md": public(),
    }


def scenario() -> str:
    """The grammar of a scenario as tables."""
    root = schema()
    named, keys = root["definitions"], root["properties"]
    models, knowledge = keys["model"]["anyOf"][1], keys["knowledge"]
    selector = named["selector"]["anyOf"][0]["anyOf"][1]
    lines = [
        "# The keys of a scenario\n",
        MADE,
        "A scenario is a file `*.unlearn.yaml`, read as YAML 1.2. Where a number is expected, `5%` is 0.05; where a",
        "list is expected, one value may stand for a list of one. [`scenario.schema.json`](scenario.schema.json) says",
        "the same to an editor: `# yaml-language-server: $schema=PATH` in the first line of a scenario names a copy.\n",
        *_section("The file", root),
        *_section("`model`", models),
        *_section("`knowledge`", knowledge),
        *_section("An entity, in `knowledge: entities`", _mapping(knowledge["properties"]["entities"])),
        *_section("A relation, in `knowledge: relations`", _mapping(knowledge["properties"]["relations"]["anyOf"][0])),
        *_section("A type, in `knowledge: types`", _mapping(knowledge["properties"]["types"])),
        *_section("A selector, in `forget`", selector, "A name alone is an entity; a list selects all of its members."),
        *_section("`seeds`", keys["seeds"]),
        *_section("`gate`", keys["gate"]),
    ]
    for verb, registry in FAMILIES.items():
        first = named[f"check.{verb}.{registry.names()[0]}"]["properties"]
        own = {key for entry in map(registry.get, registry.names()) for key in entry.config.__dataclass_fields__}
        about = {key: value for key, value in named["check"]["properties"].items() if key == verb}
        shared = {key: value for key, value in {**first, **about}.items() if key not in own}
        lines += _section(f"A check that says `{verb}`", {"properties": shared})
        for name in registry.names():
            lines += _kind(named[f"check.{verb}.{name}"], verb, name, set(shared))
    lines.append("## Graders, in `grade`\n")
    for name in GRADERS.names():
        option = named["grader"]["anyOf"][1]["properties"][name]
        lines += [f"### `{name}`\n", f"{option['description']}\n", *_table(option["anyOf"][0])]
    lines.append("## Plug-ins of a method, in `wrap`\n")
    for name in PLUG_INS.names():
        option = named["plug_in"]["anyOf"][1]["properties"][name]
        lines += [f"### `{name}`\n", f"{option['description']}\n", *_table(option["anyOf"][0])]
    drawn = named["transforms"]["then"]
    lines += _section("`transforms`, where it is a mapping that says `draw`", drawn)
    lines += ["## Transforms, in `transforms`\n", "A preset stands for several of them:\n"]
    lines += ["| preset | transforms |", "|---|---|"]
    lines += [_row(f"`{name}`", ", ".join(f"`{one}`" for one in some)) for name, some in PRESETS.items()]
    lines.append("")
    for name in TRANSFORMS.names():
        option = named["transform"]["anyOf"][1]["properties"][name]
        own = option["anyOf"][0]
        lines += [f"### `{name}`\n", f"{option['description']}\n", *(_table(own) if own["properties"] else [])]
    lines.append("## Methods, in `model: candidate`\n")
    alike = _shared([named[f"candidate.{name}"] for name in METHODS.names()])
    trained = {key: value for key, value in alike.items() if key in {*LoopConfig.__dataclass_fields__, "seeds"}}
    lines += [
        "Every method that trains has these keys beside its own; where one of them means something else or has another",
        "default, it stands with the method again:\n",
        *_table({"properties": trained}),
    ]
    for name in METHODS.names():
        own = named[f"candidate.{name}"]
        lines += _kind(own, "method", name, {key for key in trained if own["properties"].get(key) == trained[key]})
    return "\n".join(lines).rstrip() + "\n"


def cli() -> str:
    """Every command with its arguments and options."""
    assert app.registered_callback is not None
    _, *about = _command(app.registered_callback.callback, "unlearn")
    return "\n".join(["# The `unlearn` command\n", MADE, *about, *_commands(app, "unlearn")]).rstrip() + "\n"


ENVIRONMENT = {
    "UNLEARN_CACHE": "where models made by methods and recipes are kept; the user's cache folder unless set",
    "CI": "where it is set, no progress is shown, and names are masked unless it is said otherwise",
    "GITHUB_ACTIONS": "where it is `true`, a gate annotates the lines of scenarios that it is about",
    "GITHUB_STEP_SUMMARY": "the page of a step on GitHub, to which a gate adds its own",
    "GITHUB_WORKSPACE": "what was checked out, from where annotations name files",
    "TERM": "the kind of terminal; where it is missing or `dumb`, no progress is shown",
    "PYTEST_XDIST_WORKER_COUNT": "pytest-xdist's; its workers share the CPU threads",
    "PYTEST_TIMEOUT": "pytest-timeout's; where checks have a time limit, each asks its questions when it is its turn",
}
EXITS = {
    pytest.ExitCode.OK: "every check that was selected passed, or did not apply, or was expected to fail (`xfail`)",
    pytest.ExitCode.TESTS_FAILED: "a check did not pass: `fail`, `inconclusive`, `vacuous` or `error`",
    pytest.ExitCode.INTERRUPTED: "a scenario or a file that it names has a mistake, or somebody pressed Ctrl-C; with "
    "`--continue-on-collection-errors` the other files run, and the code is 1",
    pytest.ExitCode.INTERNAL_ERROR: "pytest or a plugin broke down",
    pytest.ExitCode.USAGE_ERROR: "an option cannot be followed: `--unlearn-candidate` names no forget request or no "
    "model, or a request has no candidate at all",
    pytest.ExitCode.NO_TESTS_COLLECTED: "nothing was selected; a gate must not take this for a pass",
}


class _Options:
    """Stands where pytest's parser does, and keeps what the plugin adds."""

    def __init__(self) -> None:
        self.options: dict[str, dict[str, Any]] = {}
        self.ini: dict[str, tuple[str, Any]] = {}

    def getgroup(self, name: str, description: str = "") -> _Options:
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        self.options[", ".join(names)] = settings

    def addini(self, name: str, help: str, type: Any = None, default: Any = None) -> None:
        self.ini[name] = help, default


def options() -> str:
    """What the plugin adds to pytest."""
    found: Any = _Options()
    plugin.pytest_addoption(found)
    given = [
        (f"{name} {settings['metavar']}" if "metavar" in settings else name, settings["help"])
        for name, settings in found.options.items()
    ]
    fixture = type(pytest.fixture(lambda: None))
    fixtures = [(name, one.__doc__ or "") for name, one in vars(plugin).items() if isinstance(one, fixture)]
    lines = [
        "# What the plugin adds to pytest\n",
        MADE,
        "Pages of their own have the [`unlearn` command](cli.md) and the [keys of a scenario](scenario.md).\n",
        *_listed("Options", "option", given),
        *_listed("Ini keys", "key", [(name, f"{help} ({default})") for name, (help, default) in found.ini.items()]),
        "They stand where pytest's own do, for example under `[tool.pytest.ini_options]` in `pyproject.toml`. Where",
        "there is an option too, it wins.\n",
        *_listed("Marks", "mark", [tuple(mark.split(": ", 1)) for mark in plugin.MARKS]),
        "Every check has `unlearn`, the mark of its claim (`forget`, `utility`, `robustness` or `privacy`), `probe`,",
        "and the `tags` of its scenario and its own as marks: `-m 'forget and nightly'`,",
        "`-m \"probe(kind='inverse')\"`.\n",
        *_listed("Fixtures", "fixture", fixtures),
        *_listed("Environment variables", "variable", ENVIRONMENT.items()),
        "`HF_HOME` and the other variables of huggingface_hub say where models of the hub are kept, those of pip where",
        "`unlearn fetch` finds its packages.\n",
        *_listed("Exit codes", "code", [(int(code), meaning) for code, meaning in EXITS.items()]),
        "With `--unlearn-gate` the verdict of the gate is the exit code, and so it is for `unlearn gate`:\n",
        *_listed("Exit codes of a gate", "code", [(code, meaning) for code, meaning in sorted(MEANINGS.items())])[1:],
        "`unlearn` ends with 0 when it did what it was asked, with 2 and a message when it could not, and with 1 when",
        "it asked whether to remove something and the answer was no. `unlearn replay` ends with 0 for `FIXED`, 1 for",
        "`FAILED` and 2 for `ERROR`, `unlearn diff` with 1 where something got worse.",
    ]
    return "\n".join(lines).rstrip() + "\n"


def _listed(title: str, head: str, rows: Any) -> list[str]:
    return [f"## {title}\n", f"| {head} | meaning |", "|---|---|", *(_row(f"`{a}`", str(b)) for a, b in rows), ""]


SHELVES = {
    "asserting": "Tests of your own",
    "strategies": "Tests of your own",
    "probes": "Probe kinds",
    "graders": "Graders",
    "utility": "Utility checks",
    "metrics": "Metrics",
    "methods": "Methods",
    "training": "Methods",
    "knowledge": "Knowledge",
    "subjects": "Subjects, requests and answers",
    "verdict": "Verdicts",
    "registry": "Registered names",
    "names": "Names in running text",
    "errors": "Errors and warnings",
}
GROUPS = (
    (PROBES, api.probe_kind),
    (TRANSFORMS, api.transform),
    (GRADERS, api.grader),
    (UTILITY, api.utility),
    (METRICS, api.metric),
    (METHODS, api.method),
    (PLUG_INS, api.plug_in),
    (SOURCES, api.source),
)


def public() -> str:
    """The promise of the API module, the entry-point groups, and every public name."""
    shelves: dict[str, list[str]] = {title: [] for title in SHELVES.values()}
    for name, module in homes().items():
        shelves[SHELVES[module.split(".")[1]]].append(name)
    lines = ["# Public API\n", MADE, f"{inspect.cleandoc(api.__doc__ or '')}\n", "## Entry-point groups\n"]
    lines += ["| group | a name in it is a | registers with |", "|---|---|---|"]
    lines += [_row(f"`{one.package}`", one.family, f"`@{register.__name__}`") for one, register in GROUPS]
    lines += [
        "",
        "An entry point is named as what it registers, and names the module that does so. It is loaded when a scenario",
        "first uses that name. A function that registers has an argument `config`, annotated with a frozen dataclass:",
        "its fields are the keys in a scenario, their annotations the ranges.\n",
    ]
    for title, names in shelves.items():
        lines.append(f"## {title}\n")
        for name in names:
            first, rest = told(name)
            lines += [f"### `{name}`\n", *([f"{first}\n"] if first else []), "```text", *written(name), *rest, "```\n"]
    return "\n".join(lines).rstrip() + "\n"


def _commands(some: typer.Typer, name: str) -> Iterator[str]:
    for command in some.registered_commands:
        yield from _command(command.callback, f"{name} {command.name}")
    for group in some.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance, f"{name} {group.name}")


def _command(run: Any, name: str) -> list[str]:
    usage, rows = [name], []
    hints = get_type_hints(run, include_extras=True)
    for parameter in inspect.signature(run).parameters.values():
        kind, info = get_args(hints[parameter.name])
        default = "" if parameter.default in (parameter.empty, None, False, "") else f" ({parameter.default})"
        if isinstance(info, ArgumentInfo):
            called = parameter.name.upper()
            usage.append(called if parameter.default is parameter.empty else f"[{called}]")
        else:
            named = [] if info.default is ... else [info.default]  # where typer puts the first name beside a hint
            names = [*named, *(info.param_decls or ())] or [f"--{parameter.name.replace('_', '-')}"]
            value = "" if kind is bool else f" {(info.metavar or parameter.name).upper()}"
            called = f"{', '.join(names)}{value}"
        rows.append(_row(f"`{called}`", f"{info.help}{default}"))
    if any(isinstance(get_args(hint)[-1], OptionInfo) for hint in hints.values() if get_args(hint)):
        usage.insert(1, "[OPTIONS]")
    about = "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(run.__doc__).split("\n\n"))
    return [f"## `{' '.join(usage)}`\n", f"{about}\n", *(["| | |", "|---|---|", *rows, ""] if rows else [])]


def _section(title: str, mapping: Schema, text: str = "") -> list[str]:
    return [f"## {title}\n", *([f"{text}\n"] if text else []), *_table(mapping)]


def _kind(mapping: Schema, key: str, name: str, without: set[str]) -> list[str]:
    own = {one: value for one, value in mapping["properties"].items() if one not in without and one != key}
    return [f"### `{key}: {name}`\n", f"{mapping['description']}\n", *(_table({"properties": own}) if own else [])]


def _shared(mappings: list[Schema]) -> Schema:
    """The keys that most mappings have alike."""
    every = [(key, value) for mapping in mappings for key, value in mapping["properties"].items()]
    return {key: value for key, value in every if 2 * every.count((key, value)) > len(mappings)}


def _table(mapping: Schema) -> list[str]:
    required = mapping.get("required", [])
    rows = []
    for key, value in mapping["properties"].items():
        default = f"; {_yaml(value['default'])} unless given" if "default" in value else ""
        needed = "; required" if key in required else ""
        kind = words.kind(value)
        meaning = f"{value.get('description', '')}{f' ({kind})' if kind else ''}{default}{needed}"
        example = value["examples"][0] if "examples" in value else None
        rows.append(_row(f"`{key}`", meaning, "" if example is None else _yaml(example)))
    return ["| key | meaning | example |", "|---|---|---|", *rows, ""]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _yaml(value: Any) -> str:
    return f"`{words.line(value)}`"


def _mapping(named: Schema) -> Schema:
    """The mapping that the values of a named mapping may be."""
    value = named["additionalProperties"]
    found: Schema = next((one for one in value.get("anyOf", []) if "properties" in one), value)
    return found


if __name__ == "__main__":
    for name, content in pages().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
