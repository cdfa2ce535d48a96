"""What counts as an answer: by its words and by its likelihood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_unlearn.graders.grade import Grade, UnansweredError
from pytest_unlearn.graders.rank import Rank, RankConfig
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.probes.probe import Names, Probe, Way
from pytest_unlearn.subjects.answers import Failed, Output, Outputs, Scores
from pytest_unlearn.subjects.requests import Prompt

COUNTRIES: tuple[Names, ...] = (("Spain",), ("France", "Gaul"), ("Portugal",), ("Sudan",), ("South Sudan",))
TEXT, RANK = Text(TextConfig()), Rank(RankConfig())


def probe(gold: list[str], secret: list[str], *, asked: str = "Spain", closed: bool = False) -> Probe:
    """Who borders `asked`? The other countries are rivals."""
    by_name = {names[0]: names for names in COUNTRIES}
    rivals = tuple(names for names in COUNTRIES if names[0] not in (*gold, asked))
    return Probe(
        prompt=Prompt.of(f"Name a country that borders {asked}."),
        gold=tuple(by_name[name] for name in gold),
        secret=tuple(by_name[name] for name in secret),
        rivals=rivals,
        unit="a fact",
        chain=("a fact",),
        way=Way("direct", "neighbour.ask.0"),
        named=(asked, "country"),
        hole="Name a country that borders {}.",
        answer=("country", closed),
        size=(1,),
    )


def says(text: str) -> Outputs:
    return Outputs((Output(text),))


NEIGHBOURS = probe(["France", "Portugal"], ["France"])


@pytest.mark.parametrize(
    ("text", "value", "leak"),
    [
        ("France", 1.0, True),
        ("It borders GAUL.", 1.0, True),
        ("Portugal, and France too", 1.0, False),  # the first name decides: true, and reveals nothing
        ("Sudan, France, Portugal", 0.0, False),  # a list is not a hit
        ("Spain borders France.", 1.0, True),  # a name in the question does not count
        ("Francesca", 0.0, False),
        ("I do not know.", 0.0, False),
    ],
)
def test_the_first_name_of_the_right_type_decides(text: str, value: float, leak: bool) -> None:
    grade = TEXT.grade(NEIGHBOURS, TEXT.request(NEIGHBOURS), says(text))
    assert (grade.value, grade.leak) == (value, leak)


@pytest.mark.parametrize(("text", "value"), [("South Sudan", 0.0), ("Sudan", 1.0), ("sudan and South Sudan", 1.0)])
def test_the_longest_name_wins(text: str, value: float) -> None:
    asked = probe(["Sudan"], ["Sudan"])
    assert TEXT.grade(asked, TEXT.request(asked), says(text)).value == value


def test_generation_may_end_at_any_name_but_those_of_the_question() -> None:
    request = TEXT.request(NEIGHBOURS)
    assert request.decided_by == ("France", "Gaul", "Portugal", "South Sudan", "Sudan")
    assert request.max_new == 32 + 12  # the question has 34 characters


@pytest.mark.parametrize("grader", [TEXT, RANK])
def test_a_missing_answer_is_never_a_grade(grader: Text | Rank) -> None:
    with pytest.raises(UnansweredError, match="out of memory"):
        grader.grade(NEIGHBOURS, grader.request(NEIGHBOURS), Failed("memory", "out of memory"))


@pytest.mark.parametrize(
    ("grader", "answer", "told"),
    [
        (TEXT, Scores((-1.0,), (1,)), "expected generated text, got Scores"),
        (RANK, Outputs((Output("France"),)), "expected scores, got Outputs"),
    ],
)
def test_an_answer_to_another_request_is_never_a_grade(
    grader: Text | Rank, answer: Scores | Outputs, told: str
) -> None:
    with pytest.raises(UnansweredError, match=f"^{told}$"):
        grader.grade(NEIGHBOURS, grader.request(NEIGHBOURS), answer)


def ranked(**logp: float) -> tuple[object, Scores]:
    request = RANK.request(NEIGHBOURS)
    values = {name.replace("_", " "): value for name, value in logp.items()}
    return request, Scores(tuple(values.get(t, -9.0) for t in request.targets), (1,) * len(request.targets))


def test_the_likeliest_of_true_names_and_rivals_is_what_is_said() -> None:
    request, scores = ranked(France=-1.0, Sudan=-2.0)
    grade = RANK.grade(NEIGHBOURS, request, scores)  # type: ignore[arg-type]
    assert (grade.value, grade.leak, grade.said) == (1.0, True, "France")


def test_an_alias_counts_for_its_entity() -> None:
    request, scores = ranked(Gaul=-1.0, Sudan=-2.0)
    assert RANK.grade(NEIGHBOURS, request, scores).leak  # type: ignore[arg-type]


def test_a_true_answer_that_reveals_nothing_does_not_hide_the_secret() -> None:
    request, scores = ranked(Portugal=-0.5, France=-1.0, Sudan=-2.0)
    grade = RANK.grade(NEIGHBOURS, request, scores)  # type: ignore[arg-type]
    assert (grade.said, grade.leak) == ("Portugal", True)


def test_a_rival_above_the_secret_is_no_leak() -> None:
    request, scores = ranked(France=-1.0, Sudan=-0.5)
    grade = RANK.grade(NEIGHBOURS, request, scores)  # type: ignore[arg-type]
    assert (grade.value, grade.leak) == (0.0, False)


def test_the_chance_of_a_ranked_answer_is_its_share_of_the_names() -> None:
    # secret: France and Gaul; rivals: Sudan and South Sudan
    assert RANK.chance(NEIGHBOURS) == 2 / 4


def test_the_chance_of_a_spoken_answer_is_that_of_a_closed_type() -> None:
    assert TEXT.chance(NEIGHBOURS) == 0.0
    # one secret among two true answers and two rivals
    assert TEXT.chance(probe(["France", "Portugal"], ["France"], closed=True)) == 1 / 4


def test_scores_may_be_read_by_token() -> None:
    by_token = Rank(RankConfig(normalise="tokens"))
    request = by_token.request(NEIGHBOURS)
    values = {"France": (-6.0, 6), "Sudan": (-2.0, 1)}
    logp, lengths = zip(*(values.get(target, (-99.0, 1)) for target in request.targets), strict=True)
    scores = Scores(logp, lengths)
    assert by_token.grade(NEIGHBOURS, request, scores).said == "France"  # -1 a token against -2
    assert RANK.grade(NEIGHBOURS, request, scores).said == "Sudan"


def test_an_answer_about_an_invented_name_is_graded_for_every_probe_of_its_way() -> None:
    other = probe(["Portugal"], ["Portugal"])
    request = TEXT.stand_in([NEIGHBOURS, other], NEIGHBOURS.stand_in("Framany"))
    assert request.prompt.text == "Name a country that borders Framany."
    assert [TEXT.grade(p, request, says("Portugal")).leak for p in (NEIGHBOURS, other)] == [False, True]


CHOICE = replace(
    probe(["France"], ["France"]), options=("Sudan", "France", "Portugal", "South Sudan"), answer=("country", True)
)


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("B", True),
        ("B. France", True),
        ("(B)", True),
        ("The answer is B.", True),
        ("France", True),
        ("Gaul, that is B", True),
        ("A country that is called France", True),  # an article is no letter
        ("A. Sudan, B. France", False),  # a list is not a hit
        ("A", False),
        ("b", False),
        ("Plan B9", False),
        ("E", False),  # not listed
    ],
)
def test_a_letter_stands_for_the_answer_it_is_listed_with(text: str, leak: bool) -> None:
    assert TEXT.grade(CHOICE, TEXT.request(CHOICE), says(text)).leak is leak


def test_a_letter_that_is_part_of_a_name_is_that_name() -> None:
    named = replace(CHOICE, rivals=(("B. Faso",), ("Sudan",), ("Portugal",)))
    assert not TEXT.grade(named, TEXT.request(named), says("B. Faso")).leak


def test_letters_are_ranked_where_the_question_lists_its_answers() -> None:
    few = Rank(RankConfig(rivals=1))
    request = few.request(CHOICE)
    assert set(request.targets) == {"A", "B", "C", "D"}
    scores = Scores(tuple(0.0 if target == "B" else -1.0 for target in request.targets), (1,) * 4)
    assert few.grade(CHOICE, request, scores) == Grade(1.0, True, "B. France", gap=1.0)
    assert few.chance(CHOICE) == TEXT.chance(CHOICE) == 1 / 4
