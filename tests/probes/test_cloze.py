"""Statements to complete: where they break off, and where the answer's first token begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from pytest_unlearn.errors import Mark
from pytest_unlearn.graders.rank import Rank, RankConfig
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.probes.cloze import ClozeConfig, cloze
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.subjects.encode import Encoder

HERE = Mark(Path("w.unlearn.yaml"))
CHAT = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"


def asked(say: str, subject: str = "France") -> dict[str, Probe]:
    """What cloze asks about one country whose relation is stated so."""
    body = {
        "entities": {
            subject: {"type": "country", "aliases": ["Gallia"]},
            "Spain": "country",
            "Paris": "city",
            "Madrid": "city",
        },
        "relations": {"capital": {"ask": "What is the capital of {subject}?", "say": say}},
        "facts": [[subject, "capital", "Paris"], ["Spain", "capital", "Madrid"]],
    }
    knowledge = build(KnowledgeUse(body, {}, (), None, None, HERE), Path())
    target = Target("t", (Selector(HERE, entity=subject),), HERE)
    return {probe.prompt.text: probe for probe in cloze(ClozeConfig(), knowledge, forgetting(knowledge, target)).all()}


def test_a_statement_breaks_off_where_its_object_stands_by_name_and_by_alias() -> None:
    probes = asked("The capital of {subject} is {object}.")
    assert list(probes) == ["The capital of France is", "The capital of Gallia is"]
    assert [probe.way.alias for probe in probes.values()] == [False, True]
    for probe in probes.values():
        assert probe.prompt.raw
        assert probe.stand_in("Framany").raw
        assert probe.stand_in("Framany").text == "The capital of Framany is"
        assert (probe.gold, probe.rivals) == ((("Paris",),), (("Madrid",),))


@pytest.mark.parametrize(
    ("say", "question"),
    [
        ("{subject} is ruled from {object}", "France is ruled from"),
        ("{subject} is ruled from {object}!", "France is ruled from"),
        ("Hauptstadt von {subject} ist („{object}“).", "Hauptstadt von France ist („"),
        ("{subject}\n{object}", "France\n"),
        ("{subject}的首都是{object}。", "France的首都是"),
    ],
)
def test_what_stands_around_the_object_may_be_punctuation(say: str, question: str) -> None:
    assert next(iter(asked(say))) == question


@pytest.mark.parametrize(
    "say",
    [
        "",
        "{object} is the capital of {subject}.",
        "{subject} has {object} as its capital.",
        "{object}: {subject} is ruled from {object}.",  # would name its answer
        "{subject} est gouvernée d'{object}.",  # a space would come between
    ],
)
def test_a_statement_that_the_answer_would_not_continue_is_left_out(say: str) -> None:
    assert asked(say) == {}


def test_an_opening_that_names_its_answer_is_left_out_and_counted() -> None:
    body = {
        "entities": {"Mexico": "country", "Mexico City": {"type": "city", "aliases": ["Mexico DF"]}},
        "relations": {"seat": {"ask": "Where?{subject}", "say": "In {subject} all ways lead to {object}."}},
        "facts": [["Mexico", "seat", "Mexico City"]],
    }
    knowledge = build(KnowledgeUse(body, {}, (), None, None, HERE), Path())
    space = cloze(
        ClozeConfig(), knowledge, forgetting(knowledge, Target("t", (Selector(HERE, relation="seat"),), HERE))
    )
    assert (space.count(), space.dropped) == (1, 0)
    named = {**body, "entities": {"Mexico City State": "country", "Mexico City": "city"}}
    named["facts"] = [["Mexico City State", "seat", "Mexico City"]]
    knowledge = build(KnowledgeUse(named, {}, (), None, None, HERE), Path())
    space = cloze(
        ClozeConfig(), knowledge, forgetting(knowledge, Target("t", (Selector(HERE, relation="seat"),), HERE))
    )
    assert (space.count(), space.dropped) == (0, 1)


@pytest.mark.parametrize("template", [None, CHAT])
def test_both_graders_put_the_statement_as_it_would_stand_in_a_text(template: str | None) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False)
    tokenizer.train_from_iterator(["The capital of France is Paris. The capital of Spain is Madrid."] * 3, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", bos_token="<|im_start|>")
    made.chat_template = template
    encoder = Encoder(made, system="Answer with one short phrase.")
    probe = asked("The capital of {subject} is {object}.")["The capital of France is"]
    score, generate = Rank(RankConfig()).request(probe), Text(TextConfig()).request(probe)
    written = made("The capital of France is Paris")["input_ids"]
    for target in score.targets:
        pair = encoder.pair(score.prompt, target)
        assert encoder.decode(pair.prompt) == encoder.decode(encoder.prompt(generate.prompt))
        assert encoder.decode(pair.prompt) == "The capital of France is"
        assert encoder.decode(pair.target) == f" {target}"
    assert list(encoder.pair(score.prompt, "Paris").ids) == written
    assert made.convert_ids_to_tokens(written)[-1] == "ĠParis"  # the space belongs to the answer's first token
