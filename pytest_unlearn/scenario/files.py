"""Files that a scenario names: relative to its own folder, inside the project."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.digest import file_digest
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import Problems, shown

_MAGIC = frozenset("*?[")


def find_file(text: str, beside: Path, root: Path) -> Path | str:
    """The file that `text` names in a file at `beside`, or what is wrong with it: not there, or outside of `root`."""
    try:
        path = (beside.parent / text).resolve()
        inside, there = path.is_relative_to(root.resolve()), path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        return f"{shown(text)} is not a path that can be read: {why}"
    if not inside:
        return f"{shown(text)} lies outside of {root}: copy it into the project"
    return path if there else f"there is no file {shown(text)} beside {beside.name}"


class Files:
    """Finds the files of one scenario. `digests` are those of all that were found, by the text that names them."""

    def __init__(self, path: Path, root: Path, problems: Problems) -> None:
        self._path, self._root, self._problems = path, root, problems
        self.digests: dict[str, str] = {}

    def one(self, text: str, where: Where) -> Path | None:
        """The file called `text`, which stands at `where`; None where there is none, which is then a problem."""
        found = find_file(text, self._path, self._root)
        if isinstance(found, str):
            self._problems.add(where, found)
            return None
        try:
            self.digests[text] = file_digest(found)
        except OSError as error:
            self._problems.add(where, f"{shown(text)} cannot be read: {error.strerror}")
            return None
        return found

    def matching(self, pattern: str, where: Where) -> tuple[Path, ...]:
        """The files that a pattern with `*`, `**` or `?` names, sorted; one without is the name of one file."""
        if not _MAGIC & set(pattern):
            path = self.one(pattern, where)
            return () if path is None else (path,)
        folder = self._path.parent
        try:
            texts = sorted(str(path.relative_to(folder)) for path in folder.glob(pattern) if not path.is_dir())
        except (OSError, ValueError, NotImplementedError, RuntimeError) as error:
            self._problems.add(where, f"{shown(pattern)} is not a pattern of files: {error}")
            return ()
        if not texts:
            self._problems.add(where, f"no file matches {shown(pattern)} beside {self._path.name}")
        found = [self.one(text, where) for text in texts]
        return tuple(path for path in found if path is not None)
