"""Runs the demonstration scenario and holds its verdicts against those that the README shows.

Exit code 0 when they agree, 1 with the difference when they do not. With `--update` the README is made to show this
run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pytest_unlearn.records import MERGED, read
from pytest_unlearn.report.text import summary

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = "scenarios/europe.unlearn.yaml"
ROW = re.compile(r"^(pass|fail|inconclusive|vacuous|error|not-applicable) +(europe/\S+)", re.MULTILINE)
BLOCK = re.compile(r"(<!-- demo -->\n```text)(.*?)(```\n<!-- /demo -->)", re.DOTALL)


def main() -> int:
    """Run, compare, report."""
    (ROOT / ".unlearn" / MERGED).unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-v", SCENARIO, *(word for word in sys.argv[1:] if word != "--update")]
    subprocess.run(command, cwd=ROOT, check=False)
    if not (ROOT / ".unlearn" / MERGED).exists():
        print("the run left no records")
        return 1
    checks = [record for record in read(ROOT / ".unlearn" / MERGED) if record["line"] == "check"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if "--update" in sys.argv:
        lines = "\n".join(line.rstrip() for line in summary(checks, 120))
        readme = BLOCK.sub(lambda block: f"{block[1]}\n{lines}\n{block[3]}", readme)
        (ROOT / "README.md").write_text(readme, encoding="utf-8")
    seen = {check["id"]: check["verdict"] for check in checks}
    shown = {name: verdict for verdict, name in ROW.findall(readme)}
    for name in sorted(seen.keys() | shown.keys()):
        if seen.get(name) != shown.get(name):
            print(f"{name}: the README shows {shown.get(name, 'nothing')}, this run gave {seen.get(name, 'nothing')}")
    if seen == shown:
        print(f"\nThese are the {len(seen)} verdicts that the README shows: the leaks are real, so the demo succeeded.")
    return int(seen != shown)


if __name__ == "__main__":
    sys.exit(main())
