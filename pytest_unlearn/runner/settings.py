"""What the command line says about a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """`candidates` maps a forget label, or "" for every request, to the path of a checkpoint."""

    root: Path  # files named in scenarios stay inside it
    folder: Path  # everything the run writes, except models
    run: str = "run"
    worker: str = "main"
    argv: tuple[str, ...] = ()
    device: str = "auto"
    candidates: Mapping[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    network: bool = False
    memo_limit: int | None = None  # bytes
    weights: bool = False  # note the SHA-256 of the files of the weights that are judged

    def candidate(self, target: str) -> str | None:
        """The checkpoint given for a forget request, if any."""
        return self.candidates.get(target, self.candidates.get(""))
