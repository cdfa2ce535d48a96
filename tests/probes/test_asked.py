"""Questions and documents of files as probes."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from pytest_unlearn.errors import Mark
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.probes.asked import OTHERS, RIVALS, pair_probes
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import PROBES, UTILITY
from pytest_unlearn.subjects.answers import Output, Outputs

NOTHING = Knowledge({}, {}, (), {}, "")
ONE, TWO = Mark(Path("one.jsonl")), Mark(Path("two.jsonl"))
LYON = Pair("Where does Jane live?", ("Lyon", "Lyons"), ("Jane's home town?", "Jane lives in ...?"), at=ONE)
TURIN = Pair("Where does Ann live, if not in Rome?", ("Turin",), at=ONE)
ROME = Pair("Where does Bob live?", ("Rome",), ("Bob's town?",), at=ONE)
AGAIN = Pair("Where does Cy live?", ("lyon",), at=ONE)
ELSEWHERE = Pair("What is the time?", ("noon",), at=TWO)
PAIRS = (LYON, TURIN, ROME, AGAIN, ELSEWHERE)


def closure(**parts: Any) -> Closure:
    return Closure(NOTHING, (), (), (), (), frozenset(), **parts)


def listed(kind: str, made: Closure, **options: Any) -> list[Probe]:
    entry = PROBES.get(kind)
    return list(entry.make(entry.config(**options), NOTHING, made).all())


def by_text(probes: list[Probe]) -> dict[str, Probe]:
    return {probe.prompt.text: probe for probe in probes}


def test_direct_asks_the_questions_and_paraphrase_their_other_wordings() -> None:
    assert set(by_text(listed("direct", closure(pairs=PAIRS)))) == {pair.question for pair in PAIRS}
    assert set(by_text(listed("paraphrase", closure(pairs=PAIRS)))) == {*LYON.paraphrases, *ROME.paraphrases}


def test_paraphrases_of_one_place_are_one_way_of_asking() -> None:
    probes = by_text(listed("paraphrase", closure(pairs=PAIRS)))
    assert probes["Jane's home town?"].way == probes["Bob's town?"].way
    assert probes["Jane's home town?"].way != probes["Jane lives in ...?"].way
    assert {probe.unit for probe in probes.values()} == {LYON.id, ROME.id}


def test_rivals_are_the_other_answers_of_the_file_that_do_not_stand_in_the_question() -> None:
    probes = by_text(listed("direct", closure(pairs=PAIRS)))
    assert probes[LYON.question].secret == probes[LYON.question].gold == (("Lyon", "Lyons"),)
    assert set(probes[LYON.question].rivals) == {("Turin",), ("Rome",)}  # not `lyon`, which is right
    assert len(probes[TURIN.question].rivals) == 1  # Lyon, spelt one way or the other; Rome stands in the question
    assert probes[ELSEWHERE.question].rivals == ()


def test_who_says_more_or_less_than_the_answer_has_not_said_another() -> None:
    paris = Pair("Where does Dan live?", ("Paris",), at=ONE)
    signed = Pair("Where was it signed?", ("Paris, France",), at=ONE)
    texas = Pair("Where does Eve live?", ("Paris Springs",), at=ONE)
    probes = by_text(listed("direct", closure(pairs=(paris, signed, texas))))
    assert probes[paris.question].rivals == (("Paris Springs",),)
    assert probes[signed.question].rivals == (("Paris Springs",),)
    grader = Text(TextConfig())
    for probe in (probes[paris.question], probes[signed.question]):
        request = grader.request(probe)
        grades = [
            grader.grade(probe, request, Outputs((Output(f"In {name}."),))) for name in ("Paris, France", "Paris")
        ]
        assert grades[0].leak
        assert grades[1].leak is (probe is probes[paris.question])
        assert not grader.grade(probe, request, Outputs((Output("In Paris Springs."),))).leak


def test_an_answer_is_tried_on_questions_that_it_does_not_belong_to() -> None:
    probes = by_text(listed("direct", closure(pairs=PAIRS)))
    assert {prompt.text for prompt in probes[LYON.question].others} == {TURIN.question, ROME.question}


def test_a_question_that_contains_its_answer_is_left_out_and_counted() -> None:
    told = Pair("Is it Lyon or Turin?", ("Lyon",), at=ONE)
    space = PROBES.get("direct").make(PROBES.get("direct").config(), NOTHING, closure(pairs=(told, ROME)))
    assert (space.count(), space.dropped) == (1, 1)


def test_a_large_file_gives_each_probe_few_rivals_and_others_that_probes_share() -> None:
    pairs = tuple(Pair(f"What is number {i} called?", (f"name{i}",), at=ONE) for i in range(400))
    probes = [probe for probe in pair_probes(pairs, pairs, kind="direct") if probe is not None]
    assert {len(probe.rivals) for probe in probes} == {RIVALS}
    assert {len(probe.others) for probe in probes} == {OTHERS}
    assert len({prompt for probe in probes for prompt in probe.others}) == OTHERS + 1


def test_every_kind_but_those_of_questions_has_nothing_to_ask_about_them() -> None:
    made = closure(pairs=PAIRS, documents=(Document("a b c"),))
    for kind in ("alias", "inverse", "multi_hop", "continuation"):
        entry = PROBES.get(kind)
        assert entry.make(entry.config(), NOTHING, made).count() == 0, kind


def test_what_is_kept_are_the_held_out_questions_unless_relations_are_asked_for() -> None:
    entry = UTILITY.get("retained")
    made, half = closure(kept_pairs=PAIRS), Kept(pairs=(LYON,))
    (probe,) = entry.make(entry.config(), NOTHING, made, half)
    assert (probe.prompt.text, probe.gold) == (LYON.question, (LYON.answers,))
    assert set(probe.rivals) == {("Turin",), ("Rome",)}
    assert entry.make(entry.config(relation=("capital",)), NOTHING, made, half) == []


def numbered(n: int, name: str = "w") -> Document:
    return Document(" ".join(f"{name}{i}" for i in range(n)))


def test_a_continuation_gives_a_prefix_raw_and_wants_the_words_that_follow() -> None:
    (probe,) = listed("continuation", closure(documents=(numbered(9),)), prefix=3, length=4, positions=1)
    assert (probe.prompt.text, probe.prompt.raw) == ("w0 w1 w2", True)
    assert probe.gold == probe.secret == (("w3 w4 w5 w6",),)
    assert probe.unit == numbered(9).id


def test_positions_lie_evenly_in_a_document_and_do_not_overlap() -> None:
    probes = listed("continuation", closure(documents=(numbered(100),)), prefix=6, length=4, positions=4)
    assert [probe.prompt.text.split()[0] for probe in probes] == ["w0", "w30", "w60", "w90"]
    assert probes[-1].gold == (("w96 w97 w98 w99",),)
    assert len({probe.way for probe in probes}) == 4
    few = listed("continuation", closure(documents=(numbered(25),)), prefix=6, length=4, positions=4)
    assert [probe.prompt.text.split()[0] for probe in few] == ["w0", "w15"]


def test_a_short_document_is_asked_where_half_of_the_length_follows() -> None:
    assert not listed("continuation", closure(documents=(numbered(7),)), prefix=6, length=4)
    (probe,) = listed("continuation", closure(documents=(numbered(8),)), prefix=6, length=4)
    assert probe.gold == (("w6 w7",),)


def test_a_continuation_is_tried_on_the_beginnings_of_other_documents() -> None:
    documents = (numbered(9, "a"), numbered(9, "b"), numbered(4, "c"))
    space = PROBES.get("continuation").make(
        PROBES.get("continuation").config(prefix=3, length=4), NOTHING, closure(documents=documents)
    )
    first = space.draw(Random(0))
    (other,) = first.others
    assert {first.prompt.text, other.text} == {"a0 a1 a2", "b0 b1 b2"}
    assert other.raw
