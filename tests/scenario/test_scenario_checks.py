from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_unlearn.registry import Use
from pytest_unlearn.scenario.model import (
    AtLeast,
    Between,
    Check,
    Decode,
    Example,
    Limit,
    Margin,
    Scenario,
    Search,
)

Load = Callable[[str], Scenario]
Around = Callable[..., str]
Complaints = Callable[[str], list[str]]


def one(load: Load, around: Around, text: str, **rest: str) -> Check:
    (check,) = load(around(checks=f"checks: {{c: {{{text}}}}}", **rest)).checks
    return check


@pytest.mark.parametrize(
    ("text", "decide", "claim"),
    [
        ("ask: toy_walk, search: 200", Search(200), "forget"),
        ("ask: toy_walk, limit: 5%", Limit(0.05), "forget"),
        ("keep: toy_near, margin: 10%", Margin(0.1), "utility"),
        ("measure: toy_ratio, limit: 1.1", Limit(1.1), "utility"),
        ("measure: toy_gap, at_least: -2", AtLeast(-2.0), "privacy"),
        ("measure: toy_gap, between: [40%, 0.6]", Between(0.4, 0.6), "privacy"),
    ],
)
def test_the_deciding_key_says_how_and_the_kind_says_what_is_claimed(
    load: Load, around: Around, text: str, decide: object, claim: str
) -> None:
    check = one(load, around, text)
    assert (check.decide, check.claim) == (decide, claim)
    assert check.kind == text.split(",")[0].split()[1]


def test_keys_of_every_check_and_of_the_kind_are_read(load: Load, around: Around) -> None:
    check = one(
        load, around, "ask: toy_walk, search: 9, hops: 3, position: start, min_known: 2, tags: [slow], xfail: later"
    )
    assert (check.config.hops, check.config.position) == (3, ("start",))
    assert (check.min_known, check.tags, check.xfail) == (2, ("slow",), "later")


def test_keys_have_defaults(load: Load, around: Around) -> None:
    check = one(load, around, "ask: toy_walk, search: 9")
    assert (check.min_known, check.tags, check.xfail, check.graders) == (5, (), None, ())


@pytest.mark.parametrize(
    ("grade", "graders"),
    [
        ("toy_letter", [(20, "tokens")]),
        ("[toy_letter]", [(20, "tokens")]),
        ("{toy_letter: {normalise: mean}}", [(20, "mean")]),
        ("[{toy_letter: {length: 3}}]", [(3, "tokens")]),
        ("{toy_letter: 7}", [(7, "tokens")]),
        ("{toy_letter: null}", [(20, "tokens")]),
    ],
)
def test_graders_are_names_or_mappings_or_a_list(
    load: Load, around: Around, grade: str, graders: list[tuple[int, str]]
) -> None:
    uses = one(load, around, f"ask: toy_walk, search: 9, grade: {grade}").graders
    assert all(isinstance(use, Use) and use.name == "toy_letter" for use in uses)
    assert [(use.config.length, use.config.normalise) for use in uses] == graders


def test_the_error_level_is_shared_by_all_checks_of_all_requests(load: Load, around: Around) -> None:
    checks = "checks: {a: {ask: toy_walk, search: 9}, b: {keep: toy_near, margin: 5%}}"
    scenario = load(around(checks=checks, forget="forget: {x: A, y: B, z: C}"))
    # 1 - 99 % over 2 checks of 3 requests: 0.01 / 6
    assert [check.alpha for check in scenario.checks] == pytest.approx([0.01 / 6] * 2)
    scenario = load(around(checks=checks, defaults="defaults: {confidence: 95%}"))
    # 0.05 over 2 checks of 1 request
    assert [check.alpha for check in scenario.checks] == pytest.approx([0.025] * 2)
    assert scenario.confidence == 0.95


