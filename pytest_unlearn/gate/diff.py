"""What became of each check between two runs, or over several: better, worse, new leaks, lost coverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_unlearn.gate.compare import Change, change, real
from pytest_unlearn.gate.runs import Key, Record, Run, key, runs_of
from pytest_unlearn.gate.waivers import leaked
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome

SHOWN = 5  # fingerprints in a line
NOTHING_SEEN = frozenset({Outcome.VACUOUS, Outcome.NOT_APPLICABLE, Outcome.ERROR})


class Move(StrEnum):
    """What became of a check, the worst first."""

    LOST = "lost coverage"
    LEAKS = "new leaks"
    WORSE = "worse"
    BETTER = "better"
    ADDED = "new check"


BAD = frozenset({Move.LOST, Move.LEAKS, Move.WORSE})


@dataclass(frozen=True, slots=True)
class Step:
    """One move of one check; a check can make several."""

    move: Move
    id: str
    file: str
    text: str


def diff(old: Iterable[Record], new: Iterable[Record]) -> tuple[Step, ...]:
    """What moved between the records of two runs, the worst first. Numbers move where chance does not explain it."""
    before, after = judged(old), judged(new)
    steps = [_lost(one) for found, one in before.items() if found not in after]
    steps += [
        Step(Move.ADDED, one["id"], one["file"], one["verdict"]) for found, one in after.items() if found not in before
    ]
    changes: list[tuple[Record, Change]] = []
    for found in (found for found in after if found in before):
        steps += _steps(before[found], after[found])
        changes += [(after[found], one) for one in _changes(before[found], after[found])]
    for move in (Move.WORSE, Move.BETTER):
        sure = real([one for _, one in changes], better=move is Move.BETTER)
        told = ((record, one) for (record, one), so in zip(changes, sure, strict=True) if so)
        steps += [Step(move, record["id"], record["file"], str(one)) for record, one in told]
    order = list(Move)
    return tuple(sorted(steps, key=lambda step: (order.index(step.move), step.file, step.id)))


def judged(records: Iterable[Record]) -> dict[Key, Record]:
    """The line of each check; where it was judged more than once, the worst of them."""
    found: dict[Key, Record] = {}
    for record in (record for run in runs_of(records) for record in run.checks):
        if key(record) not in found or _rank(record) > _rank(found[key(record)]):
            found[key(record)] = record
    return found


def history(several: Sequence[Iterable[Record]]) -> list[tuple[str, list[str]]]:
    """For each check, what came of it in each of several sets of records, in a few characters."""
    sets = [list(records) for records in several]
    runs = [(runs_of(records), judged(records)) for records in sets]
    names = sorted({found for made, one in runs for found in (*one, *_planned(made))})
    return [(id, [_cell(made, one.get((file, id)), (file, id)) for made, one in runs]) for file, id in names]


def _planned(runs: Sequence[Run]) -> set[Key]:
    return {found for run in runs for found in run.planned}


def _cell(runs: Sequence[Run], record: Record | None, found: Key) -> str:
    if record is None:
        return "no verdict" if found in _planned(runs) else "-"
    values = [tally["estimate"] for tally in record["tallies"] if isinstance(tally.get("estimate"), int | float)]
    return f"{record['verdict']} {values[0]:.3g}" if values else str(record["verdict"])


def _lost(record: Record) -> Step:
    return Step(Move.LOST, record["id"], record["file"], f"it has no verdict any more; it was {record['verdict']}")


def _steps(old: Record, new: Record) -> list[Step]:
    """What the two lines of a check say beside their numbers."""
    found: list[Step] = []

    def add(move: Move, text: str) -> None:
        found.append(Step(move, new["id"], new["file"], text))

    was, now = Outcome(old["verdict"]), Outcome(new["verdict"])
    if was is not now and now in NOTHING_SEEN:
        add(Move.LOST, f"{now.value}, was {was.value}: {new['reason'].split(chr(10))[0]}")
    elif was is not now:
        add(Move.WORSE if SEVERITY[now] > SEVERITY[was] else Move.BETTER, f"{now.value}, was {was.value}")
    if fresh := sorted(leaked(new) - leaked(old)):
        more = f" and {len(fresh) - SHOWN} more" if len(fresh) > SHOWN else ""
        add(Move.LEAKS, f"{', '.join(fresh[:SHOWN])}{more}")
    graders = {tally.get("grader"): tally for tally in new["tallies"]}
    for tally in old["tallies"]:
        after = graders.get(tally.get("grader"))
        if after is None:
            add(Move.LOST, f"{tally.get('grader')} no longer grades it")
        elif now not in NOTHING_SEEN and _units(after) < _units(tally):
            add(Move.LOST, f"{tally.get('grader')}: {_units(after)} known facts, were {_units(tally)}")
    return found


def _changes(old: Record, new: Record) -> list[Change]:
    """What changed in the numbers of graders that both have, where the same was asked."""
    if old["digests"].get("original") != new["digests"].get("original"):
        return []
    before = {tally.get("grader"): tally for tally in old["tallies"]}
    made = [
        change(str(tally["grader"]), new.get("mode", ""), before[tally["grader"]], tally)
        for tally in new["tallies"]
        if tally.get("grader") in before
    ]
    return [one for one in made if isinstance(one, Change)]


def _units(tally: Mapping[str, object]) -> int:
    found = tally.get("units", 0)
    return found if isinstance(found, int) else 0


def _rank(record: Record) -> int:
    return SEVERITY[Outcome(record["verdict"])]
