"""Tables in CSV files: named columns, and every mistake at its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pytest_unlearn.errors import Mark, ScenarioError, did_you_mean
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.scenario.nodes import read_text

SEVERAL = "|"  # separates the values of a cell that holds more than one


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its cells by column, without white space around them, and where it begins."""

    cells: dict[str, str]
    at: Mark

    def several(self, column: str) -> tuple[str, ...]:
        """The values of a cell, separated by `|`; none where the column is not there."""
        parts = (part.strip() for part in self.cells.get(column, "").split(SEVERAL))
        return tuple(part for part in parts if part)


@lru_cache(maxsize=64)
def read_table(path: Path, content: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """The rows of a CSV file, whose first line names its columns, in any order.

    `content` is the digest of the file, so that a changed file is read again. Empty lines are left out. Raises
    ScenarioError with every mistake of the file.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    problems, rows, header = [], [], None
    line = 1
    try:
        for cells in reader:
            at, line = Mark(path, line), reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if header is None:
                header = cells
                problems += [problem(at, message) for message in _header(header, needed, optional)]
                if problems:
                    break
            elif len(cells) != len(header):
                message = f"expected {len(header)} cells, got {len(cells)}: put a cell that holds a comma in quotes"
                problems.append(problem(at, message))
            else:
                rows.append(Row(dict(zip(header, cells, strict=True)), at))
    except csv.Error as error:
        problems.append(problem(Mark(path, max(1, reader.line_num)), f"not valid CSV: {error}"))
    if not problems and not rows:
        problems.append(problem(Mark(path), f"the table is empty: its first line is {','.join((*needed, *optional))}"))
    for row in rows:
        for column in needed:
            if not row.cells[column]:
                problems.append(problem(row.at, f"the cell `{column}` is empty"))
    if problems:
        raise ScenarioError(sorted(problems, key=lambda one: one.mark.line))
    return tuple(rows)


def _header(names: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> list[str]:
    known = (*needed, *optional)
    unknown = [name for name in names if name not in known]
    found = [f"unknown column '{name}'{did_you_mean(name, known)}" for name in unknown]
    hinted = " ".join(found)
    found += [
        f"there is no column `{name}`: the first line names the columns, separated by commas"
        for name in needed
        if name not in names and f"did you mean '{name}'?" not in hinted
    ]
    found += [f"the column '{name}' is named twice" for name in known if names.count(name) > 1]
    return found
