"""The options and ini keys of the plugin."""

from __future__ import annotations

import argparse

import pytest

OUTPUTS = {
    "markdown": "a page for people",
    "sarif": "what leaks or is lost, for code scanning (SARIF 2.1.0)",
    "evidence": "a statement about the weights, to be signed (in-toto)",
    "csv": "a table of all checks",
    "parquet": "the same for notebooks, with pyarrow",
}


def add(parser: pytest.Parser) -> None:
    """Every option of the plugin, all under one prefix."""
    group = parser.getgroup("unlearn", "unlearning scenarios")
    group.addoption(
        "--unlearn-candidate",
        action="append",
        default=[],
        metavar="[TARGET=]PATH",
        help="put this checkpoint in the candidate's place, for one forget label or for all",
    )
    group.addoption(
        "--unlearn-contract",
        action="append",
        default=[],
        metavar="MODULE:METHOD",
        help="run the tests that every unlearning method must pass for this one, and nothing else",
    )
    group.addoption("--unlearn-device", default=None, metavar="DEVICE", help="auto (default), cpu, cuda, cuda:1, mps")
    group.addoption("--unlearn-dir", default=None, metavar="DIR", help="where records and memo go (default .unlearn)")
    group.addoption(
        "--unlearn-durations",
        type=int,
        default=None,
        metavar="N",
        help="show the N slowest checks with what they asked of the models (N=0 for all)",
    )
    group.addoption(
        "--unlearn-gate", action="store_true", help="end with one verdict for a release, which is the exit code"
    )
    group.addoption(
        "--unlearn-baseline-update",
        action="store_true",
        help="write what the run has found to baselines/ beside its scenarios",
    )
    group.addoption(
        "--unlearn-baseline-update-new", action="store_true", help="the same for checks without a baseline only"
    )
    group.addoption(
        "--unlearn-waivers", default=None, metavar="FILE", help="waivers of the gate (default unlearn-waivers.yaml)"
    )
    for kind, what in OUTPUTS.items():
        group.addoption(
            f"--unlearn-{kind}", default=None, metavar="FILE", help=f"write the verdict of the gate: {what}"
        )
    group.addoption(
        "--unlearn-redact",
        nargs="?",
        const="on",
        default=None,
        choices=("on", "off"),
        metavar="on|off",
        help="mask names and answers that are private or forgotten in all that is written (default: on in CI)",
    )
    group.addoption(
        "--unlearn-profile",
        default=None,
        choices=("pr", "nightly", "audit"),
        help="how hard to look: pr (default), nightly or audit",
    )
    group.addoption(
        "--unlearn-seed",
        type=_seed,
        default=None,
        metavar="N",
        help="draw other questions (default 0; in the profile nightly the day, 20260301)",
    )
    group.addoption("--unlearn-network", action="store_true", help="let model hub ids be downloaded")
    group.addoption(
        "--unlearn-trust-remote-code",
        action="store_true",
        help="run code that comes with a model, where the scenario says `trust_remote_code: true` as well",
    )
    parser.addini("unlearn_dir", "where records and memo go", default=".unlearn")
    parser.addini("unlearn_memo_limit", "size of the memo above which its oldest answers are dropped", default="2 GB")
    parser.addini("unlearn_redact", "mask names: on, off, or auto, which is on where CI is set", default="auto")
    parser.addini("unlearn_device", "device that models run on", default="auto")
    parser.addini("unlearn_profile", "how hard to look: pr, nightly or audit", default="pr")


def looks(config: pytest.Config) -> tuple[str, int | None]:
    """The profile of a run, and its seed where it has one."""
    profile = config.getoption("unlearn_profile") or config.getini("unlearn_profile")
    return profile, config.getoption("unlearn_seed")


def _seed(text: str) -> int:
    """A whole number that the seed of a scenario can be added to."""
    if not text.isascii() or not text.isdigit() or int(text) >= 2**62:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to 2^62 - 1, not {text!r}")
    return int(text)
