"""Paste terminal output into the documentation: `python tools/make_console.py [--models] [PAGE ...]`.

A block is made here where a comment stands before it, and shows the command and all that it says:

    <!-- console: unlearn probes -->
    ```console
    $ unlearn probes
    ```

The commands of a page run one after the other, each by the shell, in a project of their own. It holds the `scenarios`
and `fixtures` of the repository and the files of the page, blocks with a name beside their language; each is written
when its turn comes, so that a page can show a file, and later what became of it. With a `pyproject.toml` the project is
as good as installed: its modules can be imported, its entry points are found. `<!-- console, models: ... -->` marks
a command that asks or makes a model: it runs with `--models` only.

What is shown is 80 columns wide, without colours and without the header of pytest; the project is called
`/home/you/project`. Times are those of the run that was pasted: a block that differs in them alone stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_unlearn.subjects.store import default_root

ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(
    r"^```\w+ (?P<name>\S+)\n(?P<content>.*?)^```$"
    r"|^<!-- console(?P<models>, models)?: (?P<command>.+?) -->\n```console\n(?P<shown>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
HOME, PROJECT, STORE = "/home/you", "/home/you/project", "/home/you/.cache/pytest-unlearn"
KEPT = ("PATH", "HOME", "XDG_CACHE_HOME", "UNLEARN_CACHE", "PYTHONPATH", "OMP_NUM_THREADS")
TIME = re.compile(r"\b\d+(\.\d+)? ?s\b( \(\d+:\d\d:\d\d\))?")
NUMBER = re.compile(r"\d+(\.\d+)?(e-?\d+)?")


@dataclass(frozen=True, slots=True)
class Block:
    """The output of one command: as a page shows it, and as it is now; `start` and `end` are its place in the page."""

    command: str
    models: bool
    shown: str
    made: str
    start: int
    end: int

    def stale(self, *, numbers: bool = True) -> bool:
        """Whether the page shows something else, times aside, and other numbers too where they do not count."""
        return _plain(self.shown, numbers) != _plain(self.made, numbers)


def pages() -> list[Path]:
    """Every page that may have such blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str, *, models: bool) -> Iterator[Block]:
    """Run the commands of a page, given as text; those that need a model only with `models`."""
    steps = list(STEP.finditer(page))
    if not any(step["command"] and (models or not step["models"]) for step in steps):
        return
    with tempfile.TemporaryDirectory(prefix="unlearn-console-") as folder:
        project = start(Path(folder).resolve() / "project")
        for step in steps:
            if step["name"]:
                file = project / step["name"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(step["content"], encoding="utf-8")
                if step["name"] == "pyproject.toml":
                    install(project)
            elif models or not step["models"]:
                made = f"$ {step['command']}\n{said(step['command'], project)}"
                yield Block(step["command"], bool(step["models"]), step["shown"], made, *step.span("shown"))


def start(project: Path) -> Path:
    """Make the project of a page, without the page's own files."""
    for name in ("scenarios", "fixtures"):
        shutil.copytree(ROOT / name, project / name)
    (project / "pytest.ini").touch()
    return project


def install(project: Path) -> None:
    """Leave the entry points of a project where an editable installation would."""
    told = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = project / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Name: {told['name']}\nVersion: {told['version']}\n", encoding="utf-8")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in told["entry-points"].items()
    ]
    (folder / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def said(command: str, project: Path) -> str:
    """What a command says in `project`, output and errors as they come."""
    run = subprocess.run(
        command,
        shell=True,
        cwd=project,
        env=environment(project),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    text = run.stdout.replace(str(project), PROJECT).replace(str(default_root()), STORE).replace(str(Path.home()), HOME)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").split("\n"))


def environment(project: Path) -> dict[str, str]:
    """That of a command in `project`: little of this one's, so that output is the same everywhere."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    kept["PYTHONPATH"] = os.pathsep.join([str(project), *filter(None, [kept.get("PYTHONPATH")])])
    fixed = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1", "LANG": "C.UTF-8"}
    fixed |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "--no-header -p no:randomly"}
    return kept | fixed


def _plain(text: str, numbers: bool) -> list[str]:
    """The words of an output, without times and what is aligned by them."""
    timeless = re.sub(r"=+", "=", TIME.sub("#", text))
    return (timeless if numbers else NUMBER.sub("#", timeless)).split()


def main() -> None:
    """Rewrite the pages named, or all."""
    words = [word for word in sys.argv[1:] if word != "--models"]
    for page in [Path(word).resolve() for word in words] or pages():
        text = page.read_text(encoding="utf-8")
        made = [block for block in blocks(text, models="--models" in sys.argv) if block.stale()]
        for block in reversed(made):
            text = text[: block.start] + block.made + text[block.end :]
        page.write_text(text, encoding="utf-8")
        for block in made:
            print(f"{page.relative_to(ROOT)}: {block.command}")


if __name__ == "__main__":
    main()
