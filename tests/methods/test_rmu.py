"""Representation misdirection by hand, on a model whose states are told."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods.rmu import RMUConfig, direction, rmu_terms, site_of
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair

CONFIG = RMUConfig(layer=0, scale=2 * math.sqrt(2))


class Layers(nn.Module):
    """Letters to states, which are the letters' own, and no more: a layer that passes on what it gets, and a head."""

    def __init__(self, states: dict[str, tuple[float, float]]) -> None:
        super().__init__()
        table = torch.zeros(8, 2)
        for letter, state in states.items():
            table[ord(letter) - ord("a")] = torch.tensor(state)
        self.embed = nn.Embedding.from_pretrained(table, freeze=False)
        self.layer, self.head = nn.Identity(), nn.Linear(2, 8)

    def forward(self, ids):
        return self.head(self.layer(self.embed(ids)))


@pytest.fixture
def made(bigram):
    def make(**states):
        model = bigram()
        model.module = Layers(states)
        model.sites = {"layer.0": model.module.layer, "layer.0.mlp": model.module.layer}
        return model

    return make


@pytest.fixture(autouse=True)
def diagonal(monkeypatch):
    """u = (1, 1) / sqrt 2."""
    monkeypatch.setattr("pytest_unlearn.methods.rmu.direction", lambda width, seed: torch.ones(2) / math.sqrt(2))


def _stand(original, forget, retain):
    sets = {
        name: EncodedSet(name, [Example(Prompt.of(p), a, a) for p, a in rows], original)
        for name, rows in (("forget", forget), ("retain", retain))
    }
    pair = Pair({name: rows.rows(range(len(rows)), range(len(rows))) for name, rows in sets.items()})
    return Frozen(original, sets, views=[("retain", "layer.0")]), pair


def test_the_loss_by_hand(made):
    """The states that predict "bcd" after "a" are those of a, b and c; the one that predicts "f" is that of e."""
    states = {"a": (2, 2), "b": (0, 2), "c": (0, 0), "d": (9, 9), "f": (9, 9)}
    frozen, pair = _stand(made(**states, e=(0, 0)), [("a", "bcd")], [("e", "f")])
    terms = rmu_terms(made(**states, e=(1, 0)), frozen, pair, CONFIG, 0)
    assert terms["forget"].mean.item() == pytest.approx((0 + 4 + 8) / 2 / 3) == pytest.approx(2)
    assert terms["retain"].mean.item() == pytest.approx(1 / 2)
    assert (terms["forget"].count, terms["retain"].count) == (1, 1)


def test_each_row_is_divided_by_its_own_tokens_and_then_rows_are_averaged(made):
    """Rows of 4 and 9 tokens, at each of which the distance is the same: mean(sum) mean(1 / count) is 17 % off."""
    model = made(a=(0, 2), b=(0, 0))
    frozen, pair = _stand(model, [("a", "a" * 4), ("a", "a" * 9)], [("b", "b")])
    found = rmu_terms(model, frozen, pair, CONFIG, 0)["forget"].mean.item()
    assert found == pytest.approx(2.0)  # (2 - 0) ** 2 / 2
    reference = (4 * 2.0 + 9 * 2.0) / 2 * (1 / 4 + 1 / 9) / 2
    assert reference / found == pytest.approx(1.174, abs=1e-3)


def test_unequal_rows_by_hand(made):
    """One token at distance 4, and "bb" after "a" at distances 2 and 4: (4 + (2 + 4) / 2) / 2."""
    model = made(a=(0, 2), b=(0, 0))
    frozen, pair = _stand(model, [("b", "a"), ("a", "bb")], [("b", "b")])
    assert rmu_terms(model, frozen, pair, CONFIG, 0)["forget"].mean.item() == pytest.approx((4 + 3) / 2)


def test_at_the_original_nothing_pulls_at_the_retained_states(made):
    model = made(a=(0, 2), e=(3, 1))
    frozen, pair = _stand(model, [("a", "b")], [("e", "f"), ("ge", "ef")])
    term = rmu_terms(model, frozen, pair, CONFIG, 0)["retain"]
    term.mean.backward()
    assert term.mean.item() == 0
    assert not model.module.embed.weight.grad.any()


def test_the_head_gets_no_gradient(made):
    model = made(a=(0, 2))
    frozen, pair = _stand(model, [("a", "b")], [("e", "f")])
    sum(term.mean for term in rmu_terms(model, frozen, pair, CONFIG, 0).values()).backward()
    assert model.module.head.weight.grad is None
    assert model.module.embed.weight.grad[0].any()


@pytest.mark.parametrize("width", [1, 2, 300])
def test_the_direction_has_length_one_no_negative_part_and_its_seed_decides(width):
    one = direction(width, 3)
    assert one.shape == (width,)
    assert one.norm().item() == pytest.approx(1)
    assert (one >= 0).all()
    assert torch.equal(direction(width, 3), one)
    assert width == 1 or not torch.equal(direction(width, 4), one)


@pytest.mark.parametrize(("layers", "expected"), [(1, 0), (2, 1), (4, 2), (13, 6), (14, 7), (15, 7), (32, 7)])
def test_the_layer_is_the_seventh_or_the_middle_one_unless_it_is_named(bigram, layers, expected):
    model = bigram()
    model.sites = {f"layer.{i}{part}": nn.Identity() for i in range(layers) for part in ("", ".attn", ".mlp.down")}
    assert site_of(model, RMUConfig()) == f"layer.{expected}"
    assert site_of(model, RMUConfig(layer=layers - 1)) == f"layer.{layers - 1}"
    with pytest.raises(MethodError) as caught:
        site_of(model, RMUConfig(layer=layers))
    assert str(caught.value) == f"`layer: {layers}` is not there: the model has {layers} layers, counted from 0"
