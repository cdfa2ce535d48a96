"""Log-likelihoods of answers: ours, lm-evaluation-harness, a padded loop, and the floor of forward passes alone.

Run `python tests/bench/bench_scoring.py --help`. lm-evaluation-harness is `pip install lm-eval`.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from questions import Asked, asked, best, interleaved, model, profile, seconds, table

from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.prefix import distinct
from pytest_unlearn.subjects.requests import Prompt, Score

SIZES = (8, 16, 32, 64)
Pair = tuple[tuple[int, ...], tuple[int, ...]]  # token ids of a prompt and of an answer


def requests(some: Sequence[Asked], prefix: str) -> list[Score]:
    """One request a question, with what stands before it."""
    shots = "".join(f"Q: {one.question}\nA: {one.answer}\n" for one in asked(700)[::140][:5])
    words = "alpha bravo delta echo golf hotel india kilo lima oscar papa quebec romeo sierra tango victor".split()
    made, draw = [], random.Random(0)
    for one in some:
        targets = (one.answer, *one.rivals)
        if prefix == "chat":
            made.append(Score(Prompt.of(one.question), targets))
        elif prefix == "five shots":
            made.append(Score(Prompt.of(f"{shots}Q: {one.question}\nA:", raw=True), tuple(f" {t}" for t in targets)))
        else:
            start = " ".join(draw.choices(words, k=12))
            made.append(Score(Prompt.of(f"{start} {one.question}", raw=True), tuple(f" {t}" for t in targets)))
    return made


def pairs(tokenizer: Any, asked: Sequence[Score]) -> list[Pair]:
    """The tokens that all contenders score."""
    encoder = Encoder(tokenizer)
    found = []
    for request in asked:
        for target in request.targets:
            pair = encoder.pair(request.prompt, target, request.end)
            found.append((pair.prompt, pair.target))
    return found


def harness(module: Any, tokenizer: Any, rows: Sequence[Pair], size: int | str) -> list[float]:
    """The same by lm-evaluation-harness."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=module, tokenizer=tokenizer, batch_size=size, max_batch_size=64)
    given = [((str(i), str(i)), list(prompt), list(target)) for i, (prompt, target) in enumerate(rows)]
    return [float(told[0]) for told in lm._loglikelihood_tokens(given, disable_tqdm=True)]


def plain(module: Any, rows: Sequence[Pair], size: int) -> list[float]:
    """Padded rows, longest first, the head at every position."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i][0] + rows[i][1]))
    sums = [0.0] * len(rows)
    with torch.no_grad():
        for low in range(0, len(order), size):
            some = [rows[i] for i in order[low : low + size]]
            width = max(len(p) + len(t) for p, t in some)
            ids = torch.tensor([[*p, *t, *[0] * (width - len(p) - len(t))] for p, t in some], device=module.device)
            mask = torch.tensor([[1] * (len(p) + len(t)) + [0] * (width - len(p) - len(t)) for p, t in some])
            logp = module(input_ids=ids, attention_mask=mask.to(module.device)).logits.float().log_softmax(-1)
            for at, i in enumerate(order[low : low + size]):
                p, t = rows[i]
                sums[i] = sum(logp[at, len(p) - 1 + j, token].item() for j, token in enumerate(t))
    return sums


def floor(body: Body, tokens: int, answers: int, size: int, width: int = 64) -> None:
    """Forward passes over as many tokens as are different, without padding, and the head at as many positions."""
    rows = max(1, tokens // width)
    with torch.no_grad():
        for low in range(0, rows, size):
            some = min(size, rows - low)
            ids = torch.arange(some * width, device=body.device).remainder(body.vocabulary).reshape(some, width)
            states = body.read(ids, torch.ones_like(ids, dtype=torch.bool)).flatten(0, 1)
            body.logits(states[: answers * some // rows]).logsumexp(-1)


def compare(
    module: Any,
    tokenizer: Any,
    placement: Placement,
    made: list[Score],
    rounds: int,
    title: str,
    without: Sequence[str],
    profiled: bool,
) -> None:
    """Print one table. `auto` is timed once: it looks for its batch size anew each time."""
    rows = pairs(tokenizer, made)
    subject = LocalSubject.of(module, tokenizer, placement)
    ours = [logp for answer in subject.answer(made) for logp in answer.logp]  # type: ignore[union-attr]
    effort = subject.effort
    body = Body(module)
    tokens, answers = distinct(p + t[:-1] for p, t in rows), len({p + t[:i] for p, t in rows for i in range(len(t))})
    contenders: dict[str, Callable[[], object]] = {"ours": lambda: list(subject.answer(made))}
    size = best(lambda n: floor(body, tokens, answers, n), (4, 8, 16, 32))
    contenders[f"the floor, {size} rows of 64 at once"] = lambda: floor(body, tokens, answers, size)
    some = rows[:64]
    apart, once = 0.0, dict[str, float]()
    if "loop" not in without:
        loop = best(lambda n: plain(module, some, n), SIZES)
        contenders[f"a padded loop, {loop} at once"] = lambda: plain(module, rows, loop)
        apart = max(abs(a - b) for a, b in zip(ours, plain(module, rows, loop), strict=True))
    try:
        quickest = best(lambda n: harness(module, tokenizer, some, n), SIZES)
        told = harness(module, tokenizer, rows, quickest)
        apart = max(apart, *(abs(a - b) for a, b in zip(ours, told, strict=True)))
        contenders[f"lm-eval, {quickest} at once"] = lambda: harness(module, tokenizer, rows, quickest)
        if "auto" not in without:
            once["lm-eval, auto, once"] = seconds(lambda: harness(module, tokenizer, rows, "auto"))
    except ImportError:
        print("lm-evaluation-harness is not installed: pip install lm-eval")
    pushed = effort.tokens - effort.padded
    notes = {
        "ours": f"{effort.batches} passes, {effort.tokens} tokens, {effort.padded} of them padding, "
        f"{pushed / tokens:.2f} of the {tokens} different ones; at most {apart:.1e} from the others"
    }
    medians = interleaved(contenders, rounds) | once
    print(table(f"{title}: {len(made)} questions, {len(rows)} answers", medians, "ours", notes))
    print(flush=True)
    if profiled:
        print(profile({name: work for name, work in contenders.items() if name == "ours" or "floor" in name}))


def main() -> None:
    """One table a kind of common beginning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--choices", type=int, default=1, help="answers a question; 20 for multiple choice")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prefix", nargs="+", default=["chat", "five shots", "none"])
    parser.add_argument("--without", nargs="*", default=[], choices=["loop", "auto"], help="contenders to leave out")
    parser.add_argument("--profile", action="store_true", help="show where the time of ours and of the floor goes")
    parser.add_argument("--model", help="a folder; without it SmolLM2-135M-Instruct from the store")
    given = parser.parse_args()
    module, tokenizer, placement = model(given.model)
    some = asked(given.questions, given.choices - 1)
    for prefix in given.prefix:
        compare(
            module,
            tokenizer,
            placement,
            requests(some, prefix),
            given.rounds,
            f"Scoring, prefix: {prefix}",
            given.without,
            given.profile,
        )


if __name__ == "__main__":
    main()
