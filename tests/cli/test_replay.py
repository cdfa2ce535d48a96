"""`unlearn replay` of what is no finding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_finding_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    code = "from pytest_unlearn.cli.app import main; main()"
    words = [sys.executable, "-c", code, "replay", "none.json"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = "the finding none.json cannot be read: No such file or directory\n"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", told)
