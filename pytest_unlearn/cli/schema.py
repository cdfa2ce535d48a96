"""`unlearn schema`: the JSON Schema of scenario files, so that an editor completes and explains their keys."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of *.unlearn.yaml, with every kind that is installed.

    Save it, and name it in the first line of a scenario: `# yaml-language-server: $schema=scenario.schema.json`.
    """
    typer.echo(text())


def text() -> str:
    """The schema as it is printed."""
    from pytest_unlearn.scenario.schema import schema as built

    return json.dumps(built(), indent=2, ensure_ascii=False)
