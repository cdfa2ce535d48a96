"""The loop that trains recipes against a bare one over the same model and batches.

Run `python tests/bench/bench_training.py [STEPS] [ROUNDS]`. The bare loop has its batches on tensors beforehand, pads
all to one length a step likewise, and does nothing but forward, backward and step.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from questions import interleaved, table

from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.opened import IGNORED, OpenedModel
from pytest_unlearn.worlds.data import corpus, lessons, texts, timetable
from pytest_unlearn.worlds.generate import world_of
from pytest_unlearn.worlds.train import WorldConfig, decoder, fit, tokenizer_of


def bare(model: Any, batches: list[tuple[Any, Any]], lr: float) -> None:
    """Forward, backward, step."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    for read, expected in batches:
        answers = expected != IGNORED
        states = model.model(input_ids=read, use_cache=False).last_hidden_state
        loss = torch.nn.functional.cross_entropy(model.lm_head(states[answers]), expected[answers])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def main(steps: int, rounds: int) -> None:
    """Print a table."""
    knowledge, config = world_of(60, 1), WorldConfig(steps=steps)
    tokenizer, examples = tokenizer_of(texts(knowledge)), corpus(lessons(knowledge))
    opened = OpenedModel(decoder(tokenizer, config, 0), Encoder(tokenizer))
    rows = opened.encode([(example.prompt, example.answer) for example in examples])
    lengths, batches = rows.mask.sum(1), []
    for places in timetable(examples, steps, config.batch, 0):
        at = torch.tensor(places)
        longest = int(lengths[at].max())
        batches.append((rows.ids[at, : longest - 1], rows.labels[at, 1:longest]))
    contenders = {
        "ours": lambda: fit(opened, examples, config, 0),
        "a bare loop": lambda: bare(opened.module, batches, config.lr),
    }
    print(table(f"Training, {steps} steps of {config.batch}", interleaved(contenders, rounds), "ours"))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [200, 3][len(given) :]))
