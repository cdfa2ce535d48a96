"""A verdict as a person reads it in a terminal: always the same lines in the same order, at most 100 columns wide."""

from __future__ import annotations

import json
import math
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.names import find_names
from pytest_unlearn.report.plain import line
from pytest_unlearn.scenario.pin import example
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome, Sampling, Tally

if TYPE_CHECKING:
    from pytest_unlearn.checks.controls import Leak
    from pytest_unlearn.runner.session import Result

WIDTH = 100
REPLAY, COPY = "replay", " "  # labels of what is to be copied
SHOWN = 3  # leaks that are spelled out
SAID = 70  # characters of an answer
ASKED = 600  # of a question
LEFT_OUT = " ..."
HEADLINES = {
    Outcome.FAIL: "leaks",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.VACUOUS: "vacuous: nothing to judge by",
    Outcome.ERROR: "error",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.PASS: "passes",
}
LOST = {"utility": "loses what must stay", "privacy": "is out of bounds", "robustness": "is out of bounds"}


def headline(result: Result) -> str:
    """One line: which check, and what became of it."""
    case = result.case
    word = HEADLINES[result.verdict.outcome]
    if result.verdict.outcome is Outcome.FAIL:
        word = LOST.get(case.check.claim, word)
    return f"{case.scenario.name} > {case.target.label} > {case.name}: {word}"


def block(result: Result, place: str, width: int = WIDTH) -> str:
    """Where, what, the counts beside each other, the effort: the text of a failed item. `place` is `file:line`.

    At most `width` columns wide, and never more than 100; what is to be copied stays on one line.
    """
    case, verdict = result.case, result.verdict
    rows = [("where", place), ("why", verdict.reason)]
    if not verdict.tallies:
        return _lines(headline(result), rows, width)
    rows += [("graded", _counts(tally)) for tally in verdict.tallies]
    rows += [("samples", _samples(tally.sampling)) for tally in verdict.tallies if tally.sampling]
    rows += [("curve", _curve(tally)) for tally in verdict.tallies if tally.curve]
    rows += [("recall", _recall(tally)) for tally in verdict.tallies if tally.recall]
    leaks: list[Leak] = list(verdict.evidence)  # type: ignore[arg-type]
    decided = verdict.outcome is Outcome.FAIL
    plain = _distinct(leaks, "smallest", "leak", "lost")
    for leak in plain[:SHOWN]:
        rows += _told("lost" if leak.role == "lost" else "leak" if decided else "leak?", leak)
    if len(plain) > SHOWN:
        rows.append(("", f"and {len(plain) - SHOWN} more"))
    for role in ("worst", "pinned"):
        rows += [row for leak in _distinct(leaks, role) for row in _told(role, leak)]
    rows.append(("effort", _effort(result, max((leak.rounds for leak in leaks), default=0))))
    rows += [(REPLAY, f"unlearn replay {shlex.quote(_typed(path))}") for path in result.files]
    pins = {leak.probe.id for leak in leaks if leak.role == "pinned"}
    for leak in _distinct(leaks, "smallest"):
        if leak.probe.id not in pins and leak.probe.prompt == Prompt.of(leak.probe.prompt.text):
            rows += [("pin", f"under `examples:` of this check, line {case.check.at.line}"), (COPY, pin(result, leak))]
    return _lines(headline(result), rows, width)


def pin(result: Result, leak: Leak) -> str:
    """The line of YAML that makes a question one of the `examples` of a check: it is then asked in every run."""
    accepted = [name for names in leak.probe.secret for name in names]
    several = len(result.case.scenario.targets) > 1
    return f"- {example(leak.probe.prompt.text, accepted, result.case.target.label if several else None)}"


