"""A table on the terminal, as wide as it is: 80 columns where nothing is known about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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
        made.add_row(*map(Text, row))  # text of a scenario is not markup
    Console(highlight=False).print(made)