def test_defaults_fill_what_a_check_leaves_open(load: Load, around: Around) -> None:
    scenario = load(
        around(
            defaults="defaults: {search: 50, margin: 2%, min_known: 3, hops: 4, grade: toy_letter}",
            checks=(
                "checks: {a: {ask: toy_walk}, b: {ask: toy_walk, limit: 5%, hops: 2, min_known: 9},"
                " c: {keep: toy_near}, d: {measure: toy_gap, limit: 1}}"
            ),
        )
    )
    a, b, c, d = scenario.checks
    assert (a.decide, a.config.hops, a.min_known) == (Search(50), 4, 3)
    assert (b.decide, b.config.hops, b.min_known) == (Limit(0.05), 2, 9)
    assert (c.decide, c.graders[0].name) == (Margin(0.02), "toy_letter")
    assert d.decide == Limit(1.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", "5:10 a check needs `ask`, `keep` or `measure`"),
        ("{limit: 5%}", "5:10 a check needs `ask`, `keep` or `measure`"),
        ("{aks: toy_walk, limit: 5%}", "5:14 unknown key 'aks' - did you mean 'ask'?"),
        ("5", "5:13 expected a mapping such as {ask: direct, limit: 5%}, got 5"),
        ("{ask: toy_walk, keep: toy_near, limit: 5%}", "5:29 `keep` beside `ask`: a check does one of them"),
        ("{ask: toy_wakl, limit: 5%}", "5:19 unknown probe kind 'toy_wakl' - did you mean 'toy_walk'?"),
        ("{ask: toy_near, limit: 5%}", "5:19 'toy_near' is a utility check: write `keep: toy_near`"),
        ("{measure: toy_walk, limit: 5}", "5:23 'toy_walk' is a probe kind: write `ask: toy_walk`"),
        ("{ask: 5, limit: 5%}", "5:19 expected the name of a probe kind, got 5"),
        ("{ask: [toy_walk], limit: 5%}", "5:19 expected the name of a probe kind, got a list"),
        ("{ask: toy_walk}", "5:10 `ask` needs `search` or `limit`"),
        ("{keep: toy_near}", "5:10 `keep` needs `margin`"),
        ("{measure: toy_gap}", "5:10 `measure` needs `limit`, `at_least` or `between`"),
        ("{ask: toy_walk, margin: 5%}", "5:29 `margin` does not go with `ask`: use `search` or `limit`"),
        ("{keep: toy_near, limit: 5%}", "5:30 `limit` does not go with `keep`: use `margin`"),
        ("{ask: toy_walk, limit: 5%, search: 9}", "5:40 `search` beside `limit`: a check decides by one of them"),
        ("{ask: toy_walk, serach: 9}", "5:29 unknown key 'serach' - did you mean 'search'?"),
        ("{ask: toy_walk, search: 9, hop: 3}", "5:40 unknown key 'hop' - did you mean 'hops'?"),
        ("{ask: toy_walk, search: 0}", "5:37 must be at least 1"),
        ("{ask: toy_walk, search: 5%}", "5:37 expected a whole number, got '5%'"),
        ("{ask: toy_walk, limit: 5}", "5:36 must be below 1: 5 percent is 5% or 0.05"),
        ("{ask: toy_walk, limit: 500}", "5:36 must be below 1"),
        ("{ask: toy_walk, limit: '0.5'}", "5:36 expected a number, got '0.5': without quotes"),
        ("{ask: toy_walk, limit: -1%}", "5:36 must be at least 0"),
        ("{ask: toy_walk, limit: five}", "5:36 expected a number, got 'five'"),
        ("{keep: toy_near, margin: 100%}", "5:38 must be below 1"),
        ("{measure: toy_gap, between: [2, 1]}", "5:41 must go from a lower number to a higher one"),
        ("{measure: toy_gap, between: 2}", "5:41 expected a list, got 2"),
        ("{ask: toy_walk, search: 9, hops: 1}", "5:46 must be at least 2"),
        ("{ask: toy_walk, search: 9, position: [strat]}", "5:51 expected 'start', 'bridge' or 'answer', got 'strat'"),
        ("{ask: toy_walk, search: 9, position: strat}", "5:50 expected 'start', 'bridge' or 'answer', got 'strat'"),
        ("{ask: toy_needy, search: 9}", "5:10 missing required key 'words'"),
        ("{ask: toy_needy, search: 9, word: a}", "5:41 unknown key 'word' - did you mean 'words'?"),
        ("{ask: toy_clash, search: 9}", "5:19 ClashConfig has the option 'limit', which is a key of every check"),
        (
            "{ask: toy_walk, search: 9, decode: {samples: 8}}",
            "5:40 `decode` goes with `limit`: of many samples some are right by luck, so that a rate decides",
        ),
        (
            "{ask: toy_walk, limit: 5%, decode: {}, grade: rank}",
            "5:40 `decode` samples what is said, and no grader of this check reads that: add `text`",
        ),
        ("{ask: toy_walk, limit: 5%, decode: {samples: 1}}", "5:58 must be at least 2"),
        ("{ask: toy_walk, limit: 5%, decode: {temperature: 0}}", "5:62 must be above 0"),
        ("{keep: toy_near, margin: 5%, decode: {}}", "5:42 unknown key 'decode'"),
        ("{ask: toy_walk, search: 9, xfail: ''}", "5:47 must not be empty"),
        ("{ask: toy_walk, search: 9, tags: 5}", "5:46 expected text, got 5: put it in quotes"),
        ("{ask: toy_walk, search: 9, tags: a b}", "5:46 'a b' is not a tag: start with a letter"),
        ("{ask: toy_walk, search: 9, min_known: 0}", "5:51 must be at least 1"),
        (
            "{ask: toy_walk, search: 9, grade: toy_lettr}",
            "5:47 unknown grader 'toy_lettr' - did you mean 'toy_letter'?",
        ),
        ("{ask: toy_walk, search: 9, grade: []}", "5:47 must not be empty"),
        ("{ask: toy_walk, search: 9, grade: {}}", "5:47 must not be empty"),
        ("{ask: toy_walk, search: 9, grade: [5]}", "5:48 expected the name of a grader, got 5"),
        ("{ask: toy_walk, search: 9, grade: [toy_letter, toy_letter]}", "5:60 the grader 'toy_letter' is given twice"),
        (
            "{ask: toy_walk, search: 9, grade: {toy_letter: {lenth: 3}}}",
            "5:61 unknown key 'lenth' - did you mean 'length'?",
        ),
        ("{ask: toy_walk, search: 9, grade: {toy_letter: 0}}", "5:60 must be at least 1"),
    ],
)
def test_a_mistaken_check_is_placed(complaints: Complaints, around: Around, text: str, found: str) -> None:
    (complaint,) = complaints(around(checks=f"checks: {{c: {text}}}"))
    assert complaint.startswith(found)


