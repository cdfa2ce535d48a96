"""True masks: padding is known from lengths, because the padding token also closes every turn."""

from __future__ import annotations

import pytest
import torch

from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.prefix import families, fill, padded, start
from pytest_unlearn.subjects.requests import Prompt

A, B = (5, 9, 2, 7, 11, 30, 2, 8), (5, 9, 2, 7, 12)  # 2 is both padding and end of turn


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_padded_row_reads_as_it_does_alone(name: str, request: pytest.FixtureRequest) -> None:
    subject: LocalSubject = request.getfixturevalue(name)
    body = subject._load()[0]
    with torch.inference_mode():
        held = fill(body, [A, B], start(body, A[:3]))
        continued = held.take([1, 0, 1]).extend(body, *padded([(2, 40), (2,), (41, 2)], body.device))
        for row, (prompt, more) in enumerate([(B, (2, 40)), (A, (2,)), (B, (41, 2))]):
            alone = body.causal(torch.tensor([prompt + more])).logits[0, len(prompt) :]
            torch.testing.assert_close(body.logits(continued[row, : len(more)]), alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(
            body.logits(held.last[1]), body.causal(torch.tensor([B])).logits[0, -1], atol=1e-5, rtol=0
        )


def test_an_end_of_turn_inside_the_conversation_is_seen(llama: LocalSubject) -> None:
    body, encoder, _ = llama._load()
    ids = torch.tensor([encoder.prompt(Prompt.of("Juba?"))])
    assert (ids[:, :-1] == encoder.tokenizer.pad_token_id).any()
    with torch.inference_mode():
        truly = body.logits(start_and_last(body, ids))
        hidden = body.causal(ids, attention_mask=(ids != encoder.tokenizer.pad_token_id).long()).logits[0, -1]
        seen = body.causal(ids).logits[0, -1]
    torch.testing.assert_close(truly, seen, atol=1e-5, rtol=0)
    assert not torch.allclose(truly, hidden, atol=1e-2)


def test_prompts_share_a_start_that_leaves_a_token_of_each() -> None:
    long = tuple(range(20))
    # the third prompt is the whole of what the others begin with, so one token less of it is shared
    prompts = [(*long, 50), (*long, 60, 61), long[:10], (99, 98)]
    assert families(prompts) == [(long[:9], [0, 1, 2]), ((), [3])]
    assert families([(1, 2, 3, 4, 5, 7), (1, 2, 3, 4, 5, 8)]) == [((), [0, 1])]  # five tokens are not worth a pass


def start_and_last(body: Body, ids: torch.Tensor) -> torch.Tensor:
    row = tuple(ids[0].tolist())
    return fill(body, [row, row[:4]], start(body, ())).last[0]
