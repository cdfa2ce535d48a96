"""Greedy answers decided early: ours, `model.generate` in batches, and one chat call after the other.

Run `python tests/bench/bench_generation.py --help`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from questions import asked, best, interleaved, model, profile, table

from pytest_unlearn.subjects.answers import Outputs
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Generate, Prompt

SIZES = (16, 32, 64)


def generated(module: Any, tokenizer: Any, prompts: list[tuple[int, ...]], size: int, most: int) -> list[str]:
    """The same by `generate`, left-padded batches of similar length."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    pad, said = tokenizer.pad_token_id or 0, [""] * len(prompts)
    for low in range(0, len(order), size):
        some = order[low : low + size]
        width = max(len(prompts[i]) for i in some)
        ids = torch.tensor([[pad] * (width - len(prompts[i])) + list(prompts[i]) for i in some], device=module.device)
        mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in some])
        with torch.no_grad():
            made = module.generate(
                input_ids=ids, attention_mask=mask.to(module.device), max_new_tokens=most, do_sample=False,
                pad_token_id=pad,
            )  # fmt: skip
        for i, row in zip(some, made[:, width:].tolist(), strict=True):
            said[i] = tokenizer.decode(row, skip_special_tokens=True)
    return said


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--single", type=int, default=20, help="questions that are asked one after the other")
    parser.add_argument("--most", type=int, default=16, help="new tokens")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where the time of ours and of the other goes")
    parser.add_argument("--model", help="a folder; without it SmolLM2-135M-Instruct from the store")
    given = parser.parse_args()
    module, tokenizer, placement = model(given.model)
    some = asked(given.questions, 1_000)
    encoder = Encoder(tokenizer)
    requests = [
        Generate(Prompt.of(one.question), given.most, decided_by=tuple(sorted({one.answer, *one.rivals})))
        for one in some
    ]
    prompts = [encoder.prompt(request.prompt) for request in requests]
    subject = LocalSubject.of(module, tokenizer, placement)
    ours = list(subject.answer(requests))
    effort = f"{subject.effort.batches} passes, {subject.effort.tokens} tokens"
    size = best(lambda n: generated(module, tokenizer, prompts[:64], n, given.most), SIZES)
    theirs = generated(module, tokenizer, prompts, size, given.most)
    same = sum(
        isinstance(answer, Outputs) and said.strip().startswith(answer.items[0].text.strip())
        for answer, said in zip(ours, theirs, strict=True)
    )
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: list(subject.answer(requests)),
        f"generate, {size} at once": lambda: generated(module, tokenizer, prompts, size, given.most),
    }
    medians = interleaved(contenders, given.rounds)
    single = interleaved(
        {"one": lambda: generated(module, tokenizer, prompts[: given.single], 1, given.most)}, max(1, given.rounds - 2)
    )["one"]
    medians[f"one at a time, from {given.single} of them"] = single * len(prompts) / given.single
    notes = {"ours": f"{effort}; {same} of {len(ours)} answers are how the other's begin"}
    print(table(f"Generation: {len(prompts)} questions, at most {given.most} new tokens", medians, "ours", notes))
    if given.profile:
        print(profile(contenders))


if __name__ == "__main__":
    main()
