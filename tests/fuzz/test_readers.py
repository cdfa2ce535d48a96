"""Whatever is in a file that others write: a value, or a mistake that is told with its place, soon, and without a
traceback of ours."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import readers  # noqa: E402

sys.path.remove(str(HERE))
QUIET = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,  # the same in every run; atheris looks further
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SECONDS = 10.0  # of processor time for one file, which takes some milliseconds
LINES, ONE = {"records", "run", "pairs"}, {"baseline", "finding", "statement"}
YAML = {"scenario", "knowledge", "waivers"}

NASTY = [
    b"\x00", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\xed\xa0\x80", b"\xff\xfe", b"\xe2\x80\xa8", b"\xc2\x85", b"\\ud800",
    b"\\u0000", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"-" + b"9" * 25, b"[" * 5000, b'{"a":' * 3000, b"- " * 99,
    b"a: " * 40, b"&a [*a]", b"&x", b"*x", b"<<: ", b"!!python/object:os.system ", b"? ", b"%YAML 1.1\n", b"---\n",
    b"...\n", b"|\n", b">-\n", b"'", b'"', b"\t", b"#", b": ", b"{", b"}", b"]", b",", b"x" * 100_000, b"../" * 9,
    b"1*999999999999", b"@", b"%s%n", b"{subject}", b"{object}", b"{", b"null", b"true", b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae", b"0x" + b"f" * 300, b".inf", b"5%", b"-1", b"2026-13-45", b"/dev/stdin", b"\n\n\n", b"'''",
]  # fmt: skip
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "..", "/", "\x00", "x" * 5000, "{subject}", "{", "%", "5%", "../../x", "9" * 400, "1e5", "~"]
    ),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=5), some, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything within some data."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def changed(data: st.DataObject, value: Any) -> Any:
    """The same data with something else in one place, without it, or or with what stands elsewhere."""
    value = json.loads(json.dumps(value, default=str))
    every = places(value)
    path = data.draw(st.sampled_from(every))
    how = data.draw(st.sampled_from(["other", "gone", "moved", "within", "renamed"]))
    if not path:
        return data.draw(ANY) if how == "other" else [value]
    around, key = at(value, path[:-1]), path[-1]
    if how == "gone":
        del around[key]
    elif how == "moved":
        around[key] = json.loads(json.dumps(at(value, data.draw(st.sampled_from(every)))))
    elif how == "within":
        around[key] = data.draw(
            st.sampled_from([[around[key]], {"a": around[key]}, [around[key]] * 2, str(around[key])])
        )
    elif how == "renamed" and isinstance(around, dict):
        around[data.draw(st.text(max_size=6))] = around.pop(key)
    else:
        around[key] = data.draw(ANY)
    return value


def structured(data: st.DataObject, name: str) -> bytes:
    """The seed of a reader with one to three such changes; as JSON, which YAML can read too."""
    seed = readers.SEEDS[name]
    if name in LINES:
        lines: Any = [json.loads(line) for line in seed.splitlines() if line]
    else:
        lines = json.loads(seed) if name in ONE else yaml.safe_load(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        lines = changed(data, lines)
    kept = lines if name in LINES and isinstance(lines, list) else [lines]
    return "".join(f"{json.dumps(one, ensure_ascii=data.draw(st.booleans()))}\n" for one in kept).encode(
        "utf-8", "surrogatepass"
    )


def raw(data: st.DataObject, name: str) -> bytes:
    """The seed of a reader with bytes taken out, put in, written twice or cut off."""
    text = readers.SEEDS[name].encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 1, 2, 5, 20, 100])))
        how = data.draw(st.sampled_from(["put", "put", "put", "any", "gone", "twice", "cut"]))
        if how == "cut":
            text = text[:start]
        elif how == "twice":
            text = text[:end] + text[start:]
        else:
            more = {"put": st.sampled_from(NASTY), "any": st.binary(max_size=9), "gone": st.just(b"")}[how]
            text = text[:start] + data.draw(more) + text[end:]
    return data.draw(st.sampled_from([text, text, text, text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> readers.Place:
    return readers.Place(tmp_path_factory.mktemp("fuzz"))


def held(place: readers.Place, name: str, data: bytes) -> str | None:
    """What a reader says about some bytes, which has a place and is soon said."""
    read: Callable[[bytes], None] = getattr(place, name)
    before = time.process_time()
    said = readers.told(read, data)
    assert time.process_time() - before < SECONDS
    if said is not None:
        assert str(place.root) in said
        said.encode()
    return said


@pytest.mark.parametrize("name", readers.SEEDS)
def test_a_file_as_it_should_be_is_read(place: readers.Place, name: str) -> None:
    assert held(place, name, readers.SEEDS[name].encode()) is None


@pytest.mark.parametrize("name", readers.SEEDS)
def test_bytes_that_are_wrong_are_told(place: readers.Place, name: str) -> None:
    @QUIET
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        held(place, name, raw(data, name))

    holds()
    for nasty in NASTY:  # each as a whole file, and in the middle of one
        seed = readers.SEEDS[name].encode()
        held(place, name, nasty)
        held(place, name, seed[: len(seed) // 2] + nasty + seed[len(seed) // 2 :])


@pytest.mark.parametrize("name", sorted(LINES | ONE | YAML))
def test_data_of_another_shape_is_told(place: readers.Place, name: str) -> None:
    @QUIET
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        held(place, name, structured(data, name))

    holds()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", readers.SEEDS)
def test_atheris_finds_nothing(name: str, tmp_path: Path) -> None:
    """Ten minutes in all."""
    seconds = 600 // len(readers.SEEDS)
    command = [
        sys.executable,
        str(HERE / "feed.py"),
        name,
        f"-max_total_time={seconds}",
        "-max_len=8000",
        "-timeout=30",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path])}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=seconds + 300)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "Done " in run.stderr
