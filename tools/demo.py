"""Runs the demonstration scenario and holds its verdicts against those that the README shows.

Exit code 0 when they agree, 1 with the difference when they do not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pytest_unlearn.records import MERGED, read

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = "scenarios/europe.unlearn.yaml"
ROW = re.compile(r"^(pass|fail|inconclusive|vacuous|error|not-applicable) +(europe/\S+)", re.MULTILINE)


def main() -> int:
    """Run, compare, report."""
    records = ROOT / ".unlearn" / MERGED
    records.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "pytest", SCENARIO, *sys.argv[1:]], cwd=ROOT, check=False)
    if not records.exists():
        print("the run left no records")
        return 1
    seen = {record["id"]: record["verdict"] for record in read(records) if record["line"] == "check"}
    shown = {name: verdict for verdict, name in ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    for name in sorted(seen.keys() | shown.keys()):
        if seen.get(name) != shown.get(name):
            print(f"{name}: the README shows {shown.get(name, 'nothing')}, this run gave {seen.get(name, 'nothing')}")
    if seen == shown:
        print(
            f"\nThese are the {len(seen)} verdicts that the README shows: the leaks are real, so this demo succeeded."
        )
    return int(seen != shown)


if __name__ == "__main__":
    sys.exit(main())
