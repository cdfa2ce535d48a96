"""The records and the verdict of a gate side by side: what every output of a gate is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_unlearn.gate.decide import policy_of
from pytest_unlearn.gate.runs import Key, Record, Run, key, runs_of
from pytest_unlearn.gate.verdict import GateVerdict, Judged, Reason, Standing

CLEAN = frozenset({Standing.PASSED, Standing.NOT_APPLICABLE})


@dataclass(frozen=True)
class Lines:
    """What a gate has judged and what it says of it. An output words this, and judges nothing anew."""

    verdict: GateVerdict
    records: Sequence[Record]

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs."""
        return runs_of(self.records)

    @cached_property
    def _of(self) -> Mapping[Key, list[Record]]:
        found: dict[Key, list[Record]] = {}
        for record in (record for run in self.runs for record in run.checks):
            found.setdefault(key(record), []).append(record)
        return found

    @cached_property
    def _told(self) -> Mapping[str, list[Reason]]:
        found: dict[str, list[Reason]] = {}
        for reason in self.verdict.reasons:
            found.setdefault(reason.check, []).append(reason)
        return found

    def record(self, check: Judged) -> Record | None:
        """The line that says the verdict of a check; None where it has none."""
        same = self._of.get((check.file, check.id), [])
        return next((one for one in same if one["verdict"] == check.verdict), None) if check.verdict else None

    def reasons(self, check: Judged) -> list[Reason]:
        """What the gate says about a check, the most severe first."""
        return [one for one in self._told.get(check.id, ()) if one.file in ("", check.file)]

    def parted(self) -> tuple[list[Judged], list[Judged], list[Judged]]:
        """The checks that are as they should be, those that are let be for now, and those that close the gate."""
        parts: tuple[list[Judged], list[Judged], list[Judged]] = ([], [], [])
        for check in self.verdict.checks:
            told = self.reasons(check)
            closes = any(one.code for one in told) or self._is_missed(check)
            parts[2 if closes else 0 if check.standing in CLEAN and not told else 1].append(check)
        return parts

    def _is_missed(self, check: Judged) -> bool:
        """Whether it was left out, and may not be."""
        if check.standing is not Standing.LEFT_OUT:
            return False
        seen = [run for run in self.runs if check.file in ((run.begun or {}).get("gate") or {})]
        return any(policy_of(run, check.file).on_left_out == "fail" for run in seen or self.runs)
