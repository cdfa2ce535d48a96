from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.scenario.meanings import Meaning, meanings


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Options of a base.

    `deep`: how deep, in steps
    of one, e.g. `3`
    `wide`: how wide.
    """

    deep: int = 1
    wide: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Base):
    """`wide`: wider than `deep`. `names`: what they are called, e.g. `[a, b]`; at most five.

    This is prose about `deep` and says nothing of a key.
    """

    names: tuple[str, ...] = ()
    silent: int = 0


def test_a_docstring_says_what_keys_mean_and_gives_examples() -> None:
    assert meanings(Base) == {"deep": Meaning("how deep, in steps of one", "3"), "wide": Meaning("how wide")}


def test_what_a_base_says_holds_unless_it_is_said_again() -> None:
    assert meanings(Own) == {
        "deep": Meaning("how deep, in steps of one", "3"),
        "wide": Meaning("wider than `deep`"),
        "names": Meaning("what they are called; at most five", "[a, b]"),
        "silent": Meaning(),
    }


def test_a_dataclass_without_options_has_no_meanings() -> None:
    assert meanings(dataclass(type("Bare", (), {}))) == {}