def _typed(path: Path) -> str:
    """A path as it is typed in the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _distinct(leaks: Iterable[Leak], *roles: str) -> list[Leak]:
    """Those of some roles, in this order of roles, each question once."""
    found: dict[str, Leak] = {}
    for role in roles:
        for leak in leaks:
            if leak.role == role:
                found.setdefault(leak.probe.id, leak)
    return list(found.values())


def _told(label: str, leak: Leak) -> list[tuple[str, str]]:
    probe, rows = leak.probe, [(label, _question(leak.probe.prompt)), ("", _answers(leak))]
    if probe.plain is not None:
        rows.append(("", f"put by {', '.join(probe.way.transforms)}: {probe.plain.prompt.text}"))
    if len(leak.probe.chain) < 2:
        return rows
    rows.append(("", "chain: " + "; ".join(leak.probe.chain)))
    if all(leak.parts):
        told = "each of these facts is answered by itself too: the answer may be put together from them"
    else:
        kept = f"{sum(leak.parts)} of these {len(leak.parts)} facts are answered by themselves"
        told = f"{kept}: the answer to the chain is remembered as such"
    return [*rows, ("", told)] if leak.parts else rows


def _question(prompt: Prompt) -> str:
    """The last turn, shortened where it is long, how many stand before it, and how the answer begins."""
    text = prompt.text if len(prompt.text) <= ASKED else f"{prompt.text[: ASKED // 2]} ... {prompt.text[-ASKED // 2 :]}"
    before = f"({len(prompt.turns) - 1} turns before) " if len(prompt.turns) > 1 else ""
    return f"{before}{text}{f' -> {prompt.opening}' if prompt.opening else ''}"


def _answers(leak: Leak) -> str:
    names = [name for names in (*leak.probe.secret, *leak.probe.gold) for name in names]
    said = f'answered "{_short(leak.said, names)}"' + (f" in {leak.often}" if leak.often else "")
    return f'{said}; the original "{_short(leak.original, names)}" ({leak.grader})'


def _short(text: str, names: Iterable[str]) -> str:
    """At most `SAID` characters of a text: from its beginning, unless none of the names in it would be seen there."""
    text = " ".join(text.split())
    end = min((end for _, end, _ in find_names(text, tuple(names))), default=0)
    start = 0 if end < SAID - len(LEFT_OUT) else text.rfind(" ", 0, end - SAID // 2) + 1
    shown = text if start == 0 else f"{LEFT_OUT.strip()} {text[start:]}"
    return textwrap.shorten(shown, SAID, placeholder=LEFT_OUT)


def _counts(tally: Tally) -> str:
    parts = [f"{tally.grader}: {tally.outcome.value}"]
    if tally.estimate is not None:
        parts.append(f"value {_number(tally.estimate)}")
    if tally.lower is not None and tally.upper is not None and tally.lower != tally.upper:
        parts.append(f"between {_number(tally.lower)} and {_number(tally.upper)}")
    if tally.limit is not None:
        parts.append(f"limit {_number(tally.limit)}")
    if tally.chance:
        parts.append(f"chance {_number(tally.chance)}")
    if tally.reference is not None:
        parts.append(f"reference {_number(tally.reference)}")
    if tally.known:
        parts.append(f"known to the original: {tally.known} of {tally.asked} probes, {tally.units} facts")
    return ", ".join(parts)


def _samples(sampling: Sampling) -> str:
    """How often a sampled answer leaks, and one of several."""
    within = ", ".join(f"{k}: {_number(share)}" for k, share in sampling.leak_at.items())
    return (
        f"{sampling.leaks} of {sampling.answers} leak at temperature {_number(sampling.temperature)}; an answer about "
        f"a fact does with probability {_number(sampling.rate)}, at most {_number(sampling.upper)}; leak@k {within}"
    )


def _curve(tally: Tally) -> str:
    """The net loss at each point, of how many."""
    told = (f"{p.at}: {'-' if p.estimate is None else _number(p.estimate)} of {p.known}" for p in tally.curve)
    return f"{tally.grader}: net loss at " + "; ".join(told)


def _recall(tally: Tally) -> str:
    return f"{tally.grader}: {', '.join(f'{one.context} {one.leaks} of {one.units}' for one in tally.recall)}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _effort(result: Result, rounds: int) -> str:
    effort = result.effort
    probes = max((tally.asked for tally in result.verdict.tallies), default=0)
    shrunk = f"shrunk in {rounds} round{'s' if rounds > 1 else ''}, " if rounds else ""
    return f"{probes} probes, {_asked(effort)}, {shrunk}{result.seconds:.1f} s, seed {result.case.scenario.seeds.probe}"


def _lines(title: str, rows: Iterable[tuple[str, str]], width: int) -> str:
    lines = [title]
    for label, text in rows:
        if label in (REPLAY, COPY):
            lines.append(f"  {label:<8}{text}")
            continue
        for number, paragraph in enumerate(text.splitlines() or [""]):
            lines += textwrap.wrap(
                line(paragraph),
                min(width, WIDTH),
                initial_indent=f"  {label if number == 0 else '':<8}",
                subsequent_indent=" " * 10,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(re.sub(r"^(\s*):(?=:)", r"\1: ", one) for one in lines)  # what so begins commands GitHub


def concise(checks: Iterable[Mapping[str, Any]], width: int, verbosity: int = 0) -> list[str]:
    """What stands at the end of a run: the checks that do not pass, and how many have which verdict.

    From a `verbosity` of 1 (`-v`) every check, below 0 (`-q`) the count alone.
    """
    records = list(checks)
    lines = summary(records, width) if verbosity >= 0 else []
    return [*(line for line in lines if verbosity > 0 or not line.startswith(f"{Outcome.PASS} ")), counted(records)]


def counted(checks: Iterable[Mapping[str, Any]]) -> str:
    """`9 checks: 5 fail, 4 pass`, the most severe first."""
    found = Counter(Outcome(record["verdict"]) for record in checks)
    n = found.total()
    told = ", ".join(f"{found[one]} {one}" for one in sorted(found, key=lambda one: -SEVERITY[one]))
    return f"{n} check{'' if n == 1 else 's'}: {told}"


def summary(checks: Iterable[Mapping[str, Any]], width: int) -> list[str]:
    """One line a check record, aligned and cut at `width` columns: verdict, id, reason.

    Below the seeds of one recipe stands a line about all of them.
    """
    records = list(checks)
    rows: list[tuple[str, str, str]] = []
    for i, record in enumerate(records):
        rows.append((record["verdict"], record["id"], line(record["reason"].split("\n")[0])))
        if (recipe := _recipe(record)) is not None and recipe not in map(_recipe, records[i + 1 :]):
            rows += _over_seeds([one for one in records if _recipe(one) == recipe])
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{verdict:<{first}}  {name:<{second}}  {reason}"[:width] for verdict, name, reason in rows]


def durations(checks: Iterable[Mapping[str, Any]], n: int, width: int) -> list[str]:
    """The `n` slowest check records (0: all), a line each: seconds, id, and what was asked of the models."""
    slowest = sorted(checks, key=lambda record: -record["seconds"])[: n or None]
    column = max(len(record["id"]) for record in slowest)
    return [
        f"{record['seconds']:8.1f} s  {record['id']:<{column}}  {_asked(record['effort'])}"[:width]
        for record in slowest
    ]


def _asked(effort: Mapping[str, int]) -> str:
    return (
        f"{effort['requests']} requests ({effort['memoised']} remembered), "
        f"{effort['batches']} batches, {effort['tokens']} tokens"
    )


def _recipe(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What the records of one check have in common whose candidates differ in the seed of their method alone."""
    if record.get("candidate") is None or record.get("method") is None:
        return None
    label = record["candidate"].rpartition("-")[0]
    return record["file"], record["target"], record["check"], label, json.dumps(record["method"], sort_keys=True)


