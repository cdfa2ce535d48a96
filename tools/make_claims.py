"""Put claims of papers to small worlds: `python tools/make_claims.py [NAME ...] [--worlds 0 1 2] [--page]`.

Without names all claims are run, those whose record is there with its digest left out. Readings go to
scenarios/papers/records/NAME.json. `--page` alone only makes docs/explanation/claims.md from what is there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from claims import Claim, claims, run
from findings import Counted, Finding, findings
from suites import run as run_suite

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "claims.md"
BEGIN, END = "<!-- made by tools/make_claims.py -->", "<!-- end -->"
WORLDS = range(3)


def record_of(claim: Claim) -> dict[str, Any] | None:
    """The readings that are kept, if they are of the claim as it stands."""
    if not claim.record.exists():
        return None
    found: dict[str, Any] = json.loads(claim.record.read_text("utf-8"))
    return found if found["digest"] == claim.digest else None


def write(claim: Claim, worlds: Sequence[int]) -> None:
    """Run what is missing of a claim, and keep each world as it is done."""
    measure = run_suite if claim.suite else run
    kept = record_of(claim) or {"digest": claim.digest, "torch": torch.__version__, "worlds": {}}
    for world in worlds:
        if str(world) not in kept["worlds"]:
            kept["worlds"][str(world)] = measure(claim, world, lambda line: print(line, flush=True))
            claim.record.parent.mkdir(exist_ok=True)
            claim.record.write_text(_lines(kept), "utf-8")


def _lines(record: Mapping[str, Any]) -> str:
    """JSON with a line for each arm."""
    worlds = ",\n".join(
        f'  "{world}": {{\n' + ",\n".join(f'   "{arm}": {json.dumps(told)}' for arm, told in arms.items()) + "\n  }"
        for world, arms in record["worlds"].items()
    )
    return f'{{\n "digest": "{record["digest"]}",\n "torch": "{record["torch"]}",\n "worlds": {{\n{worlds}\n }}\n}}\n'


def text() -> str:
    """Everything between the marks of the page."""
    told = [(claim, record) for claim in claims() if (record := record_of(claim)) is not None]
    found = {claim.name: findings(claim, record) for claim, record in told}
    rows = []
    for claim, _ in told:
        counts = [str(sum(one.outcome == word for one in found[claim.name])) for word in OUTCOMES]
        rows.append([f"[{claim.title}](#{_anchor(claim.title)})", *counts])
    lines = [_summary([one for some in found.values() for one in some], told[0][1]["torch"]), ""]
    lines += _table(["claim", *(f">{word}" for word in OUTCOMES)], rows)
    for claim, record in told:
        lines += ["", *_section(claim, record, found[claim.name])]
    return "\n".join(lines)


OUTCOMES = ("reproduced", "undecided", "contradicted")


def _summary(found: Sequence[Finding | Counted], torch_version: str) -> str:
    counts = [f"{sum(one.outcome == word for one in found)} {word}" for word in OUTCOMES]
    return f"{len(found)} expectations: {', '.join(counts)}. Measured with torch {torch_version}."


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return "-".join(kept.split())


def _section(claim: Claim, record: Mapping[str, Any], found: Sequence[Finding | Counted]) -> Iterator[str]:
    worlds = record["worlds"]
    yield f"## {claim.title}\n"
    yield f"{claim.paper}. `scenarios/papers/{claim.name}.unlearn.yaml`, worlds {', '.join(worlds)}.\n"
    yield f"**Said.** {claim.says.strip()}\n"
    yield f"**Setting.** {claim.setting.strip()}\n"
    if claim.seen:
        yield f"**Seen.** {claim.seen.strip()}\n"
    rows = [[one.expected["says"], *measured(one), one.outcome] for one in found]
    yield from _table(["expected", ">measured", ">in each world", "outcome"], rows)
    yield ""
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for some in worlds.values():
        for arm, readings in some.items():
            arms.setdefault(arm, []).append(readings)
    if claim.suite:
        yield from _said(arms)
        return
    names = [name for name in claim.figures if all(name in one for some in arms.values() for one in some)]
    rows = [
        [arm, _steps(some), *(_spread([one[name][-1] for one in some]) for name in names)] for arm, some in arms.items()
    ]
    yield "After the last step, mean over worlds, least and most:\n"
    yield from _table(["candidate", ">steps", *(f">{name}" for name in names)], rows)


def _said(arms: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Each check in each world: its verdict, and of the facts asked about those that were answered or lost."""
    checks = list(dict.fromkeys(check for some in arms.values() for one in some for check in one))
    rows = [[check, *("; ".join(_counts(one[check]) for one in some) for some in arms.values())] for check in checks]
    yield (
        "What each check said, a world after the other, and of the facts it asked about those that were answered (of "
        "what must stay: lost). Some are answered by luck:\n"
    )
    yield from _table(["check", *arms], rows)


def _counts(told: Mapping[str, Any]) -> str:
    number = f"{told['leaks']}/{told['of']}" if "of" in told else f"{told['value']:.2f}" if "value" in told else ""
    return f"{told['verdict']} {number}".rstrip()


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(column.removeprefix('>') for column in columns)} |"
    yield f"|{'|'.join('---:' if column.startswith('>') else '---' for column in columns)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def measured(one: Finding | Counted) -> list[str]:
    """The mean with its interval, and the value in each world; of checks in how many it is so."""
    if isinstance(one, Counted):
        return [f"{one.held} of {len(one.values)} worlds", "; ".join(one.values)]
    values = ", ".join("-" if value is None else f"{value:.3g}" for value in one.values)
    if one.low is None or one.mean is None or one.high is None:
        return ["not reached in every world", values]
    return [f"{one.mean:.3g} ({one.low:.3g} to {one.high:.3g})", values]


def _steps(some: Sequence[Mapping[str, Any]]) -> str:
    reached = sorted({one["steps"][-1] for one in some})
    return " to ".join(map(str, (reached[0], reached[-1]) if len(reached) > 1 else reached))


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def page() -> str:
    """The page with what the records say now."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{text()}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="claims; all unless given")
    parser.add_argument("--worlds", type=int, nargs="+", default=WORLDS)
    parser.add_argument("--page", action="store_true", help="write the page")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.names or not given.page:
        for claim in claims():
            if not given.names or claim.name in given.names:
                write(claim, given.worlds)
    if given.page:
        PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
