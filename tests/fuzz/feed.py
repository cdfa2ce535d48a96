"""Feeds one reader with what atheris thinks of: `python tests/fuzz/feed.py READER -max_total_time=600`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pytest_unlearn", "json", "csv", "tomllib"]):
    import readers


def main() -> None:
    """The reader is named first; what follows is for libFuzzer, which ends with a code other than 0 at a traceback."""
    name, *rest = sys.argv[1:]
    folder = Path(tempfile.mkdtemp())
    (folder / "corpus").mkdir()
    (folder / "corpus" / "seed").write_text(readers.SEEDS[name], encoding="utf-8")
    words = re.findall(r"[^\s\"\\]+", readers.SEEDS[name])
    (folder / "words").write_text("\n".join(f'"{word}"' for word in sorted(set(words))), encoding="utf-8")
    (folder / "place").mkdir()
    read = getattr(readers.Place(folder / "place"), name)

    def once(data: bytes) -> None:
        readers.told(read, data)

    atheris.Setup([sys.argv[0], f"-dict={folder / 'words'}", *rest, str(folder / "corpus")], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
