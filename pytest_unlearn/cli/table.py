"""A table on the terminal, as wide as it is: 80 columns where nothing is known about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from pytest_unlearn.redact import current

Table: TypeAlias = tuple[str, list[str], list[list[str]]]  # title, columns, rows
GAP = 2  # columns of the terminal between those of a table


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their titles. A title that starts with `>` is that of numbers, which stand to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        number = column.startswith(">")
        made.add_column(column.removeprefix(">"), justify="right" if number else "left", no_wrap=number)
    for row in rows:
        made.add_row(*(Text(current().text(cell)) for cell in row))  # text of a scenario is not markup
    Console(highlight=False).print(made)


def wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in parts that fit the terminal, each with the columns before the first of numbers."""
    rows = [[current().text(cell) for cell in row] for row in rows]
    first = next((i for i, column in enumerate(columns) if column.startswith(">")), len(columns))
    widths = [max(map(len, (column, *(row[i] for row in rows)))) + GAP for i, column in enumerate(columns)]
    room = shutil.get_terminal_size().columns - sum(widths[:first])
    parts: list[list[int]] = [[]]
    for i in range(first, len(columns)):
        if parts[-1] and columns[i].startswith(">") and sum(widths[j] for j in parts[-1]) + widths[i] > room:
            parts.append([])
        parts[-1].append(i)
    for part in parts:
        chosen = [*range(first), *part]
        print()
        table([columns[i] for i in chosen], [[row[i] for i in chosen] for row in rows])


def markdown_of(some: Iterable[Table], end: str) -> Iterator[str]:
    """The lines of tables in Markdown, and a last paragraph."""
    for title, columns, rows in some:
        names = [column.removeprefix(">") for column in columns]
        yield from (f"## {title.capitalize()}", "", f"| {' | '.join(names)} |")
        yield f"|{'|'.join('---:' if column.startswith('>') else '---' for column in columns)}|"
        told = ([current().text(cell).replace("|", "\\|") for cell in row] for row in rows)
        yield from (f"| {' | '.join(row)} |" for row in told)
        yield ""
    yield current().text(end).replace("\n", "\n\n")
