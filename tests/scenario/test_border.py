from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import pytest
from annotated_types import Ge, Gt, Le, MaxLen, MinLen, MultipleOf

from pytest_unlearn.errors import ScenarioError, UnlearnError
from pytest_unlearn.scenario.border import check_shape, hints_of, shape_of
from pytest_unlearn.scenario.nodes import read_yaml
from pytest_unlearn.scenario.problems import Problems
from pytest_unlearn.training.data import Layers, LoopConfig, LoraConfig, Modules


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    deep: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    rate: Annotated[float, Gt(0)] = 0.5
    maybe: float | None = None
    scale: float | Literal["auto"] = "auto"
    count: Annotated[int, Ge(2)] = 2
    words: tuple[str, ...] = ()
    rates: Annotated[tuple[float, ...], MinLen(1), MaxLen(3)] = (0.1,)
    pair: tuple[int, int] = (1, 2)
    colour: Colour = Colour.RED
    names: frozenset[str] = frozenset()
    table: dict[str, float] = field(default_factory=dict)
    many: tuple[Inner, ...] = ()
    one: Inner | None = None
    either: float | Literal["all"] | Inner = "all"
    copy: bool = False
    size: Annotated[int, Le(64), MultipleOf(8)] = 8
    code: Annotated[str, MinLen(2), MaxLen(3)] = "abc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picky:
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise UnlearnError("`low` must be below `high`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    picky: Picky = field(default_factory=Picky)


def read(tmp_path: Path, config: type, text: str) -> tuple[Any, list[str]]:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    document = read_yaml(path)
    problems = Problems(document)
    made = shape_of(config).read(document.data, (), problems)
    try:
        problems.stop()
    except ScenarioError as error:
        return made, [f"{p.mark.line}:{p.mark.column} {p.message}" for p in error.problems]
    return made, []


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{}", Options()),
        ("rate: 5%", Options(rate=0.05)),
        ("rate: ' 2.5 % '", Options(rate=0.025)),
        ("rate: 1.1%", Options(rate=0.011)),
        ("rate: 1", Options(rate=1.0)),
        ("maybe: 5%", Options(maybe=0.05)),
        ("maybe: null", Options()),
        ("scale: 5%", Options(scale=0.05)),
        ("scale: auto", Options(scale="auto")),
        ("words: one", Options(words=("one",))),
        ("words: [one, two]", Options(words=("one", "two"))),
        ("rates: 5%", Options(rates=(0.05,))),
        ("rates: [1%, 2]", Options(rates=(0.01, 2.0))),
        ("pair: [3, 4]", Options(pair=(3, 4))),
        ("colour: blue", Options(colour=Colour.BLUE)),
        ("names: [a, b]", Options(names=frozenset({"a", "b"}))),
        ("table: {a: 1, b: 2%}", Options(table={"a": 1.0, "b": 0.02})),
        ("many: [{deep: 2}, {}]", Options(many=(Inner(deep=2), Inner()))),
        ("one: {deep: 3}", Options(one=Inner(deep=3))),
        ("either: 5%", Options(either=0.05)),
        ("either: {deep: 2}", Options(either=Inner(deep=2))),
        ("copy: true", Options(copy=True)),
    ],
)
def test_yaml_becomes_the_dataclass(tmp_path: Path, text: str, made: Options) -> None:
    found, complaints = read(tmp_path, Options, text)
    assert complaints == []
    assert found == made
    assert type(found.rate) is float


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("trainable: lora\nlora: {rank: 4}", LoopConfig(trainable="lora", lora=LoraConfig(rank=4))),
        ("trainable: {layers: [3, 4]}", LoopConfig(trainable=Layers(layers=(3, 4)))),
        ("trainable: {modules: mlp}", LoopConfig(trainable=Modules(modules=("mlp",)))),
        ("lr: 1e-4\nsteps: 60\nclip: null", LoopConfig(lr=1e-4, steps=60, clip=None)),
    ],
)
def test_the_options_of_the_training_loop_are_read(tmp_path: Path, text: str, made: LoopConfig) -> None:
    assert read(tmp_path, LoopConfig, text) == (made, [])


