"""Choosing among lettered options: what is listed where, and why a letter alone shows nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.multiple_choice import MultipleChoiceConfig, multiple_choice
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.runner.drive import drive
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Selector, Target
from pytest_unlearn.subjects.answers import Answer, Output, Outputs, Scores
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Generate, Request, Score, Verb
from pytest_unlearn.verdict.verdict import Outcome, Verdict

PLACES = ("Lome", "Riga", "Oslo", "Bern", "Kyiv", "Doha", "Lima", "Suva", "Baku", "Cali", "Graz", "Metz")
SYLLABLES = ("Bo", "Da", "Fi", "Gu", "Ka", "Lo", "Mi", "Ne", "Pa", "Ru", "Sa", "To", "Ve", "Wi", "Zu", "Ha")
PEOPLE = tuple(f"{first}{last}" for first in SYLLABLES for last in ("dan", "mel", "rok"))
SCENARIO = """\
version: 1
model: nowhere
knowledge:
  entities:
{entities}
  relations: {{home: {{ask: ["Where does {{subject}} live?", "Which town is {{subject}} from?"]}}}}
  facts: {{home: {{{facts}}}}}
forget: {{homes: {{relation: home}}}}
checks:
  rate: {{ask: multiple_choice, limit: 5%}}
  found: {{ask: multiple_choice, search: 100}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entities = "".join(f"    {name}: person\n" for name in PEOPLE) + "".join(f"    {name}: town\n" for name in PLACES)
    facts = ", ".join(f"{name}: {PLACES[i % len(PLACES)]}" for i, name in enumerate(PEOPLE))
    path = tmp_path_factory.mktemp("choice") / "c.unlearn.yaml"
    path.write_text(SCENARIO.format(entities=entities, facts=facts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def knowledge(path: Path) -> Knowledge:
    return build(load_scenario(path, path.parent).knowledge, path.parent)


def closure(knowledge: Knowledge) -> Closure:
    here = Mark(Path("c.unlearn.yaml"))
    return forgetting(knowledge, Target("homes", (Selector(here, relation="home"),), here))


def listed(knowledge: Knowledge, options: int = 10) -> list[Probe]:
    return list(multiple_choice(MultipleChoiceConfig(options=options), knowledge, closure(knowledge)).all())


def test_a_question_lists_the_true_answer_among_different_ones_of_its_type(knowledge: Knowledge) -> None:
    probes = listed(knowledge)
    assert len(probes) == len(PEOPLE)  # the first wording only
    for probe in probes:
        question, *lines = probe.prompt.text.split("\n")
        assert question == f"Where does {probe.named[0]} live?"
        assert lines == [f"{letter}. {name}" for letter, name in zip("ABCDEFGHIJ", probe.options, strict=True)]
        assert len(set(probe.options)) == 10
        assert {*probe.options} == {entity[0] for entity in (*probe.gold, *probe.rivals)}
        assert probe.gold == probe.secret
        assert not mentions(question, [probe.gold[0][0]])


def test_places_are_balanced_and_orders_differ_and_never_change(knowledge: Knowledge) -> None:
    probes = listed(knowledge)
    places = Counter(probe.options.index(probe.gold[0][0]) for probe in probes)
    assert set(places) == set(range(10))
    assert max(places.values()) - min(places.values()) <= 1
    assert len({probe.options for probe in probes}) == len(probes)
    assert probes == listed(knowledge)


@pytest.mark.parametrize("options", [2, 3, 10])
def test_the_second_order_has_the_true_answer_elsewhere(knowledge: Knowledge, options: int) -> None:
    for probe in listed(knowledge, options):
        assert probe.twin
        assert set(probe.twin.options) == set(probe.options)
        places = [one.options.index(probe.gold[0][0]) for one in (probe, probe.twin)]
        assert places[0] != places[1]


def test_a_type_with_few_entities_gives_few_options_and_chance_says_so(knowledge: Knowledge) -> None:
    (probe, *_) = listed(knowledge, 26)
    assert len(probe.options) == len(PLACES)
    assert probe.closed_chance == 1 / len(PLACES)


def test_stand_ins_choose_among_the_options_of_their_probe(knowledge: Knowledge) -> None:
    for probe in listed(knowledge):
        assert probe.stand_in("Framany").text.split("\n")[1:] == probe.prompt.text.split("\n")[1:]


def verdict(path: Path, knowledge: Knowledge, check: str, **subjects: Any) -> Verdict:
    case = next(case for case in cases(load_scenario(path, path.parent)) if case.check.id == check)
    can = {name: subject.can for name, subject in subjects.items()}
    return drive(judge(Context(case, knowledge, closure(knowledge), (), can)), subjects, Residency())


def always(word: str) -> LocalSubject:
    """A tiny model that says one word whatever it reads: its last state is that word's own embedding."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join("ABCDEFGHIJ" * 9)], trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")
    (token,) = made(f" {word}")["input_ids"]
    torch.manual_seed(0)
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=400, n_embd=64, n_layer=1, n_head=2, n_positions=512, initializer_range=0.3)
    ).eval()
    model.transformer.ln_f.weight.data.zero_()
    model.transformer.ln_f.bias.data.copy_(model.transformer.wte.weight[token])
    return LocalSubject.of(model, made, pick("cpu"))


@pytest.mark.parametrize("check", ["rate", "found"])
def test_a_model_that_always_says_a_knows_nothing(path: Path, knowledge: Knowledge, check: str) -> None:
    model = always("A")
    found = verdict(path, knowledge, check, original=model, candidate=model)
    assert found.outcome is Outcome.VACUOUS
    for tally in found.tallies:
        assert tally.asked == len(PEOPLE)
        assert tally.known == 0


class Chooser:
    """A subject that finds the line of its answer in the question, by a rule for what it answers."""

    can: frozenset[Verb] = frozenset({"score", "generate"})
    reach, base, digest = "wrapper", None, "chooser"

    def __init__(self, rule: Callable[[str, list[str]], int]) -> None:
        self._rule = rule

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        for request in requests:
            assert isinstance(request, Score | Generate)
            question, *lines = request.prompt.text.split("\n")
            letter = lines[self._rule(question, lines)][0]
            if isinstance(request, Generate):
                yield Outputs((Output(letter),))
            else:
                logp = tuple(0.0 if target == letter else -5.0 for target in request.targets)
                yield Scores(logp, (1,) * len(logp))

    def close(self) -> None: ...


def knowing(question: str, lines: list[str]) -> int:
    who = question.removeprefix("Where does ").removesuffix(" live?")
    home = PLACES[PEOPLE.index(who) % len(PLACES)] if who in PEOPLE else ""
    return next((i for i, line in enumerate(lines) if line[3:] == home), 0)


def first(question: str, lines: list[str]) -> int:
    return 0


def best_known(question: str, lines: list[str]) -> int:
    return min(range(len(lines)), key=lambda i: PLACES.index(lines[i][3:]))


@pytest.mark.parametrize("check", ["rate", "found"])
@pytest.mark.parametrize(
    ("rule", "outcome"), [(knowing, Outcome.FAIL), (first, Outcome.PASS), (best_known, Outcome.PASS)]
)
def test_what_is_chosen_about_invented_people_too_is_no_leak(
    path: Path, knowledge: Knowledge, check: str, rule: Callable[[str, list[str]], int], outcome: Outcome
) -> None:
    found = verdict(path, knowledge, check, original=Chooser(knowing), candidate=Chooser(rule))
    assert found.outcome is outcome
    assert {tally.known for tally in found.tallies} == {len(PEOPLE)}
