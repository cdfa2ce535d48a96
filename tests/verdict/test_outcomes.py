import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.verdict.outcomes import Outcomes, packed, unpacked


def test_outcomes_are_a_few_characters():
    units = ["a", "a", "a", "b", "c", "a", "a"]
    assert packed(units, [True, False, False, True, True, False, False], "x") == Outcomes("98", "3,1*2,2@0", "x")
    assert packed([str(i) for i in range(1000)], [False] * 1000) == Outcomes("0" * 250, "1*1000")
    assert packed([], []) == Outcomes("", "")


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60))
def test_what_is_packed_is_unpacked(pairs):
    numbers = {unit: i for i, unit in enumerate(dict.fromkeys(unit for unit, _ in pairs))}
    found = packed([unit for unit, _ in pairs], [bad for _, bad in pairs])
    assert unpacked(found) == [(numbers[unit], bad) for unit, bad in pairs]


@pytest.mark.parametrize(("bits", "units"), [("f", "1*5"), ("ff", "1*4"), ("1", "1*3")])
def test_what_does_not_fit_is_refused(bits, units):
    with pytest.raises(ValueError) as caught:
        unpacked(Outcomes(bits, units))
    assert str(caught.value) == f"{units[2:]} questions do not fit into {len(bits)} digits"


def test_each_question_has_one_outcome():
    with pytest.raises(ValueError) as caught:
        packed(["a", "b"], [True])
    assert str(caught.value) == "2 units do not match 1 outcomes"


def test_outcomes_of_more_questions_than_there_are_digits_are_refused_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        unpacked(Outcomes("0f", "1*999999999999"))
    assert str(caught.value) == "999999999999 questions do not fit into 2 digits"