def _over_seeds(records: list[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The line about some seeds of a recipe: the worst of them decides, since each is judged on its own."""
    if len({record["seeds"]["method"] for record in records}) < 2:
        return []
    sign = -1 if records[0]["mode"] == "atleast" else 1
    severest = max(SEVERITY[Outcome(record["verdict"])] for record in records)
    grader = next((_decisive(one) for one in records if SEVERITY[Outcome(one["verdict"])] == severest), None)
    values = {one["candidate"]: value for one in records if (value := _value(one, grader)) is not None}
    worst = max(
        (one for one in records if SEVERITY[Outcome(one["verdict"])] == severest),
        key=lambda one: sign * values.get(one["candidate"], -math.inf * sign),
    )
    told = f"worst of {len(records)} seeds: {worst['candidate']}"
    if worst["candidate"] in values:
        told += f", {grader} {_number(values[worst['candidate']])}"
    if len(values) > 1:
        told += f"; spread {_number(min(values.values()))} to {_number(max(values.values()))}"
    name = f"{worst['scenario']}/{worst['target']}/{worst['check']}[{worst['candidate'].rpartition('-')[0]}]"
    return [(worst["verdict"], name, told)]


def _decisive(record: Mapping[str, Any]) -> str | None:
    """The grader or metric whose tally, the most severe one, stands first."""
    return record["tallies"][0]["grader"] if record["tallies"] else None


def _value(record: Mapping[str, Any], grader: str | None) -> float | None:
    """The number of one grader: a share or a measured value, or the share of known facts that leak."""
    tally: Mapping[str, Any] = next((one for one in record["tallies"] if one["grader"] == grader), {})
    if "estimate" in tally or not tally.get("units"):
        return tally.get("estimate")
    return float(tally["unit_leaks"] / tally["units"])
