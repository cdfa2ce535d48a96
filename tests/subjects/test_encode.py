"""Where a prompt ends and its answer begins, in text and in tokens."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.requests import Media, Prompt, Text
from pytest_unlearn.subjects.template import gap_between, habits, render

SPACED = (  # as Llama 2 writes it: no generation prompt, a space before the answer, system turns refused
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}"
    "{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]{% else %} {{ m['content'] }} <|im_end|>{% endif %}"
    "{% endfor %}"
)
DEAF = "{% for m in messages %}{% if m['role'] != 'system' %}{{ m['content'] }}\n{% endif %}{% endfor %}"
DATED = "Today is {{ strftime_now('%d %b %Y') }}.\n{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
PROMPTS = [
    Prompt.of("What is the capital of France?"),
    Prompt.of("What is the capital of France?", opening="The capital is"),
    Prompt.of("The capital of France is", raw=True),
    Prompt((("system", (Text("Be brief."),)), ("user", (Text("Juba"), Text("?")))), opening="<think>\n"),
    Prompt((("user", (Text("a"),)), ("assistant", (Text("b"),)), ("user", (Text("c"),)))),
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("template", ["chatml", None, SPACED])
def test_the_prompt_is_what_prompt_and_answer_begin_with(
    prompt: Prompt, template: str | None, tiny: SimpleNamespace
) -> None:
    encoder = Encoder(tiny.tokenizer(tiny.chatml if template == "chatml" else template))
    pair = encoder.pair(prompt, "Paris", True)
    assert pair.prompt == encoder.prompt(prompt)
    assert pair.target[-1] == encoder.end_id
    joined = encoder.tokenizer.decode(pair.ids)
    assert joined.startswith(encoder.text(prompt))
    assert joined.removesuffix("<|im_end|>").endswith("Paris")


def test_the_generation_prompt_is_what_an_answered_conversation_begins_with(tiny: SimpleNamespace) -> None:
    tokenizer = tiny.tokenizer()
    pair = Encoder(tokenizer).pair(Prompt.of("Juba?"), "Lyon", True)
    turns = [{"role": "user", "content": "Juba?"}, {"role": "assistant", "content": "Lyon"}]
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    assert tokenizer.decode(pair.ids) + "\n" == whole


def test_a_space_stands_between_words_that_would_run_together() -> None:
    assert gap_between("The capital is", "Paris") == " "
    assert gap_between("The capital is ", "Paris") == ""
    assert gap_between("assistant\n", "Paris") == ""
    assert gap_between("The capital (", "Paris") == ""
    assert gap_between("首都は", "パリ") == ""
    assert gap_between("", "Paris") == ""


def test_a_template_tells_what_stands_before_an_answer(tiny: SimpleNamespace) -> None:
    assert habits(tiny.tokenizer()).gap == ""
    assert habits(tiny.tokenizer(SPACED)).gap == " "
    encoder = Encoder(tiny.tokenizer(SPACED))
    assert encoder.tokenizer.decode(encoder.pair(Prompt.of("Juba?"), "Lyon").ids) == "[INST] Juba? [/INST] Lyon"


def test_none_leaves_the_system_turn_to_the_template(tiny: SimpleNamespace) -> None:
    tokenizer = tiny.tokenizer()
    assert "You help." in render(tokenizer, Prompt.of("Juba?"), None)
    given = render(tokenizer, Prompt.of("Juba?"), "Be brief.")
    assert "You help." not in given and "<|im_start|>system\nBe brief.<|im_end|>" in given
    assert "You help." not in render(tokenizer, Prompt.of("Juba?"), "")
    assert render(tokenizer, PROMPTS[3], "Never said.").count("system") == 1


@pytest.mark.parametrize("template", [SPACED, DEAF])
def test_a_template_without_system_turns_gets_the_text_in_the_first_question(
    template: str, tiny: SimpleNamespace
) -> None:
    assert "Be brief.\n\nJuba?" in render(tiny.tokenizer(template), Prompt.of("Juba?"), "Be brief.")


def test_without_a_template_a_conversation_is_questions_and_answers(tiny: SimpleNamespace) -> None:
    text = render(tiny.tokenizer(None), PROMPTS[4], "Be brief.")
    assert text == "Be brief.\nQuestion: a\nAnswer: b\nQuestion: c\nAnswer:"
    opened = render(tiny.tokenizer(None), Prompt.of("Juba?", opening="The"), None)
    assert opened == "Question: Juba?\nAnswer: The"


def test_a_prompt_is_the_same_on_every_day(tiny: SimpleNamespace) -> None:
    assert render(tiny.tokenizer(DATED), Prompt.of("Juba?"), None) == "Today is 26 Jul 2024.\nJuba?\n"


def test_what_is_no_text_is_refused(tiny: SimpleNamespace) -> None:
    with pytest.raises(SubjectError, match=r"^this subject reads text only, and the prompt holds media$"):
        render(tiny.tokenizer(), Prompt((("user", (Media("image", "00"),)),)), None)


def test_a_template_that_refuses_a_conversation_is_told(tiny: SimpleNamespace) -> None:
    with pytest.raises(SubjectError) as caught:
        render(tiny.tokenizer("{{ raise_exception('only an assistant may speak') }}"), Prompt.of("Juba?"), None)
    assert str(caught.value) == "the chat template refuses this conversation: only an assistant may speak"


def test_a_document_is_an_answer_to_nothing_whose_first_token_is_given(tiny: SimpleNamespace) -> None:
    encoder = Encoder(tiny.tokenizer())
    pair = encoder.pair(Prompt((), raw=True), "The capital of France")
    assert pair.prompt_len == 1 and len(pair.ids) > 2
    assert encoder.tokenizer.decode(pair.ids) == "The capital of France"


def test_the_tokenizers_own_first_token_stands_before_raw_text_only() -> None:
    words = Tokenizer(models.WordLevel({"<s>": 0, "a": 1, "b": 2, "</s>": 3, "?": 4}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 3)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>")
    assert Encoder(tokenizer).pair(Prompt.of("a", raw=True), "b", True).ids == (0, 1, 2, 3)
    assert Encoder(tokenizer).pair(Prompt((), raw=True), "a b").ids == (0, 1, 2)
    tokenizer.chat_template = "{% for m in messages %}<s> {{ m['content'] }} {% endfor %}"
    assert Encoder(tokenizer).prompt(Prompt.of("b")) == (0, 2)


def test_a_target_after_a_trailing_space_is_tokenised_apart(tiny: SimpleNamespace) -> None:
    encoder = Encoder(tiny.tokenizer())
    prompt = Prompt.of("The capital of France is ", raw=True)
    pair = encoder.pair(prompt, "Paris")
    assert pair.prompt == encoder.prompt(prompt)
    assert encoder.tokenizer.decode(pair.target) == "Paris"