@pytest.mark.parametrize(
    ("config", "text", "found"),
    [
        (Options, "rat: 1", "1:1 unknown key 'rat' - did you mean 'rate'?"),
        (Options, "rate: abc", "1:7 expected a number, got 'abc'"),
        (Options, "rate: true", "1:7 expected a number, got true"),
        (Options, "rate: 0", "1:7 must be above 0"),
        (Options, "rate: 0%", "1:7 must be above 0"),
        (Options, "rate: .inf", "1:7 must be a finite number"),
        (Options, "rate: 1e999", "1:7 must be a finite number"),
        (Options, "maybe: x", "1:8 expected a number, got 'x'"),
        (Options, "scale: autp", "1:8 expected a number or 'auto', got 'autp' - did you mean 'auto'?"),
        (Options, "count: 1", "1:8 must be at least 2"),
        (Options, "count: 2.0", "1:8 expected a whole number, got 2.0"),
        (Options, "count: '2'", "1:8 expected a whole number, got '2': without quotes"),
        (Options, "count: 5%", "1:8 expected a whole number, got '5%'"),
        (Options, "count:", "1:7 expected a whole number, got nothing"),
        (Options, "words: 1.1", "1:8 expected text, got 1.1: put it in quotes"),
        (Options, "words: [a, no, true]", "1:16 expected text, got true: put it in quotes"),
        (Options, "words: {a: b}", "1:8 expected a list, got a mapping"),
        (Options, "rates: []", "1:8 must not be empty"),
        (Options, "rates: [1, 2, 3, 4]", "1:8 must have at most 3 items"),
        (Options, "pair: [1]", "1:7 expected 2 items, got 1"),
        (Options, "pair: []", "1:7 expected 2 items, got 0"),
        (Options, "pair: [1, 2, 3]", "1:7 expected 2 items, got 3"),
        (Options, "pair: 5", "1:7 expected a list, got 5"),
        (Options, "colour: bleu", "1:9 expected 'red' or 'blue', got 'bleu' - did you mean 'blue'?"),
        (Options, "table: {a: x}", "1:12 expected a number, got 'x'"),
        (Options, "table: 3", "1:8 expected a mapping, got 3"),
        (Options, "many: [{}, {deep: 0}]", "1:19 must be at least 1"),
        (Options, "many: [{dep: 1}]", "1:9 unknown key 'dep' - did you mean 'deep'?"),
        (Options, "one: {deep: x}", "1:13 expected a whole number, got 'x'"),
        (Options, "one: {zzz: x}", "1:7 unknown key 'zzz' (known: deep)"),
        (Options, "either: [1]", "1:9 expected a number, 'all' or {deep: ...}, got a list"),
        (Options, "copy: 1", "1:7 expected true or false, got 1"),
        (Options, "size: 72", "1:7 must be at most 64"),
        (Options, "size: 12", "1:7 must be a multiple of 8"),
        (Options, "code: a", "1:7 must have at least 2 characters"),
        (Options, "code: abcd", "1:7 must have at most 3 characters"),
        (Options, "5", "1:1 expected a mapping, got 5"),
        (LoopConfig, "trainable: {layers: [x]}", "1:22 expected a whole number, got 'x'"),
        (LoopConfig, "trainable: {layers: []}", "1:21 must not be empty"),
        (LoopConfig, "trainable: {layers: [1, 2, 3]}", "1:21 must have at most 2 items"),
        (LoopConfig, "trainable: {modules: 5}", "1:22 expected text, got 5: put it in quotes"),
        (LoopConfig, "trainable: {modules: ['']}", "1:23 must not be empty"),
        (LoopConfig, "trainable: {modles: [x]}", "1:13 unknown key 'modles' - did you mean 'modules'?"),
        (
            LoopConfig,
            "trainable: 5",
            "1:12 expected 'all', 'lora', {layers: ...} or {modules: ...}, got 5",
        ),
        (LoopConfig, "lora: {rnk: 2}", "1:8 unknown key 'rnk' - did you mean 'rank'?"),
        (Layers, "{}", "1:1 missing required key 'layers'"),
        (Picky, "low: 2", "1:1 `low` must be below `high`"),
        (Holder, "picky: {low: 2}", "1:8 `low` must be below `high`"),
    ],
)
def test_a_mistake_is_told_once_in_one_sentence(tmp_path: Path, config: type, text: str, found: str) -> None:
    assert read(tmp_path, config, text) == (None, [found])


def test_all_mistakes_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "one:\n  dep: 1\nrate: x\ncuont: 3\nwords: 5\n"
    assert read(tmp_path, Options, text)[1] == [
        "2:3 unknown key 'dep' - did you mean 'deep'?",
        "3:7 expected a number, got 'x'",
        "4:1 unknown key 'cuont' - did you mean 'count'?",
        "5:8 expected text, got 5: put it in quotes",
    ]


def test_long_values_are_cut(tmp_path: Path) -> None:
    text = f"rate: {'x' * 99}"
    assert read(tmp_path, Options, text)[1] == [f"1:7 expected a number, got '{'x' * 40}...'"]


def test_a_long_number_is_not_tried_again_and_again(tmp_path: Path) -> None:
    assert read(tmp_path, Options, f"rate: x{'9' * 200_000}")[1] != []


def test_models_are_built_once() -> None:
    assert shape_of(Options) is shape_of(Options)
    assert check_shape("ask", Options) is check_shape("ask", Options)


def test_options_are_read_of_a_module_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run of pytest inside of a test leaves them, which takes along what it has imported."""
    (tmp_path / "goes.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import Annotated\n"
        "from annotated_types import Gt\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Goes:\n"
        "    n: Annotated[int, Gt(0)] = 1\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class More(Goes):\n"
        "    m: Annotated[int, Gt(0)] = 1\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    more = importlib.import_module("goes").More
    monkeypatch.delitem(sys.modules, "goes")
    assert hints_of(more) == {"n": Annotated[int, Gt(0)], "m": Annotated[int, Gt(0)]}
    assert hints_of(LoopConfig) == get_type_hints(LoopConfig, include_extras=True)


def test_a_kind_cannot_take_a_key_that_every_check_has() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Clash:
        tags: str = ""

    with pytest.raises(UnlearnError, match="Clash has the option 'tags', which is a key of every check: rename it"):
        check_shape("ask", Clash)


def test_a_kind_cannot_take_a_key_that_waits_for_a_later_release() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Clash:
        budget: int = 1

    with pytest.raises(UnlearnError, match="Clash has the option 'budget'"):
        check_shape("keep", Clash)
