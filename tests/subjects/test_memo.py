"""What a memo gives back is what its own subject said, to the last bit."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from pytest_unlearn.subjects import memo as module
from pytest_unlearn.subjects.answers import LASTING, Answer, Episode, Failed, Output, Outputs, Reason, Scores, Tokens
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.memo import Memo
from pytest_unlearn.subjects.requests import Generate, Prompt, Request, Rollout, Score

ASKED = [Score(Prompt.of(f"Question {i}?"), ("Paris", "Lyon")) for i in range(6)]


class Scripted:
    """A subject of another kind: it answers every request with the same answer, and counts them."""

    can = frozenset({"score", "generate"})
    reach, base = "wrapper", None

    def __init__(self, answer: Answer, digest: str = "d") -> None:
        self.digest, self.said, self.asked = digest, answer, 0

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        self.asked += len(requests)
        return iter([self.said] * len(requests))

    def close(self) -> None: ...


def test_a_second_run_asks_nothing_and_says_the_same(llama: LocalSubject, tmp_path: Path) -> None:
    asked: list[Request] = [
        *ASKED,
        Generate(Prompt.of("Juba?"), 4),
        Score(Prompt.of("Juba?"), ("Lyon",), detail="tokens"),
    ]
    first = Memo(tmp_path / "memo.sqlite").wrap(llama)
    said = list(first.answer(asked))
    assert (first.effort.requests, first.effort.memoised) == (8, 0)
    assert first.effort.batches == llama.effort.batches > 0
    again = Memo(tmp_path / "memo.sqlite").wrap(llama)
    batches = llama.effort.batches
    assert list(again.answer(asked)) == said
    assert (again.effort.requests, again.effort.memoised, llama.effort.batches) == (8, 8, batches)


def test_in_a_folder_that_is_others_too_it_has_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("*.tmp\n", encoding="utf-8")
    for asked in (1, 0):
        subject = Scripted(Scores((-1.0,), (1,)))
        memo = Memo(tmp_path / "memo.sqlite")
        assert list(memo.wrap(subject).answer(ASKED[:1])) == [Scores((-1.0,), (1,))]
        memo.close()
        assert (subject.asked, memo.path) == (asked, tmp_path / "memo" / "memo.sqlite")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "memo", "notes.txt"]
    assert stat.S_IMODE(memo.path.parent.stat().st_mode) == 0o700
    assert (memo.path.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_request_that_comes_twice_is_asked_once(tmp_path: Path) -> None:
    subject = Scripted(Scores((-1.0,), (1,)))
    memo = Memo(tmp_path / "m").wrap(subject)
    assert list(memo.answer([ASKED[0], ASKED[1], ASKED[0]])) == [subject.said] * 3
    assert subject.asked == 2


def test_what_had_come_before_an_interrupt_is_kept(tmp_path: Path) -> None:
    many = [Score(Prompt.of(f"Question {i}?"), ("Paris",)) for i in range(2 * module.AT_ONCE)]

    class Interrupted(Scripted):
        def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
            for i, _ in enumerate(requests):
                if i == module.AT_ONCE + 7:
                    raise KeyboardInterrupt
                yield self.said

    said = Scores((-1.0,), (1,))
    with pytest.raises(KeyboardInterrupt):
        list(Memo(tmp_path / "m").wrap(Interrupted(said)).answer(many))
    rest = Scripted(said)
    assert list(Memo(tmp_path / "m").wrap(rest).answer(many)) == [said] * len(many)
    assert rest.asked == module.AT_ONCE - 7


def test_two_models_never_share_an_answer(llama: LocalSubject, gpt2: LocalSubject, tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo.sqlite")
    one, other = list(memo.wrap(llama).answer(ASKED)), list(memo.wrap(gpt2).answer(ASKED))
    assert not set(one) & set(other)
    assert other == list(gpt2.answer(ASKED))


@pytest.mark.parametrize("changed", ["weight", "system", "dtype"])
def test_whatever_changes_answers_changes_the_key(
    changed: str, llama: LocalSubject, llama_folder: Path, tiny: SimpleNamespace, cpu: Placement, tmp_path: Path
) -> None:
    import torch

    if changed == "weight":
        model = tiny.llama()
        model.model.norm.weight.data[0] += 1e-6
        other = LocalSubject(tiny.write(tmp_path / "m", model, tiny.tokenizer()), cpu)
    elif changed == "system":
        other = LocalSubject(llama_folder, cpu, "Be brief.")
    else:
        other = LocalSubject(llama_folder, replace(cpu, dtype=torch.bfloat16))
    memo = Memo(tmp_path / "memo.sqlite")
    list(memo.wrap(llama).answer(ASKED))
    wrapped = memo.wrap(other)
    list(wrapped.answer(ASKED))
    assert wrapped.effort.memoised == 0


def test_another_request_way_of_asking_or_version_is_asked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Scripted(Scores((-1.0,), (1,)))
    memo = Memo(tmp_path / "m").wrap(subject)
    list(memo.answer([ASKED[0]]))
    list(memo.answer([replace(ASKED[0], end=True)]))
    list(memo.answer([ASKED[0]], alone=True))
    assert subject.asked == 3
    monkeypatch.setattr(module, "SCORING_VERSION", -1)
    list(memo.answer([ASKED[0]]))
    assert subject.asked == 4


@pytest.mark.parametrize(
    "answer",
    [
        Scores((-1 / 3, -1e-300), (1, 2), (Tokens((-0.1,), (True,), (-7.25,), (2.5,)),) * 2),
        Outputs((Output("Zürich\n\u2028", "hm", ("a" * 40,), "decided"),), float("inf")),
        Episode(("left", "right"), 0.1, True, "went"),
        Failed("empty", "it said nothing"),
        Failed("unreadable", "300 tokens are more than 256"),
    ],
)
def test_an_answer_comes_back_as_it_was(answer: Answer, tmp_path: Path) -> None:
    list(Memo(tmp_path / "m").wrap(Scripted(answer)).answer([Rollout("t", 1, 0)]))
    after = Memo(tmp_path / "m").wrap(Scripted(Failed("cannot", "not asked")))
    assert list(after.answer([Rollout("t", 1, 0)])) == [answer]


@pytest.mark.parametrize("reason", sorted(set(get_args(Reason)) - LASTING))
def test_a_failure_that_may_pass_is_never_kept(reason: Reason, tmp_path: Path) -> None:
    subject = Scripted(Failed(reason, "full"))
    memo = Memo(tmp_path / "m").wrap(subject)
    assert list(memo.answer([ASKED[0]])) == [subject.said]
    subject.said = Scores((-1.0,), (1,))
    assert list(memo.answer([ASKED[0]])) == [subject.said]


@pytest.mark.parametrize("content", [b"this is no database, it only has its name" * 200, b"\0" * 8192])
def test_a_damaged_file_is_set_aside_and_begun_anew(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "memo.sqlite"
    path.write_bytes(content)
    subject = Scripted(Scores((-1.0,), (1,)))
    with pytest.warns(UserWarning, match="^the memo") as told:
        list(Memo(path).wrap(subject).answer(ASKED))
    assert [str(one.message) for one in told] == [
        f"the memo {path} was damaged (file is not a database); it is kept as memo.sqlite.damaged and begun anew"
    ]
    assert path.with_name("memo.sqlite.damaged").read_bytes() == content
    list(Memo(path).wrap(subject).answer(ASKED))
    assert subject.asked == len(ASKED)


def test_a_file_damaged_in_the_middle_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "memo.sqlite"
    many = [Score(Prompt.of(f"Question {i}?"), ("Paris" * 20,)) for i in range(500)]
    subject = Scripted(Scores((-1.0,) * 50, (1,) * 50))
    memo = Memo(path)
    list(memo.wrap(subject).answer(many))
    memo.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="was damaged"):
        assert list(Memo(path).wrap(subject).answer(many)) == [subject.said] * 500


def test_where_no_memo_can_be_written_questions_are_still_answered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    subject = Scripted(Scores((-1.0,), (1,)))
    memo = Memo(tmp_path / "file" / "memo.sqlite").wrap(subject)
    with pytest.warns(UserWarning, match="^the memo") as told:
        assert list(memo.answer(ASKED)) == [subject.said] * len(ASKED)
    assert [str(one.message) for one in told] == [
        f"the memo {tmp_path}/file/memo.sqlite cannot be used ([Errno 17] File exists: '{tmp_path}/file'); every "
        "question is asked anew"
    ]
    assert list(memo.answer(ASKED)) == [subject.said] * len(ASKED)


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "own" / "memo.sqlite"
    memo = Memo(path)
    list(memo.wrap(Scripted(Scores((-1.0,), (1,)))).answer(ASKED))
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_beyond_its_limit_a_memo_drops_what_was_written_longest_ago(tmp_path: Path) -> None:
    path, limit = tmp_path / "memo.sqlite", 200_000
    memo = Memo(path, limit)
    for i in range(60):
        memo.put({f"{i}-{j}": Outputs((Output("x" * 500),), 1.0) for j in range(20)})
    memo.close()
    assert path.stat().st_size <= limit * 1.1
    left = [len(Memo(path).get([f"{i}-{j}" for j in range(20)])) for i in range(60)]
    first = left.index(20)
    assert 60 - first > 5
    assert left == [0] * first + [20] * (60 - first)


def test_a_memo_of_an_earlier_version_is_used_on_and_its_answers_are_the_oldest(tmp_path: Path) -> None:
    path = tmp_path / "memo.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID")
        rows = [(f"old-{i}", module._encoded(Scores((float(i),) * 99, (1,) * 99))) for i in range(200)]
        connection.executemany("INSERT INTO answers VALUES (?, ?)", rows)
    memo = Memo(path, path.stat().st_size)
    assert memo.get(["old-7"]) == {"old-7": Scores((7.0,) * 99, (1,) * 99)}
    for i in range(50):
        memo.put({f"new-{i}": Scores((float(i),) * 99, (1,) * 99)})
    assert memo.get([f"old-{i}" for i in range(200)]) == {}
    assert len(memo.get([f"new-{i}" for i in range(50)])) == 50


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memo.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, i)) for i in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (3 * 40,)


def write_many(path: Path, writer: int) -> None:
    memo = Memo(path)
    for i in range(40):
        memo.put({f"{writer}-{i}": Scores((float(i),), (1,))})