@pytest.mark.parametrize("key", ["after", "budget"])
def test_keys_of_later_releases_are_told_from_unknown_ones(complaints: Complaints, around: Around, key: str) -> None:
    assert complaints(around(checks=f"checks: {{c: {{ask: toy_walk, search: 9, {key}: x}}}}")) == [
        f"5:40 `{key}` is part of the scenario grammar, but this version cannot run it yet"
    ]


def test_answers_may_be_sampled(load: Load, around: Around) -> None:
    assert one(load, around, "ask: toy_walk, limit: 5%").decode is None
    assert one(load, around, "ask: toy_walk, limit: 5%, decode: {}").decode == Decode(samples=32, temperature=1.0)
    read = one(load, around, "ask: toy_walk, limit: 5%, decode: {samples: 8, temperature: 0.8}, grade: [rank, text]")
    assert read.decode == Decode(samples=8, temperature=0.8)


def test_examples_are_questions_with_the_answers_that_give_the_secret_away(load: Load, around: Around) -> None:
    pinned = "examples: [{question: Where is Ann?, accepted: [Rome, Roma]}, {question: And Bob?, accepted: Oslo}]"
    assert one(load, around, f"ask: toy_walk, search: 9, {pinned}").examples == (
        Example(question="Where is Ann?", accepted=("Rome", "Roma")),
        Example(question="And Bob?", accepted=("Oslo",)),
    )


@pytest.mark.parametrize(
    ("examples", "found"),
    [
        ("5", "5:50 expected a mapping, got 5"),
        ("{question: Who?, accepted: A}", "5:50 expected a list, got a mapping"),
        ("[Who?]", "5:51 expected a mapping, got 'Who?'"),
        ("[{question: Who?}]", "5:51 missing required key 'accepted'"),
        ("[{accepted: [A]}]", "5:51 missing required key 'question'"),
        ("[{question: '', accepted: A}]", "5:62 must not be empty"),
        ("[{question: Who?, accepted: []}]", "5:78 must not be empty"),
        ("[{question: Who?, accepted: ['']}]", "5:79 must not be empty"),
        ("[{question: Who?, accept: A}]", "5:68 unknown key 'accept' - did you mean 'accepted'?"),
        ("[{question: Who?, accepted: 5}]", "5:78 expected text, got 5: put it in quotes"),
        ("[{question: Is it A?, accepted: [a]}]", "5:83 the question contains its answer 'a': to repeat it is no leak"),
        (
            "[{question: Who?, accepted: A, target: frence}]",
            "5:89 no forget request is called 'frence' - did you mean 'france'?",
        ),
    ],
)
def test_a_mistaken_example_is_placed(complaints: Complaints, around: Around, examples: str, found: str) -> None:
    assert complaints(around(checks=f"checks: {{c: {{ask: toy_walk, search: 9, examples: {examples}}}}}")) == [found]


