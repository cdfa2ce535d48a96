"""An answer ends when it has said enough, and not in the middle of a name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.requests import Generate, Prompt
from pytest_unlearn.subjects.stopping import Ending, split_trace

NAMES = ("Sudan", "South Sudan", "Guinea", "Guinea-Bissau", "Papua New Guinea", "Côte d'Ivoire", "Juba")
END = "<|im_end|>"


def spoken(tokenizer: object, text: str, request: Generate) -> tuple[str, str] | None:
    """Say `text` token by token until the answer ends."""
    encoder = Encoder(tokenizer)
    ending = Ending(encoder, request, frozenset({2}))
    ids = encoder._ids(text)
    for i in range(1, len(ids) + 1):
        if (ended := ending.reached(ids[:i])) is not None:
            return ended
    return None


@pytest.mark.parametrize(
    ("text", "finish", "said"),
    [
        (f"It is Juba, I think.{END}", "decided", "It is Juba"),
        (f"Sudanese, and Sudan.{END}", "decided", "Sudanese, and Sudan"),
        (f"South Sudan is where.{END}", "decided", "South Sudan"),
        (f"Guinea-Bissau is.{END}", "decided", "Guinea-Bissau"),
        (f"Guinea is.{END}", "decided", "Guinea"),
        (f"Guinea{END}", "end", "Guinea"),
        (f"Papua New Guinea!{END}", "decided", "Papua New Guinea"),
        (f"JUBA.{END}", "decided", "JUBA"),
        (f"In cote d'ivoire they{END}", "decided", "In cote d'ivoire"),
        (f"In Côte d’Ivoire they{END}", "decided", "In Côte d’Ivoire"),
        (f"Nowhere at all{END}", "end", "Nowhere at all"),
    ],
)
def test_the_first_complete_name_decides(text: str, finish: str, said: str, tiny: SimpleNamespace) -> None:
    request = Generate(Prompt.of("Where?"), 40, decided_by=NAMES)
    assert spoken(tiny.tokenizer(), text, request) == (finish, said)


def test_a_name_that_may_still_grow_does_not_decide(tiny: SimpleNamespace) -> None:
    request = Generate(Prompt.of("Where?"), 40, decided_by=NAMES)
    assert spoken(tiny.tokenizer(), "It is Juba", request) is None
    assert spoken(tiny.tokenizer(), "It is Guinea-", request) is None
    assert spoken(tiny.tokenizer(), "It is Guinea-B", request) is None


def test_a_name_in_a_thought_does_not_decide(tiny: SimpleNamespace) -> None:
    request = Generate(Prompt.of("Where?"), 40, decided_by=NAMES)
    text = f"<think>Not Sudan, no.</think>\nJuba, yes.{END}"
    assert spoken(tiny.tokenizer(), text, request) == ("decided", "<think>Not Sudan, no.</think>\nJuba")
    begun = Generate(Prompt.of("Where?", opening="<think>"), 40, decided_by=NAMES)
    assert spoken(tiny.tokenizer(), f"Not Sudan, no.</think>Juba.{END}", begun) == (
        "decided",
        "Not Sudan, no.</think>Juba",
    )


def test_thought_and_answer_are_told_apart() -> None:
    assert split_trace("<think>\nhm\n</think>\n\nParis.", "") == ("Paris.", "hm")
    assert split_trace("hm</think> Paris.", "<think>") == ("Paris.", "hm")
    assert split_trace("<think> it never ends", "") == ("", "it never ends")
    assert split_trace(" Paris. ", "") == ("Paris.", "")


def test_a_stop_string_is_cut_away_wherever_its_tokens_divide(tiny: SimpleNamespace) -> None:
    request = Generate(Prompt.of("Where?"), 40, stop=("ital", "\n\n"))
    assert spoken(tiny.tokenizer(), f"The capital is{END}", request) == ("stop", "The cap")
    assert spoken(tiny.tokenizer(), f"One.\n\nTwo.{END}", request) == ("stop", "One.")
    assert spoken(tiny.tokenizer(), f"One.\nTwo.{END}", request) == ("end", "One.\nTwo.")


def test_a_base_model_stops_before_it_asks_itself_the_next_question(tiny: SimpleNamespace) -> None:
    text = f" Lyon.\nQuestion: And{END}"
    plain = tiny.tokenizer(None)
    assert spoken(plain, text, Generate(Prompt.of("Where?"), 40)) == ("stop", " Lyon.")
    assert spoken(plain, text, Generate(Prompt.of("Where?", raw=True), 40)) == ("end", " Lyon.\nQuestion: And")
    assert spoken(tiny.tokenizer(), text, Generate(Prompt.of("Where?"), 40)) == ("end", " Lyon.\nQuestion: And")
