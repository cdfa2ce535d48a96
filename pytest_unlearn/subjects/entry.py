"""What stands in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder of the store: `bytes` of its files, when it was last `used` (in UTC), and `what` it is, for people."""

    path: Path
    kind: str
    key: str
    bytes: int
    used: datetime
    what: str