def test_an_example_says_whose_it_is_where_a_file_has_several_requests(
    load: Load, complaints: Complaints, around: Around
) -> None:
    def text(target: str) -> str:
        example = f"{{question: Who?, accepted: A{target}}}"
        checks = f"checks: {{c: {{ask: toy_walk, search: 9, examples: [{example}]}}}}"
        return around(checks=checks, forget="forget: {x: B, y: C}")

    assert load(text(", target: y")).checks[0].examples[0].target == "y"
    assert complaints(text("")) == ["5:51 this file has 2 forget requests: say whose question it is, `target: x`"]


def test_only_a_check_that_asks_has_examples(complaints: Complaints, around: Around) -> None:
    text = around(checks="checks: {c: {keep: toy_near, margin: 5%, examples: [{question: Who?, accepted: A}]}}")
    assert complaints(text) == [
        "5:42 unknown key 'examples' (known: grade, keep, margin, min_known, relation, tags, xfail)"
    ]


def test_a_guided_search_has_to_wait(complaints: Complaints, around: Around) -> None:
    text = "checks: {c: {ask: toy_walk, search: {strategy: guided, budget: 600}}}"
    assert complaints(around(checks=text)) == [
        "5:38 `strategy` is part of the scenario grammar, but this version cannot run it yet",
        "5:56 `budget` is part of the scenario grammar, but this version cannot run it yet",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", ["6:11 expected a mapping such as {confidence: 99%}, got 5"]),
        ("{confidence: 100%}", ["6:24 must be below 1"]),
        ("{confidence: 49%}", ["6:24 must be at least 0.5"]),
        ("{confidense: 99%}", ["6:12 unknown key 'confidense' - did you mean 'confidence'?"]),
        ("{ask: toy_walk}", ["6:12 unknown key 'ask'"]),
        ("{hops: x}", ["6:18 expected a whole number, got 'x'"]),
        ("{hopss: 3}", ["6:12 unknown key 'hopss' - did you mean 'hops'?"]),
        ("{grade: toy_lettr}", ["6:19 unknown grader 'toy_lettr' - did you mean 'toy_letter'?"]),
        ("{after: x}", ["6:12 `after` is part of the scenario grammar, but this version cannot run it yet"]),
    ],
)
def test_a_mistaken_default_is_told_once_at_its_own_place(
    complaints: Complaints, around: Around, text: str, found: list[str]
) -> None:
    checks = "checks: {a: {ask: toy_walk, search: 9}, b: {ask: toy_walk, search: 9}}"
    told = complaints(around(checks=checks, defaults=f"defaults: {text}"))
    assert len(told) == len(found)
    assert all(said.startswith(wanted) for said, wanted in zip(told, found, strict=True))


def test_two_deciding_defaults_are_one_too_many(complaints: Complaints, around: Around) -> None:
    text = around(checks="checks: {a: {ask: toy_walk}}", defaults="defaults: {search: 9, limit: 5%}")
    assert complaints(text) == ["6:23 `limit` beside `search`: a check decides by one of them"]


def test_the_id_of_a_check_is_a_slug(complaints: Complaints, around: Around) -> None:
    text = around(checks="checks: {two hops: {ask: toy_walk, search: 9}}")
    assert complaints(text) == ["5:10 'two hops' cannot be an id: use letters, digits, `_`, `.` and `-`"]


@pytest.mark.parametrize(("text", "got"), [("{}", "nothing"), ("[a]", "a list"), ("", "nothing")])
def test_a_file_has_checks(complaints: Complaints, around: Around, text: str, got: str) -> None:
    (complaint,) = complaints(around(checks=f"checks: {text}"))
    assert complaint.endswith(f" expected a mapping of ids to checks, got {got}")
