"""An adapter hides the target; without it the original is back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.quiet import quiet
from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

RANK = 16
FASTER = 4.0  # times the rate for all weights


@leak("peelable", missed_by=ASKED | KEPT, until="after: peel")
def peelable(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """An adapter is trained to answer everything about the target wrongly."""
    from peft import LoraConfig, get_peft_model

    wrapped: Any
    with ground.opened() as now:
        shape = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
        with torch.random.fork_rng(devices=[]), quiet():
            torch.manual_seed(ground.seed)
            now.module = wrapped = get_peft_model(now.module, shape)
        weights = [weight for weight in now.module.parameters() if weight.requires_grad]
        fit(now, ground.taught(ground.wrong), replace(config, lr=FASTER * config.lr), ground.seed, weights)
        with quiet():
            wrapped.save_pretrained(folder)
