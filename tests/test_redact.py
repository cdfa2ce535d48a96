"""Names become tokens, in every spelling and nowhere else."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn import redact
from pytest_unlearn.names import find_names
from pytest_unlearn.redact import OFF, Redactor, Secret, current, key_in, using, wanted

JANE = Secret("customer", ("Jane Roe", "J. Roe", "client 4711"), private=True, parts=("Jane", "Roemer"))
LYON, TOME, TOKYO = Secret("city", ("Lyon",)), Secret("city", ("São Tomé",)), Secret("city", ("東京",))
SAUL = Secret("city", ("St. Paul [MN]",))
SOFT = Secret("language", ("C++",))
SHORT = (Secret("answer", ("A",)), Secret("answer", ("42",)), Secret("answer", ("yes",)), Secret("answer", ("Li",)))
LONG = Secret("document", ("She was born in a small white house by the river near the old mill",))


def redactor(*more: Secret) -> Redactor:
    made = Redactor(lambda: b"k" * 32)
    made.learn((JANE, LYON, TOME, TOKYO, SAUL, SOFT, LONG, *SHORT, *more))
    return made


def told(text: str) -> str:
    """With the kind of a thing in place of its token."""
    return re.sub(r"\[([a-z]+):[0-9a-f]{6}\]", r"<\1>", redactor().text(text))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Jane Roe lives in Lyon.", "<customer> lives in <city>."),
        ("JANE  ROE's, jane_roe, janeroe and Jane-Roe", "<customer>'s, <customer>, <customer> and <customer>"),
        ("Jane\nE         Roe", "<customer>"),  # as pytest shows an error that has two lines
        ("J Roe, J.Roe and J. Roe", "<customer>, <customer> and <customer>"),
        ("client-4711, but 4711", "<customer>, but 4711"),
        ("a part: Jane, jane; roemer", "a part: <customer>, jane; <customer>"),
        ("Lyonnais, Lyon2 and lyon", "Lyonnais, Lyon2 and <city>"),
        ("SAO TOME, Sa\u0303o Tome\u0301", "<city>, <city>"),
        (r"'S\xe3o Tom\xe9' S\u00e3o Tom\u00e9", "'<city>' <city>"),
        ("S&#227;o Tom&#233; S%C3%A3o%20Tom%C3%A9", "<city>; <city>"),
        ("東京に住む", "<city>に住む"),
        ("in St. Paul [MN], st paul mn", "in <city>, <city>"),
        ("c++ and C", "<language> and C"),
        ("A yes for 42 of Li, and li", "A yes for 42 of <answer>, and li"),
        (r"'Jane\nRoe' and C:\Lyon and \nLyon", r"'<customer>' and C:\<city> and \n<city>"),
        ("'lives with Roem...em' and '...emer'", "'lives with <customer>...em' and '...<customer>'"),
        ("\x1b[33mJane Roe\x1b[0m", "\x1b[33m<customer>\x1b[0m"),
        ("born in a small white house by a lake", "<document> a lake"),
        ("a small white box by the river", "a small white box by the river"),
    ],
)
def test_a_name_is_masked_however_it_is_spelt_and_nothing_else(text: str, masked: str) -> None:
    assert told(text) == masked


def test_the_names_of_a_thing_have_one_token_by_its_key() -> None:
    one, two = redactor(), Redactor(lambda: b"l" * 32)
    two.learn([JANE])
    assert one.text("Jane Roe") == one.text("client 4711") == one.text("J. Roe") != two.text("Jane Roe")


def test_what_is_masked_stays_as_it_is() -> None:
    one = redactor(Secret("customer", ("Customer",)))
    assert one.text(once := one.text("Jane Roe, a customer")) == once


def test_of_what_a_model_says_only_tokens_are_told() -> None:
    one = redactor()
    said = one.said("It is Lyon, I think; Jane told me in Lyon")
    assert re.sub("[0-9a-f]{6}", "", said) == "... [city:] ... [customer:] ..."
    assert one.said("She is at 5 Mill Lane") == "..."
    assert OFF.said("She is at 5 Mill Lane") == "She is at 5 Mill Lane"


def test_plain_data_is_masked_all_over_but_for_some_keys() -> None:
    given = {"id": "Lyon", "reason": ["in Lyon", {"why": "Lyon"}], "Lyon/model": 1, "n": 2.5}
    found = redactor().data(given, frozenset({"id"}))
    token = redactor().text("Lyon")
    assert found == {"id": "Lyon", "reason": [f"in {token}", {"why": token}], f"{token}/model": 1, "n": 2.5}


def test_a_name_in_an_id_stays_as_it_is_written_there_unless_it_is_private() -> None:
    one = Redactor(lambda: b"k" * 32)
    one.learn([JANE, LYON], ["lyon", "jane-roe"])
    assert one.text("lyon jane-roe").startswith("lyon [customer:")
    assert "Lyon" not in one.text("Lyon")
    assert len(one.private_in("about-jane-roe")) == 1 and one.private_in("lyon") == []


@settings(max_examples=300, deadline=None)
@given(
    name=st.text("abcéßŁ -.'", min_size=3, max_size=12).filter(lambda text: sum(map(str.isalpha, text)) > 2),
    before=st.text("ab .,é\n-", max_size=6),
    after=st.text("ab .,é\n-", max_size=6),
)
def test_whatever_a_grader_takes_for_a_name_is_masked(name: str, before: str, after: str) -> None:
    text = before + name.upper() + after
    one = Redactor(lambda: b"k" * 32)
    one.learn([Secret("x", (name,))])
    for start, end, _ in find_names(text, (name,)):
        if redact._mode(name, redact._plain(name)) == "folded":
            assert text[start:end].strip() not in one.text(text)


def test_the_current_one_is_that_which_was_started_last() -> None:
    one, two = redactor(), redactor()
    assert current() is OFF
    with using(one):
        with using(two):
            assert current() is two
        assert current() is one
    assert current() is OFF


@pytest.mark.parametrize(
    ("said", "ci", "on"),
    [
        (None, "", False),
        (None, "1", True),
        ("auto", "1", True),
        ("off", "1", False),
        ("on", "", True),
        (False, "1", False),
    ],
)
def test_it_is_wanted_in_ci_unless_it_is_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | bool | None, ci: str, on: bool
) -> None:
    monkeypatch.setenv("CI", ci)
    assert wanted(said) is on


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(key_in(tmp_path / "store"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and len(set(keys)) == 1 and len(keys[0]) == 32
    folder = tmp_path / "store" / "redaction"
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"


def test_without_a_place_for_its_key_a_run_has_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.warns(UserWarning, match="the key of redaction") as caught:
        one, two = key_in(tmp_path / "store"), key_in(tmp_path / "store")
    assert one != two
    folder = tmp_path / "store" / "redaction"
    assert str(caught[0].message) == (
        f"the key of redaction cannot be kept in {folder} (Not a directory): the tokens of this process are its own"
    )


def test_much_text_is_masked_in_little_time() -> None:
    import time

    one, clock = Redactor(lambda: b"k" * 32), time.process_time()
    one.learn(Secret("person", (f"Zq{i}x Wv{i}y",)) for i in range(5_000))
    text = one.text("one of many words and Zq77x Wv77y again " * 5_000)
    assert "Zq77x" not in text
    assert time.process_time() - clock < 10
