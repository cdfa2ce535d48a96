"""The two methods that train nothing themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods.none import NoneConfig, none
from pytest_unlearn.methods.retrain import RetrainConfig, retrain
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example

DATA = Data((Example(Prompt.of("a"), "b", "1"),), (Example(Prompt.of("c"), "d", "2"),))


@dataclass
class FromScratch:
    """A subject that knows how it was made."""

    made_of: Any = None

    def remake(self, data: Data, seed: int) -> FromScratch:
        return FromScratch((data, seed))


def test_retrain_lets_the_recipe_make_the_model_anew():
    assert retrain(FromScratch(), DATA, RetrainConfig(), 7).made_of == (DATA, 7)


def test_retrain_of_a_finished_model_says_what_it_needs():
    with pytest.raises(MethodError) as caught:
        retrain(object(), DATA, RetrainConfig(), 0)
    assert str(caught.value) == (
        "'retrain' needs an original that a recipe trains from scratch (`fixture:...`), and this one is a finished "
        "model. Give a model that never learned the target as `reference`, or choose another method"
    )


def test_none_gives_back_the_very_subject():
    subject = FromScratch()
    assert none(subject, DATA, NoneConfig(), 0) is subject
