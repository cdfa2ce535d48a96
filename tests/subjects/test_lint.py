"""What other tools would do with a template, in numbers, where it is not what is done here."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from tokenizers.processors import TemplateProcessing

from pytest_unlearn.errors import TemplateWarning
from pytest_unlearn.subjects import local as module
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.lint import lint
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Prompt, Score

PLAIN = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
ASSISTANT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def made(tiny: SimpleNamespace, template: str | None = PLAIN + ASSISTANT, pad: str = "<|endoftext|>"):  # type: ignore[no-untyped-def]
    tokenizer = tiny.tokenizer(template)
    tokenizer.pad_token = pad
    return tokenizer


@pytest.mark.parametrize("template", [None, PLAIN + ASSISTANT])
def test_nothing_is_said_about_an_ordinary_template(template: str | None, tiny: SimpleNamespace) -> None:
    assert lint(made(tiny, template)) == ()


def test_padding_by_the_end_token_is_told_with_what_each_mask_hides(tiny: SimpleNamespace) -> None:
    tokenizer = made(tiny, pad="<|im_end|>")
    chat = tokenizer.encode("<|im_start|>user\nName a town.<|im_end|>\n<|im_start|>assistant\nParis<|im_end|>")
    assert chat.count(tokenizer.pad_token_id) == 2
    assert lint(tokenizer) == (
        f"the padding token <|im_end|> also ends an answer: of the {len(chat)} tokens of 'Name a town. Paris' a mask "
        "that compares with it, as some trainers make it, hides 2, 1 of them in the answer, and the mask used here 0. "
        "A model trained by the former may not learn where to stop",
    )


def test_padding_by_the_end_token_is_told_without_a_template_too(tiny: SimpleNamespace) -> None:
    (finding,) = lint(made(tiny, None, pad="<|im_end|>"))
    assert "hides 1, 1 of them in the answer, and the mask used here 0" in finding


def test_an_answer_that_is_ended_twice_is_told(tiny: SimpleNamespace) -> None:
    twice = PLAIN.replace("<|im_end|>\n", "<|im_end|><|im_end|>\n") + ASSISTANT
    assert lint(made(tiny, twice)) == ("the chat template ends an answer with <|im_end|> 2 times",)


def test_special_tokens_that_the_tokenizer_adds_to_those_of_the_template_are_told(tiny: SimpleNamespace) -> None:
    tokenizer = made(tiny)
    special = [("<|im_start|>", 1), ("<|im_end|>", 2)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<|im_start|> $A <|im_end|>", None, special)
    why = (
        "a tool that encodes rendered chats with special tokens, as is the default, gives the model the {} twice; here "
        "they are encoded without"
    )
    assert lint(tokenizer) == (
        "the tokenizer puts <|im_end|> after a chat that the template has already ended with <|im_end|>: "
        + why.format("end"),
        "the tokenizer puts <|im_start|> before a chat that the template has already begun with it: "
        + why.format("beginning"),
    )


def test_a_beginning_that_the_tokenizer_adds_is_not_taken_for_an_end(tiny: SimpleNamespace) -> None:
    tokenizer = made(tiny, PLAIN.replace("<|im_end|>\n", "<|im_end|>") + ASSISTANT)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<|endoftext|> $A", None, [("<|endoftext|>", 0)])
    assert lint(tokenizer) == ()


def test_a_generation_prompt_that_no_full_chat_has_is_told(tiny: SimpleNamespace) -> None:
    other = PLAIN + "{% if add_generation_prompt %}<|im_start|>assistant:{% endif %}"
    assert lint(made(tiny, other)) == (
        "the generation prompt is not how a full chat begins an answer: after "
        r"' a town.<|im_end|>\n<|im_start|>assistant' it has ':', and a full chat '\nParis<|im_end|>\n'. Answers are "
        "asked for after the generation prompt",
    )


def test_what_a_full_chat_has_before_an_answer_is_told(tiny: SimpleNamespace) -> None:
    thinking = PLAIN.replace(
        "{{ m['content'] }}", "{% if m['role'] == 'assistant' %}<think></think>{% endif %}{{ m['content'] }}"
    )
    assert lint(made(tiny, thinking + ASSISTANT)) == (
        "a full chat has '<think></think>' between the generation prompt and the answer: what was trained on full "
        "chats is asked without it",
    )


def test_a_model_without_a_folder_is_told_as_one_in_memory(
    tiny: SimpleNamespace, cpu: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_told", set())
    twice = PLAIN.replace("<|im_end|>\n", "<|im_end|><|im_end|>\n") + ASSISTANT
    subject = LocalSubject.of(tiny.llama(), made(tiny, twice), cpu)
    with pytest.warns(TemplateWarning) as told:
        list(subject.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert [str(one.message) for one in told] == [
        "a model in memory: the chat template ends an answer with <|im_end|> 2 times"
    ]


def test_a_subject_warns_once_with_its_name_when_it_is_loaded(
    tiny: SimpleNamespace, cpu: Placement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_told", set())
    folder = tiny.write(tmp_path / "forgetful", tiny.llama(), tiny.tokenizer())
    subject, again = LocalSubject(folder, cpu), LocalSubject(folder, cpu)
    assert len(subject.digest) == 40
    with pytest.warns(TemplateWarning, match=r"^forgetful: the padding token <\|im_end\|> also ends an answer"):
        list(subject.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", TemplateWarning)
        list(again.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
