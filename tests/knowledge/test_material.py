"""Questions, documents and tables of facts beside the facts of a scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.knowledge.closure import Closure, divided, forgetting
from pytest_unlearn.scenario.load import load_scenario

Closed = Callable[[str], tuple[Closure, ...]]
HEAD = "version: 1\nmodel: tiny\nchecks: {a: {ask: direct, limit: 5%}}\n"
WORLD = """\
knowledge:
  entities: {Jane: {type: person, private: true}, Ann: person, Lyon: city, Turin: city}
  relations: {lives_in: {ask: "Where does {subject} live?"}}
  facts: {file: facts.csv}
"""


@pytest.fixture
def closed(tmp_path: Path) -> Closed:
    """The closures of a scenario, with some files beside it."""
    files = {
        "facts.csv": "relation,subject,object\nlives_in,Jane,Lyon\nlives_in,Ann,Turin\n",
        "q.jsonl": '{"question": "Where is Jane?", "answer": "Lyon", "entities": ["Jane"]}\n',
        "keep.jsonl": "".join(f'{{"question": "Who is {i}?", "answer": "nobody"}}\n' for i in range(5)),
        "one.txt": "One document.",
        "two.txt": "Another document.",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def closed(text: str) -> tuple[Closure, ...]:
        path = tmp_path / "a.unlearn.yaml"
        path.write_text(HEAD + text, encoding="utf-8")
        scenario = load_scenario(path, tmp_path)
        knowledge = askable(scenario, tmp_path)
        return tuple(forgetting(knowledge, target, scenario.retain) for target in scenario.targets)

    return closed


def complaints(closed: Closed, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        closed(text)
    return [f"{p.mark.file.name}:{p.mark.line}:{p.mark.column} {p.message}" for p in caught.value.problems]


def test_a_request_takes_facts_questions_and_documents_together(closed: Closed) -> None:
    (closure,) = closed(WORLD + "forget: {entity: Jane, questions: q.jsonl, documents: one.txt}\n")
    assert [fact.id for fact in closure.target] == ["Jane | lives_in | Lyon"]
    assert [pair.question for pair in closure.pairs] == ["Where is Jane?"]
    assert [document.text for document in closure.documents] == ["One document."]
    assert closure.retained and not closure.kept_pairs


def test_questions_alone_need_no_knowledge_and_take_no_fact(closed: Closed) -> None:
    (closure,) = closed("forget: {questions: q.jsonl}\n")
    assert (closure.target, closure.retained, len(closure.pairs)) == ((), (), 1)
    (closure,) = closed(WORLD + "forget: {questions: q.jsonl}\n")
    assert (closure.target, len(closure.retained)) == ((), 2)


def test_a_request_is_private_where_its_questions_are_about_a_private_entity(closed: Closed) -> None:
    assert closed(WORLD + "forget: {questions: q.jsonl}\n")[0].private
    assert not closed("forget: {questions: q.jsonl}\n")[0].private


def test_what_is_retained_is_dealt_into_halves_of_one_more_or_less(closed: Closed) -> None:
    (closure,) = closed("forget: {questions: q.jsonl}\nretain: {questions: keep.jsonl, documents: '*.txt'}\n")
    trained, held_out = divided(closure, 0)
    assert (len(trained.pairs), len(held_out.pairs)) == (2, 3)
    assert (len(trained.documents), len(held_out.documents)) == (1, 1)
    assert {*trained.pairs, *held_out.pairs} == {*closure.kept_pairs}
    assert divided(closure, 0) == (trained, held_out)
    assert any(divided(closure, seed)[0] != trained for seed in range(1, 5))


def test_mistakes_of_all_requests_and_files_are_told_at_once(closed: Closed, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"question": "q"}\n{}\n')
    (tmp_path / "worse.txt").write_text("")
    text = (
        "forget:\n  a: {entity: Jan, questions: bad.jsonl}\n  b: {documents: worse.txt}\nretain: {questions: one.txt}\n"
    )
    assert complaints(closed, WORLD + text) == [
        "bad.jsonl:1:1 there is no field `answer`",
        "bad.jsonl:2:1 there is no field `question`",
        "bad.jsonl:2:1 there is no field `answer`",
        "a.unlearn.yaml:11:21 'one.txt' is no file of questions: its name ends in .jsonl or .csv",
        "a.unlearn.yaml:9:6 unknown entity 'Jan' - did you mean 'Jane'?",
        "worse.txt:1:1 the document is empty",
    ]


def test_a_file_that_is_gone_since_the_scenario_was_read_is_told_where_it_is_named(
    closed: Closed, tmp_path: Path
) -> None:
    (closure,) = closed("forget: {questions: q.jsonl}\n")
    scenario = load_scenario(tmp_path / "a.unlearn.yaml", tmp_path)
    (tmp_path / "q.jsonl").unlink()
    with pytest.raises(ScenarioError) as caught:
        forgetting(closure.knowledge, scenario.targets[0])
    (problem,) = caught.value.problems
    assert (problem.mark.file.name, problem.mark.line, problem.mark.column) == ("a.unlearn.yaml", 4, 21)
    assert problem.message == f"the file {tmp_path}/q.jsonl cannot be read: No such file or directory"


def test_what_is_to_be_forgotten_cannot_be_kept(closed: Closed, tmp_path: Path) -> None:
    (tmp_path / "keep.csv").write_text("question,answer\nWho?,Ann\nwhere is JANE?,Lyon\n")
    (tmp_path / "copy.txt").write_text("One document.")
    gone = "forget: {questions: q.jsonl, documents: one.txt}\n"
    text = gone + "retain: {questions: keep.csv, documents: [two.txt, copy.txt]}"
    assert complaints(closed, text) == [
        "keep.csv:3:1 q.jsonl:1 says to forget this question: remove it from one of them",
        "copy.txt:1:1 one.txt says the same and is to be forgotten: remove one",
    ]


def test_a_table_of_facts_says_what_a_list_says(closed: Closed) -> None:
    listed = WORLD.replace("{file: facts.csv}", "[[Jane, lives_in, Lyon], [Ann, lives_in, Turin]]")
    assert closed(WORLD + "forget: Jane\n")[0].target == closed(listed + "forget: Jane\n")[0].target


def test_a_table_may_stand_beside_other_facts_and_in_an_included_file(closed: Closed, tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "more.csv").write_text("subject,relation,object\nAnn,likes,Lyon\n")
    (tmp_path / "k" / "w.yaml").write_text(
        "relations: {likes: {ask: 'What does {subject} like?'}}\nfacts: {file: [more.csv], likes: {Jane: Turin}}\n"
    )
    (closure,) = closed(WORLD + "  include: k/w.yaml\nforget: {relation: likes}\n")
    assert {fact.id for fact in closure.target} == {"Ann | likes | Lyon", "Jane | likes | Turin"}


def test_a_changed_table_is_read_again(closed: Closed, tmp_path: Path) -> None:
    assert len(closed(WORLD + "forget: Jane\n")[0].knowledge.facts) == 2
    (tmp_path / "facts.csv").write_text("subject,relation,object\nJane,lives_in,Turin\n")
    assert [fact.object for fact in closed(WORLD + "forget: Jane\n")[0].target] == ["Turin"]


def test_mistakes_of_a_table_are_told_at_their_lines(closed: Closed, tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text("subject,relation,object\nJan,lives_in,Lyon\n\nAnn,lives,Turin\n")
    assert complaints(closed, WORLD + "forget: Jane\n") == [
        "facts.csv:2:1 unknown entity 'Jan' - did you mean 'Jane'?",
        "facts.csv:4:1 unknown relation 'lives' - did you mean 'lives_in'?",
    ]
    (tmp_path / "facts.csv").write_text("subject,relation\nJane,lives_in\n")
    assert complaints(closed, WORLD + "forget: Jane\n") == [
        "facts.csv:1:1 there is no column `object`: the first line names the columns, separated by commas"
    ]
    assert complaints(closed, WORLD.replace("facts.csv", "no.csv") + "forget: Jane\n") == [
        "a.unlearn.yaml:7:17 there is no file 'no.csv' beside a.unlearn.yaml"
    ]
    assert complaints(closed, WORLD.replace("facts.csv", "../no.csv") + "forget: Jane\n") == [
        f"a.unlearn.yaml:7:17 '../no.csv' lies outside of {tmp_path}: copy it into the project"
    ]
