"""Which subjects stay in memory: as many as fit, the one asked longest ago leaves first."""

from __future__ import annotations

import os

from pytest_unlearn.subjects.protocol import Subject

SHARE = 0.5  # of the machine's memory that weights may take


class Residency:
    """Closes subjects when the weights of all that were admitted would not fit."""

    def __init__(self, limit: int | None = None) -> None:
        """`limit` in bytes; by default half of the machine's memory."""
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self._limit = limit if limit is not None else int(total * SHARE)
        self._admitted: dict[str, Subject] = {}

    def admit(self, subject: Subject) -> Subject:
        """The subject, after those have been closed that would not fit beside it."""
        held = self._admitted.pop(subject.digest, None)
        if held is not None and held is not subject:
            held.close()  # the same weights twice
        self._admitted[subject.digest] = subject
        while len(self._admitted) > 1 and sum(map(_bytes, self._admitted.values())) > self._limit:
            self._admitted.pop(next(iter(self._admitted))).close()
        return subject

    def close(self) -> None:
        """Close every subject."""
        for subject in self._admitted.values():
            subject.close()
        self._admitted.clear()


def _bytes(subject: Subject) -> int:
    return int(getattr(subject, "bytes", 0))
