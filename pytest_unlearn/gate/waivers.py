"""`unlearn-waivers.yaml`: what is known to leak and accepted until a day, and checks whose instrument is unstable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from annotated_types import MinLen

from pytest_unlearn.errors import Mark
from pytest_unlearn.scenario.border import shape_of
from pytest_unlearn.scenario.nodes import Document, Where, read_yaml
from pytest_unlearn.scenario.problems import Problems, shown

FILE = "unlearn-waivers.yaml"
LONGEST = 90  # days until a waiver expires
_FINGERPRINT = re.compile("[0-9a-f]{8}")
NotEmpty = Annotated[str, MinLen(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineKeys:
    """An entry of `quarantine`.

    `check`: the id of the check, as in its record, e.g. `europe/france/inverse`
    `reason`: why it may be, in a sentence
    `owner`: who answers for it
    `issue`: where that is followed up
    `expires`: the last day on which it holds, at most 90 days ahead, e.g. `2026-03-01`
    """

    check: NotEmpty
    reason: NotEmpty
    owner: NotEmpty
    issue: NotEmpty
    expires: NotEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverKeys:
    """An entry of `waivers`.

    `check`: the id of the check, as in its record, e.g. `europe/france/inverse`
    `finding`: fingerprints of what may leak, e.g. `1f0c92ab`
    `reason`: why it may, in a sentence
    `owner`: who answers for it
    `issue`: where that is followed up
    `expires`: the last day on which it holds, at most 90 days ahead, e.g. `2026-03-01`
    """

    check: NotEmpty
    finding: Annotated[tuple[NotEmpty, ...], MinLen(1)]
    reason: NotEmpty
    owner: NotEmpty
    issue: NotEmpty = ""
    expires: NotEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFile:
    """The keys of the file.

    `version`: 1
    `waivers`: findings that are accepted for now
    `quarantine`: checks whose instrument is unstable
    """

    version: int
    waivers: tuple[Any, ...] = ()
    quarantine: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry. `findings` is empty in a quarantine."""

    check: str
    findings: frozenset[str]
    reason: str
    owner: str
    issue: str
    expires: date
    at: Mark

    def days_left(self, today: date) -> int:
        """Days until it has expired: 0 on its last day, below 0 after it."""
        return (self.expires - today).days

    def told(self, today: date) -> str:
        """`REASON (OWNER, n days left)`."""
        left = self.days_left(today)
        days = "1 day" if abs(left) == 1 else f"{abs(left)} days"
        return f"{self.reason} ({self.owner}, {f'{days} left' if left >= 0 else f'expired {days} ago'})"


@dataclass(frozen=True, slots=True)
class Excuses:
    """All that one file says."""

    waivers: tuple[Waiver, ...] = ()
    quarantine: tuple[Waiver, ...] = ()

    def of(self, check: str) -> tuple[Waiver, ...]:
        """The waivers of a check, expired ones too."""
        return tuple(waiver for waiver in self.waivers if waiver.check == check)

    def quarantined(self, check: str) -> Waiver | None:
        """The quarantine that a check is in, expired or not."""
        return next((one for one in self.quarantine if one.check == check), None)

    def covers(self, check: str, leaked: Iterable[str], today: date) -> Waiver | None:
        """Of the live waivers that cover all that leaked in a check, the one that expires first; None if they do not.

        Where it is not known what leaked, nothing is covered.
        """
        live = [waiver for waiver in self.of(check) if waiver.days_left(today) >= 0]
        leaked = frozenset(leaked)
        used = [waiver for waiver in live if waiver.findings & leaked]
        whole = bool(leaked) and leaked <= frozenset[str]().union(*(waiver.findings for waiver in used))
        return min(used, key=lambda waiver: waiver.expires) if whole else None


NONE = Excuses()


def today() -> date:
    """The day in UTC, by which waivers expire."""
    return datetime.now(UTC).date()


def leaked(record: Mapping[str, Any]) -> frozenset[str]:
    """The fingerprints of all that a record of a check has leaked, or lost."""
    failed = (tally for tally in record["tallies"] if tally.get("outcome") == "fail")
    return frozenset(record.get("findings", ())).union(*(tally.get("leaked", ()) for tally in failed))


def read_waivers(path: Path, now: date) -> Excuses:
    """What the file says; raises ScenarioError with every mistake in it. `now` is the day that expiry counts from."""
    document = read_yaml(path)
    problems = Problems(document)
    data = document.data
    if not isinstance(data, dict):
        problems.add((), f"expected a mapping, got {shown(data)}: a file of waivers has the keys version and waivers")
        problems.stop()
    file = shape_of(WaiverFile).read(data, (), problems)
    if file is not None and file.version != 1:
        problems.add(("version",), f"version must be 1, got {file.version}: this release reads no other")
    found: dict[str, dict[int, Waiver]] = {"waivers": {}, "quarantine": {}}
    kinds: dict[str, Any] = {"waivers": WaiverKeys, "quarantine": QuarantineKeys}
    for section, keys in kinds.items():
        entries = data.get(section)
        for i, entry in enumerate(entries if isinstance(entries, list) else []):
            made = shape_of(keys).read(entry, (section, i), problems)
            if made is not None:
                found[section][i] = _waiver(made, (section, i), document, problems, now)
        _once(section, found[section], problems)
    problems.stop()
    return Excuses(*(tuple(some.values()) for some in found.values()))


def _waiver(made: Any, where: Where, document: Document, problems: Problems, now: date) -> Waiver:
    for name in ("reason", "owner"):
        if not getattr(made, name).strip():
            problems.add((*where, name), f"{name} says nothing: whoever reads this must know")
    expires = now
    try:
        expires = date.fromisoformat(made.expires)
    except ValueError:
        problems.add((*where, "expires"), f"expected a day such as 2026-03-01, got {shown(made.expires)}")
    if expires > now + timedelta(days=LONGEST):
        message = f"expires must be at most {LONGEST} days ahead, by {now + timedelta(days=LONGEST)}"
        problems.add((*where, "expires"), message)
    findings = getattr(made, "finding", ())
    for i, one in enumerate(findings):
        if not _FINGERPRINT.fullmatch(one):
            place = (*where, "finding", i)
            problems.add(place, f"{shown(one)} is no fingerprint: a record has them, 8 digits from 0 to f")
    return Waiver(made.check, frozenset(findings), made.reason, made.owner, made.issue, expires, document.mark(where))


def _once(section: str, waivers: Mapping[int, Waiver], problems: Problems) -> None:
    """Two entries for one thing are a mistake: which of them holds, nobody would know."""
    seen: set[tuple[str, str]] = set()
    for i, waiver in waivers.items():
        for finding in sorted(waiver.findings) or [""]:
            if (waiver.check, finding) in seen:
                what = f"{waiver.check} {finding}".strip()
                problems.add((section, i), f"{what} stands here a second time: keep one entry")
            seen.add((waiver.check, finding))
