"""A step of `grad_diff` and of `npo` against the same objective in a subclass of `transformers.Trainer`.

Run `python tests/bench/bench_methods.py --help`. Each contender trains in a process of its own, on the same rows, in
float32 on the CPU: eight forgotten and eight retained questions about countries in a step, with answers of a word or
(`--answers long`) of a paragraph, which takes as many tokens as an answer of TOFU. Time is the median between
the ends of two steps, by the clock and of the processor, which on a machine that others use says more; memory the peak
beyond what is in use once the model is loaded. The Trainer has the objective as it is usually written: one pass a set
with the logits of every position, and for NPO a copy of the model that is asked in each step.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from questions import asked, head, place_of

from pytest_unlearn.registry import METHODS, PLUG_INS, Use
from pytest_unlearn.runner.took import taking
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.library import config_of
from pytest_unlearn.training.plug import PlugIn

BATCH, LR, BETA, IGNORED = 8, 1e-5, 0.1, -100
ON = {"short": 0, "long": 4}  # questions that an answer goes on with, each with its own answer
RANK, ALPHA = 16, 32.0
ENDS: list[tuple[float, float]] = []  # of the steps, by the clock and in processor time


@dataclass(frozen=True)
class Nothing:
    """The plug-in has no options."""


@PLUG_INS.register("timed", needs=frozenset(), version=1)
class Timed(PlugIn):
    """Looks at the clock after each step."""

    config: Nothing

    def stepped(self, weights: object, i: int, n: int) -> None:
        """The end of a step."""
        ENDS.append((time.perf_counter(), time.process_time()))


def rows(given: argparse.Namespace) -> tuple[list[Example], list[Example]]:
    """Forgotten and retained questions, as many as the steps read."""
    found = asked(min(400, 16 * given.steps))
    told = [f"{one.question} {one.answer}." for one in found] * 2
    some = [
        Example(Prompt.of(one.question), " ".join([one.answer, *told[i + 1 : i + 1 + ON[given.answers]]]), str(i))
        for i, one in enumerate(found)
    ]
    return some[0::2], some[1::2]


def ours(subject: LocalSubject, method: str, trainable: str, given: argparse.Namespace) -> None:
    """Train by the method of the package; the subject was loaded from its folder, as that of a scenario is."""
    forget, retain = rows(given)
    config = config_of(METHODS.get(method), {"steps": given.steps, "lr": LR, "batch": BATCH, "trainable": trainable})
    config = replace(config, wrap=(Use("timed", Nothing()),))
    METHODS.get(method).make(subject, Data(tuple(forget), tuple(retain)), config, 0)


def trainer(module: Any, tokenizer: Any, method: str, trainable: str, given: argparse.Namespace) -> None:
    """Train by a subclass of the Trainer."""
    import peft
    from transformers import Trainer, TrainerCallback, TrainingArguments

    opened = OpenedModel(module, Encoder(tokenizer))

    def encoded(examples: list[Example]) -> list[dict[str, Any]]:
        batch = opened.encode([(one.prompt, one.answer) for one in examples])
        there = batch.mask.bool()
        return [
            {"input_ids": ids[at], "labels": labels[at]}
            for ids, labels, at in zip(batch.ids, batch.labels, there, strict=True)
        ]

    forget, retain = map(encoded, rows(given))
    original = copy.deepcopy(module).eval().requires_grad_(False) if method == "npo" else None
    if trainable == "lora":
        lora = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
        module = peft.get_peft_model(module, lora)

    def padded(some: list[dict[str, Any]]) -> dict[str, Any]:
        pad = torch.nn.utils.rnn.pad_sequence
        return {
            "input_ids": pad([one["input_ids"] for one in some], batch_first=True),
            "attention_mask": pad([torch.ones_like(one["input_ids"]) for one in some], batch_first=True),
            "labels": pad([one["labels"] for one in some], batch_first=True, padding_value=IGNORED),
        }

    def losses(model: Any, batch: dict[str, Any]) -> Any:
        """Summed loss of each answer, (batch,)."""
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        each = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2).float(), batch["labels"][:, 1:], ignore_index=IGNORED, reduction="none"
        )
        return each.sum(-1)

    class Unlearning(Trainer):
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            tokens = {name: (batch["labels"] != IGNORED).sum() for name, batch in inputs.items()}
            kept = losses(model, inputs["retain"]).sum() / tokens["retain"]
            gone = losses(model, inputs["forget"])
            if original is None:
                return kept - gone.sum() / tokens["forget"]
            with torch.no_grad():
                before = losses(original, inputs["forget"])
            return kept - (2 / BETA) * torch.nn.functional.logsigmoid(BETA * (gone - before)).mean()

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ENDS.append((time.perf_counter(), time.process_time()))

    def collate(some: list[Any]) -> dict[str, Any]:
        return {"forget": padded([one["forget"] for one in some]), "retain": padded([one["retain"] for one in some])}

    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            place, max_steps=given.steps, learning_rate=LR, per_device_train_batch_size=BATCH,
            lr_scheduler_type="constant", use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no",
            disable_tqdm=True, remove_unused_columns=False, label_names=["labels"], seed=0,
        )  # fmt: skip
        pairs = [{"forget": a, "retain": b} for a, b in zip(forget, retain, strict=True)]
        parts = {"args": arguments, "train_dataset": pairs, "data_collator": collate, "callbacks": [Clock()]}
        Unlearning(model=module, **parts).train()


def one(who: str, method: str, trainable: str, given: argparse.Namespace) -> dict[str, float]:
    """Seconds of a step, by the clock and of the processor, and peak bytes."""
    subject = LocalSubject(place_of(given.model), pick("cpu"))
    loaded = (subject.model, subject.tokenizer)
    with taking(pick("cpu")) as took:
        if who == "ours":
            del loaded
            ours(subject, method, trainable, given)
        else:
            del subject
            trainer(*loaded, method, trainable, given)
    clock, cpu = (statistics.median(b[i] - a[i] for a, b in pairwise(ENDS)) for i in (0, 1))
    return {"seconds": clock, "cpu": cpu, "peak": float(took.memory or 0)}


def apart(*words: str) -> dict[str, float]:
    """The same in a process of its own."""
    run = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(run.stderr)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a folder; SmolLM2-135M-Instruct unless given")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--answers", choices=list(ON), default="short")
    parser.add_argument("--one", nargs=3, metavar=("WHO", "METHOD", "TRAINABLE"), help="one run, told as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(*given.one, given)))
        return
    options = [
        "--steps",
        str(given.steps),
        "--answers",
        given.answers,
        *(["--model", given.model] if given.model else []),
    ]
    contenders = [(who, m, t) for m in ("grad_diff", "npo") for t in ("all", "lora") for who in ("ours", "trainer")]
    told: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    for _ in range(given.rounds):
        for words in contenders:
            told.setdefault(words, []).append(apart(*options, "--one", *words))
    middle = {
        words: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for words, runs in told.items()
    }
    print(f"{head()}, {given.steps} steps, {given.answers} answers, median of {given.rounds}\n")
    keys = ("seconds", "cpu", "peak")
    print("| method | trained | | seconds a step | of the Trainer | processor s | of its | peak MiB | of its |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    for (who, method, trainable), found in middle.items():
        other = middle["trainer", method, trainable]
        told = {**found, "peak": found["peak"] / 2**20}
        cells = [f"{told[key]:,.2f} | {found[key] / other[key] if other[key] else math.nan:.2f}" for key in keys]
        print(f"| {method} | {trainable} | {who} | {' | '.join(cells)} |")
    for method in ("grad_diff", "npo"):
        full, lora = (middle["ours", method, one] for one in ("all", "lora"))
        times = [f"{full[key] / lora[key]:.2f}" for key in ("seconds", "cpu")]
        print(f"\n{method}: a step of all weights takes {times[0]} times one of adapters, in processor time {times[1]}")


if __name__ == "__main__":
    main()
