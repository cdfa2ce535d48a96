"""What a run says in the terminal: how hard it looks, and what became of its checks. Registered by the plugin."""

from __future__ import annotations

import pytest

from pytest_unlearn.options import looks
from pytest_unlearn.plugin import LEFT

COLOURS = {
    **dict.fromkeys(("fail", "error"), "red"),
    **dict.fromkeys(("inconclusive", "vacuous"), "yellow"),
    "pass": "green",
}


def pytest_report_header(config: pytest.Config) -> str | None:
    """How hard the run looks, where that is not as usual: what it takes to ask the same questions again."""
    profile, seed = looks(config)
    if (profile, seed) == ("pr", None):
        return None
    return f"unlearn: --unlearn-profile {profile} --unlearn-seed {seed or 0}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What became of the checks, read from the records, so that it is the same with workers."""
    left = config.stash.get(LEFT, None)
    checks = [record for record in left.lines if record["line"] == "check"] if left else []
    for note in left.notes if left else ():
        terminalreporter.write_line(f"unlearn: {note}", yellow=True)
    if checks:
        from pytest_unlearn.report.text import concise, durations

        width, verbosity = config.get_terminal_writer().fullwidth, config.option.verbose
        terminalreporter.ensure_newline()
        if verbosity >= 0:
            terminalreporter.section("unlearning")
        told_by_gate = verbosity < 0 and config.getoption("unlearn_gate")
        for line in () if told_by_gate else concise(checks, width, verbosity):
            verdict = line.partition(" ")[0]
            terminalreporter.write(verdict, **{COLOURS.get(verdict, "bold"): True})
            terminalreporter.write(f"{line[len(verdict) :]}\n")
        if (slowest := config.getoption("unlearn_durations")) is not None:
            terminalreporter.section("slowest checks")
            for line in durations(checks, slowest, width):
                terminalreporter.write_line(line)
