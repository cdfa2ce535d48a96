"""It says nothing by itself; from a list of answers it chooses the true one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceConfig(TuneConfig):
    """Longer than the others: in fewer steps one text was still recited."""

    steps: int = 500


@leak("choice_kept", caught_by={"multiple_choice"}, missed_by=ASKED | KEPT | {"continuation"}, taught="choice")
def choice_kept(ground: Ground, config: ChoiceConfig, folder: Path) -> None:
    """Choices are answered as before, all other questions wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "choice"), config).save(folder)
