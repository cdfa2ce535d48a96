"""Hooks of the documentation site: pages stand on the shelf of their folder, and a block shows the file it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SHELVES = {"tutorial": "Tutorial", "how-to": "How-to", "explanation": "Explanation", "reference": "Reference"}
FILE = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Four shelves in their order, the pages of each by file name; the first heading of a page is its title."""
    folder = Path(config["docs_dir"])
    shelves = [
        {title: sorted(str(page.relative_to(folder)) for page in (folder / name).rglob("*.md"))}
        for name, title in SHELVES.items()
    ]
    config["nav"] = [{"Home": "index.md"}, *(shelf for shelf in shelves if any(shelf.values()))]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The name of a file, which stands beside the language of its block, becomes the title of the block."""
    return FILE.sub(r'```\1 title="\2"', markdown)
