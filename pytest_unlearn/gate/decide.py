"""From the records of some runs to one verdict. What cannot be seen to be right closes the gate.

Every line counts: a check that is judged twice, in one run or in several, passes when it does so each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from pytest_unlearn.gate.runs import Key, Record, Run, key, runs_of
from pytest_unlearn.gate.verdict import (
    CLOSED,
    EXCUSED,
    EXPIRED,
    INCONCLUSIVE,
    MEANINGS,
    NOTHING,
    VACUOUS,
    WARNED,
    GateVerdict,
    Judged,
    Reason,
    Standing,
    verdict,
)
from pytest_unlearn.gate.waivers import Excuses, Waiver, leaked
from pytest_unlearn.scenario.model import Gate
from pytest_unlearn.verdict.verdict import Outcome

SHOWN = 5  # names in one sentence
Stands = tuple[Standing, list[Reason], Waiver | None]


def decide(records: Iterable[Record], excuses: Excuses, today: date, more: Iterable[Reason] = ()) -> GateVerdict:
    """The verdict of a gate on some record lines. `more`: what else there is to say, by baselines."""
    runs = runs_of(records)
    reasons = [reason for run in runs for reason in _of_run(run)]
    if not any(run.planned or run.checks for run in runs):
        reasons.append(Reason(NOTHING, "no check was judged"))
    excuses, unused = _clear(runs, excuses)
    reasons += unused
    unstable = unsteady(runs)
    stood: list[tuple[Run, Judged, list[Reason]]] = []
    for run in runs:
        policies = {file: policy_of(run, file) for file in {one["file"] for one in run.checks}}
        for record in run.checks:
            standing, told, waiver = _stand(record, policies[record["file"]], excuses, today, unstable)
            stood.append((run, _judged(record, standing, waiver, today), told))
        seen = {key(record) for record in run.checks}
        for missing in (plan for found, plan in run.planned.items() if found not in seen):
            told = [_reason(CLOSED, "it was planned and has no verdict: it crashed, was skipped or never ran", missing)]
            stood.append((run, _judged(missing, Standing.UNJUDGED), told))
    out = _left_out(runs)
    checks = [judged for _, judged, _ in stood] + [_judged(plan, Standing.LEFT_OUT) for plan in out.values()]
    reasons += [reason for _, _, told in stood for reason in told]
    reasons += _of_policies(runs, checks, reasons)
    reasons += [*_of_versions(runs), *_stale(runs, excuses, today), *more]
    return verdict(reasons, sorted(checks, key=lambda check: (check.file, check.line, check.id)))


def _clear(runs: Iterable[Run], excuses: Excuses) -> tuple[Excuses, list[Reason]]:
    """Those of the excuses that are about one check, and what there is to say of others: ids name a scenario and not
    its file, and what is accepted of one model is not accepted of another."""
    files: dict[str, set[str]] = {}
    for file, id in (found for run in runs for found in (*run.planned, *run.left_out, *map(key, run.checks))):
        files.setdefault(id, set()).add(file)
    reasons = [
        Reason(
            0,
            f"not used, since {' and '.join(sorted(files[one.check]))} have such a check: give each scenario a `name`",
            one.check,
            one.at.file.name,
            one.at.line,
        )
        for one in (*excuses.waivers, *excuses.quarantine)
        if len(files.get(one.check, ())) > 1
    ]
    waivers, quarantine = (
        tuple(one for one in some if len(files.get(one.check, ())) < 2)
        for some in (excuses.waivers, excuses.quarantine)
    )
    return Excuses(waivers, quarantine), reasons


def policy_of(run: Run, file: str) -> Gate:
    """The policy that a run has recorded for a scenario; what an older record does not say is as a new file has it."""
    told = ((run.begun or {}).get("gate") or {}).get(file) or {}
    names = {field.name for field in fields(Gate)}
    made: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items() if name in names
    }
    return Gate(**made)


def unsteady(runs: Iterable[Run]) -> frozenset[str]:
    """The checks whose instrument is seen to be unstable: an answer is read otherwise in a batch than alone, or two
    verdicts on the same weights, questions and seeds differ."""
    found: set[str] = set()
    verdicts: dict[str, set[str]] = {}
    for run in runs:
        for record in run.checks:
            if any(tally.get("unstable") for tally in record["tallies"]):
                found.add(record["id"])
            same = repr((key(record), sorted(record["digests"].items()), record.get("profile"), record.get("seeds")))
            seen = verdicts.setdefault(same, set())
            seen.add(record["verdict"])
            if len(seen) > 1:
                found.add(record["id"])
    return frozenset(found)


def _of_run(run: Run) -> Iterator[Reason]:
    if run.begun is None and run.end is not None and not run.checks:
        yield Reason(NOTHING, "no check was judged")
    elif run.begun is None:
        yield Reason(CLOSED, f"run {run.name} has no plan: what it should have judged cannot be told")
    if run.end is None:
        yield Reason(CLOSED, f"run {run.name} was cut off: it has no last line")
        return
    code, others = run.end["exit"], run.end.get("others_failed", 0)
    if not 0 <= code < 256:
        yield Reason(CLOSED, f"pytest cannot have ended with {code}")
    elif code not in (0, 1):
        why = f": {MEANINGS[code]}" if code == WARNED else ""
        yield Reason(code, f"pytest ended with {code}{why}")
    elif others:
        yield Reason(CLOSED, f"{_count(others, 'other failure')} in the same run")
    elif code == 1 and all(one["verdict"] in ("pass", "not-applicable") for one in run.checks):
        yield Reason(CLOSED, "pytest ended with 1, and no verdict says why")


def _stand(record: Record, policy: Gate, excuses: Excuses, today: date, unstable: frozenset[str]) -> Stands:
    """What one verdict means, and what there is to say about it."""
    outcome, expected = Outcome(record["verdict"]), record.get("expected") == "fail"
    why = _first(record["reason"])
    match outcome:
        case Outcome.PASS:
            told = _of_reference(record, policy)
            if expected:
                told.append(_reason(0, "it passes, and is expected to fail: take its `xfail` out", record))
            return Standing.PASSED, told, None
        case Outcome.ERROR:
            return Standing.ERROR, [_reason(CLOSED, f"error: {why}", record)], None
        case Outcome.VACUOUS:
            return Standing.VACUOUS, [_vacuous(record, policy, why)], None
        case Outcome.NOT_APPLICABLE if record.get("check") in policy.not_applicable:
            return Standing.NOT_APPLICABLE, [], None
        case Outcome.NOT_APPLICABLE:
            text = f"not applicable: {why}; name it under `gate: not_applicable` if that is meant"
            return Standing.NOT_APPLICABLE, [_reason(VACUOUS, text, record)], None
    held = excuses.quarantined(record["id"])
    if held is not None and record["id"] in unstable:
        if held.days_left(today) >= 0:
            return Standing.QUARANTINED, [_reason(0, f"in quarantine: {held.told(today)}", record)], held
        return Standing.EXPIRED, [_reason(EXPIRED, f"the quarantine has expired: {held.told(today)}", record)], held
    told = []
    if held is not None:
        text = "it is in quarantine, and no answer and no verdict of it is seen to be unstable: it counts"
        told.append(_reason(0, text, record))
    if outcome is Outcome.INCONCLUSIVE:
        standing, reasons = _undecided(record, policy, why, expected)
        return standing, [*told, *reasons], None
    standing, reasons, waiver = _failed(record, policy, excuses, today, expected)
    return standing, [*told, *reasons], waiver


def _undecided(record: Record, policy: Gate, why: str, expected: bool) -> tuple[Standing, list[Reason]]:
    if expected:
        return Standing.EXPECTED, [_reason(0, f"expected to fail, and inconclusive: {why}", record)]
    code = INCONCLUSIVE if policy.on_inconclusive == "fail" else 0
    return Standing.INCONCLUSIVE, [_reason(code, f"inconclusive: {why}", record)]


def _failed(record: Record, policy: Gate, excuses: Excuses, today: date, expected: bool) -> Stands:
    """A failed check: what leaks decides, one by one."""
    why, found, waivers = _first(record["reason"]), leaked(record), excuses.of(record["id"])
    if expected and not waivers:
        return Standing.EXPECTED, [_reason(0, f"expected to fail: {why}", record)], None
    old = [waiver for waiver in waivers if waiver.days_left(today) < 0 and waiver.findings & found]
    fresh = found - frozenset[str]().union(*(waiver.findings for waiver in waivers))
    failed = [tally for tally in record["tallies"] if tally.get("outcome") == "fail"]
    if fresh or not found or not waivers or not all(tally.get("leaked") for tally in failed):
        named = f"; new: {_names([f'{chr(39)}{one}{chr(39)}' for one in sorted(fresh)])}" if waivers and fresh else ""
        return Standing.FAILED, [_reason(CLOSED, f"fails: {why}{named}", record)], None
    if old:
        told = [_reason(EXPIRED, f"its waiver has expired: {one.told(today)}", record) for one in old]
        return Standing.EXPIRED, told, old[0]
    waiver = excuses.covers(record["id"], found, today)
    assert waiver is not None  # neither new nor expired
    used = [one for one in waivers if one.findings & found]
    told = [_reason(0, f"waived: {one.told(today)}", record) for one in used]
    standing = Standing.WAIVED
    for tally in record["tallies"]:  # what another grader could not decide is not waived
        outcome, why = tally.get("outcome"), f"{tally.get('grader')}: {_first(str(tally.get('reason')))}"
        if outcome == Outcome.VACUOUS:
            other, more = Standing.VACUOUS, [_vacuous(record, policy, why)]
        elif outcome not in ("fail", "pass"):
            other, more = _undecided(record, policy, why, expected)
        else:
            continue
        told += more
        standing = other if any(reason.code for reason in more) else standing
    return standing, told, waiver


def _vacuous(record: Record, policy: Gate, why: str) -> Reason:
    return _reason(VACUOUS if policy.on_vacuous == "fail" else 0, f"vacuous: {why}", record)


def _of_reference(record: Record, policy: Gate) -> list[Reason]:
    if record["claim"] != "forget" or "reference" in record["digests"] or policy.on_no_reference == "allow":
        return []
    code = CLOSED if policy.on_no_reference == "fail" else 0
    return [_reason(code, "it is judged without a model that never learned the target", record)]


def _left_out(runs: tuple[Run, ...]) -> dict[Key, Record]:
    """The checks of the scenarios that no run has in its plan."""
    planned = {found for run in runs for found in run.planned}
    return {found: plan for run in runs for found, plan in run.left_out.items() if found not in planned}


def _of_policies(runs: tuple[Run, ...], checks: list[Judged], so_far: list[Reason]) -> Iterator[Reason]:
    """What each scenario's policy says about all of its checks together."""
    closing = {reason.check for reason in so_far if reason.code}
    policies = {(file, policy_of(run, file)) for run in runs for file in _files(run)}
    of_file: dict[str, list[Judged]] = {}
    for check in checks:
        of_file.setdefault(check.file, []).append(check)
    for file, policy in sorted(policies, key=repr):
        mine = of_file.get(file, [])
        out = [check.id for check in mine if check.standing is Standing.LEFT_OUT]
        if out:
            code = CLOSED if policy.on_left_out == "fail" else 0
            yield Reason(code, f"{_count(len(out), 'check')} left out: {_names(out)}", file=file)
        if len(out) == len(mine):
            continue  # which is all there is to say
        for claim in policy.require:
            having = [check for check in mine if check.claim == claim and check.standing is not Standing.LEFT_OUT]
            if not any(check.standing is Standing.PASSED or check.id in closing for check in having):
                why = "none of its checks passes" if having else "no check makes it"
                yield Reason(CLOSED, f"the claim `{claim}` is required, and {why}", file=file)
        excused = sorted({check.id for check in mine if check.standing in EXCUSED})
        if len(excused) > policy.max_waived:
            text = f"{_count(len(excused), 'check')} excused, at most {policy.max_waived} may be: {_names(excused)}"
            yield Reason(CLOSED, text, file=file)


def _files(run: Run) -> set[str]:
    """The scenarios that a run has to do with."""
    return {one["file"] for one in (*run.planned.values(), *run.left_out.values(), *run.checks)}


def _of_versions(runs: tuple[Run, ...]) -> Iterator[Reason]:
    """Records that do not belong together: of two versions of a scenario, or of two models under one name."""
    scenarios: dict[str, set[str]] = {}
    models: dict[tuple[Any, ...], set[str]] = {}
    for run in runs:
        for file, digest in ((run.begun or {}).get("scenarios") or {}).items():
            scenarios.setdefault(file, set()).add(str(digest))
        for record in run.checks:
            for role in ("original", "candidate", "reference"):
                if role in record["digests"]:
                    name = record["file"], record.get("target"), record.get("candidate"), role
                    models.setdefault(name, set()).add(str(record["digests"][role]))
    for file, digests in scenarios.items():
        if len(digests) > 1:
            yield Reason(CLOSED, "the records are of different versions of this scenario", file=file)
    for (file, target, label, role), digests in models.items():
        if len(digests) > 1:
            which = f"{role} {label}" if role == "candidate" and label else role
            yield Reason(CLOSED, f"the records of `{target}` are about different models as {which}", file=file)


def _stale(runs: tuple[Run, ...], excuses: Excuses, today: date) -> Iterator[Reason]:
    """Waivers of these scenarios that nothing needs any more, and entries that have expired."""
    seen: dict[str, frozenset[str]] = {}
    for record in (record for run in runs for record in run.checks):
        seen[record["id"]] = seen.get(record["id"], frozenset()) | leaked(record)
    known = {plan["id"] for run in runs for plan in (*run.planned.values(), *run.left_out.values())} | seen.keys()
    scenarios = {check.partition("/")[0] for check in known}
    for waiver in (*excuses.waivers, *excuses.quarantine):
        if waiver.check.partition("/")[0] not in scenarios or (waiver.check in known and waiver.check not in seen):
            continue  # of another scenario, or not judged
        place = waiver.check, waiver.at.file.name, waiver.at.line
        gone = sorted(waiver.findings - seen.get(waiver.check, frozenset()))
        if waiver.days_left(today) < 0:
            yield Reason(EXPIRED, f"expired: {waiver.told(today)}", *place)
        elif waiver.check not in known:
            yield Reason(0, "stale: the scenario has no such check; take the entry out", *place)
        elif gone:
            yield Reason(0, f"stale: {_names(gone)} no longer leaks; take it out before it expires", *place)


def _judged(record: Record, standing: Standing, waiver: Waiver | None = None, today: date = date.min) -> Judged:
    return Judged(
        record["id"],
        record["file"],
        _line(record),
        record["claim"],
        standing,
        record.get("verdict", ""),
        _first(record.get("reason", "")),
        waiver.days_left(today) if waiver else None,
        waiver.owner if waiver else "",
    )


def _reason(code: int, text: str, record: Record) -> Reason:
    return Reason(code, text, record["id"], record["file"], _line(record))


def _line(record: Mapping[str, Any]) -> int:
    """Where a check is written: `at` of its own line, `line` of a plan."""
    found = record.get("at", record.get("line", 0))
    return found if isinstance(found, int) else 0


def _first(text: str) -> str:
    return text.split("\n")[0]


def _names(names: Iterable[str]) -> str:
    """Some names, the first of them spelled out."""
    some = list(names)
    more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
    return f"{', '.join(some[:SHOWN])}{more}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
