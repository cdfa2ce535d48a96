"""The training loop on a table of letter pairs: what a step is, what it leaves alone, how it ends."""

from __future__ import annotations

import copy
import io
import math

import pytest
import torch

from pytest_unlearn.errors import MethodError
from pytest_unlearn.methods.finetune import FinetuneConfig, finetune_terms
from pytest_unlearn.methods.grad_ascent import GradAscentConfig, grad_ascent_terms
from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example, Layers, LoopConfig
from pytest_unlearn.training.loop import fit, pace, steps_of
from pytest_unlearn.training.terms import Term

OBJECTIVES = {
    "finetune": (finetune_terms, FinetuneConfig),
    "grad_ascent": (grad_ascent_terms, GradAscentConfig),
    "grad_diff": (grad_diff_terms, GradDiffConfig),
    "npo": (npo_terms, NPOConfig),
}


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair) for pair in pairs)


DATA = Data(_examples("abcd", "bc", "cdef", "dgh", "ea"), _examples("fgh", "ghab", "hc", "fa", "gbcd", "hhh", "fd"))


def _fit(model, terms, config, seed=0, data=DATA, **more):
    """A trained copy of the model, and its losses."""
    now = copy.deepcopy(model)
    return now, fit(now, data, config, seed, terms, original=("forget",), **more)


@pytest.fixture
def model(bigram):
    return bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2, fg=1 / 4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_step_in_pieces_is_a_step_in_one_large_batch(model, name):
    terms, config = OBJECTIVES[name]
    whole, losses = _fit(model, terms, config(steps=6, lr=0.05))
    pieces, same = _fit(model, terms, config(steps=6, lr=0.05), tokens_at_once=7)
    torch.testing.assert_close(pieces.module.weight, whole.module.weight, rtol=1e-6, atol=1e-6)
    for one, other in zip(losses, same, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_seed_gives_the_same_weights_to_the_bit_and_another_seed_gives_others(model, name):
    terms, config = OBJECTIVES[name]
    first, again, other = (_fit(model, terms, config(steps=5, lr=0.05, batch=2), seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first.module.weight, again.module.weight)
    assert not torch.equal(first.module.weight, other.module.weight)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_world_keeps_its_random_numbers(model, name):
    terms, config = OBJECTIVES[name]
    state = torch.get_rng_state()
    now, _ = _fit(model, terms, config(steps=3, lr=0.05))
    assert not torch.equal(now.module.weight, model.module.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_step_is_adamw_on_the_clipped_gradient_of_the_weighted_sum(model):
    config = GradDiffConfig(
        steps=4, lr=0.1, clip=0.01, weight_decay=0.3, retain_weight=2.0, batch=99, schedule="linear"
    )
    data = Data(_examples("abcd", "bc"), _examples("fgh", "ghab"))  # the batch holds all: the order cannot matter
    now, _ = _fit(model, grad_diff_terms, config, data=data)

    table = model.module.weight.detach().float().requires_grad_()
    optimiser = torch.optim.AdamW([table], lr=0.1, weight_decay=0.3)
    for share in (1, 3 / 4, 2 / 4, 1 / 4):
        optimiser.param_groups[0]["lr"] = 0.1 * share
        logp = torch.log_softmax(table, -1)
        forget = (logp[0, 1] + logp[1, 2] + logp[2, 3] + logp[1, 2]) / 4  # abcd, bc
        retain = -(logp[5, 6] + logp[6, 7] + logp[6, 7] + logp[7, 0] + logp[0, 1]) / 5  # fgh, ghab
        (gradient,) = torch.autograd.grad(forget + 2 * retain, table)
        assert gradient.norm() > 0.01
        table.grad = gradient * (0.01 / gradient.norm())
        optimiser.step()
    torch.testing.assert_close(now.module.weight.float(), table, rtol=1e-4, atol=1e-5)


def test_losses_are_the_unweighted_means_before_each_step(model):
    config = GradDiffConfig(steps=2, lr=0.1, batch=99, retain_weight=7.0)
    _, losses = _fit(model, grad_diff_terms, config, data=Data(_examples("abcd"), _examples("fg")))
    assert losses[0] == {"forget": pytest.approx(-math.log(2)), "retain": pytest.approx(math.log(4))}
    assert losses[1]["forget"] < losses[0]["forget"]
    assert losses[1]["retain"] < losses[0]["retain"]


@pytest.mark.parametrize(
    ("config", "examples", "steps"),
    [
        (LoopConfig(steps=3, epochs=100), 10, 3),
        (LoopConfig(epochs=5, batch=8), 16, 10),
        (LoopConfig(epochs=5, batch=8), 4, 5),  # a step takes the four there are
        (LoopConfig(epochs=0.01), 16, 1),
        (LoopConfig(epochs=1.5, batch=4), 6, 3),  # nine rows: two steps and a bit
        (LoopConfig(epochs=1.1, batch=1), 10, 11),  # 1.1 * 10 is a little more than 11
    ],
)
def test_steps_win_over_passes(config, examples, steps):
    assert steps_of(config, examples) == steps


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LoopConfig(), [1, 1, 1, 1]),
        (LoopConfig(schedule="linear"), [1, 3 / 4, 2 / 4, 1 / 4]),
        (LoopConfig(schedule="cosine"), [1, (1 + math.sqrt(0.5)) / 2, 1 / 2, (1 - math.sqrt(0.5)) / 2]),
        (LoopConfig(warmup=2), [1 / 2, 1, 1, 1]),
        (LoopConfig(warmup=0.5), [1 / 2, 1, 1, 1]),
        (LoopConfig(warmup=2, schedule="linear"), [1 / 2, 1, 1, 1 / 2]),
    ],
)
def test_the_schedule_by_hand_over_four_steps(config, expected):
    assert [pace(i, 4, config) for i in range(4)] == pytest.approx(expected)


@pytest.mark.parametrize("n", [10, 37, 100])
def test_one_cycle_is_that_of_torch(n):
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    oracle = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=n)
    for i in range(n):
        assert pace(i, n, LoopConfig(schedule="one_cycle")) == pytest.approx(oracle.get_last_lr()[0], abs=1e-9)
        optimiser.step()
        oracle.step()


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "one_cycle"])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0, 50.0])
@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_the_pace_is_never_negative_nor_above_one(schedule, warmup, n):
    config = LoopConfig(schedule=schedule, warmup=warmup)
    assert all(0 <= pace(i, n, config) <= 1 for i in range(n))
    assert any(pace(i, n, config) > 0 for i in range(n))


def test_ascent_that_runs_away_ends_with_the_step_and_the_value(model):
    with pytest.raises(MethodError, match=r"in step \d of 50: the loss 'forget' is -\d"):
        _fit(model, grad_ascent_terms, GradAscentConfig(steps=50, lr=5000.0))


@pytest.mark.parametrize(
    ("bad", "told"), [(math.nan, "nan"), (math.inf, "inf"), (10_001, "10001"), (-10_001, "-10001")]
)
def test_a_loss_that_is_no_loss_any_more_is_named(model, bad, told):
    def terms(now, original, pair, config):
        good = finetune_terms(now, original, pair, config)["retain"]
        return {"fine": good, "odd": Term(good.total * 0 + bad, 1)}

    with pytest.raises(MethodError) as caught:
        _fit(model, terms, FinetuneConfig(steps=2))
    assert str(caught.value) == (
        f"the training broke down in step 1 of 2: the loss 'odd' is {told}. Lower `lr`, train for fewer steps, or "
        "choose a method whose loss is bounded"
    )


def test_a_gradient_that_is_not_finite_is_an_error_even_where_the_loss_is(model):
    def terms(now, original, pair, config):
        return {"root": Term((now.module.weight.sum() * 0).sqrt(), 1)}  # 0, with an infinite slope

    with pytest.raises(MethodError, match="in step 1 of 2: the norm of the gradient is nan"):
        _fit(model, terms, FinetuneConfig(steps=2))


@pytest.mark.parametrize(
    ("name", "data", "empty"),
    [
        ("finetune", Data(DATA.forget), "retain"),
        ("grad_ascent", Data((), DATA.retain), "forget"),
        ("grad_diff", Data(DATA.forget), "retain"),
        ("npo", Data((), DATA.retain), "forget"),
    ],
)
def test_an_empty_set_that_is_needed_is_an_error_that_names_it(model, name, data, empty):
    terms, config = OBJECTIVES[name]
    with pytest.raises(MethodError, match=f"^this method trains on the {empty} set, but the {empty} set is empty$"):
        _fit(model, terms, config(steps=1), data=data)


def test_nothing_to_train_on_is_an_error(model):
    with pytest.raises(
        MethodError, match=r"^there is nothing to train on: the forget set and the retain set are both empty$"
    ):
        _fit(model, finetune_terms, FinetuneConfig(steps=1), data=Data(()))


@pytest.mark.parametrize(("terminal", "ci", "shown"), [(True, "", True), (False, "", False), (True, "true", False)])
def test_progress_is_shown_on_a_terminal_only(model, monkeypatch, terminal, ci, shown):
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("TERM", "xterm")
    _fit(model, grad_diff_terms, GradDiffConfig(steps=3))
    assert ("training" in screen.getvalue()) is shown


def test_a_loss_that_no_trained_weight_changes_is_told(model):
    def still(now, original, pair, config):
        return {"forget": Term(torch.zeros(()), 1), "retain": Term(torch.ones(()), 1)}

    with pytest.raises(MethodError) as caught:
        _fit(model, still, GradDiffConfig(steps=1))
    assert str(caught.value) == (
        "nothing that `trainable` names changes the loss (forget, retain) of this method: choose other layers or "
        "modules"
    )


@pytest.mark.parametrize("which", ["all", "lora", Layers(layers=(1,))])
def test_nothing_has_moved_before_a_step_whatever_the_precision_of_the_weights(transformer, which):
    now = transformer("llama")
    now.module.bfloat16()
    config = NPOConfig(steps=2, lr=0.0, beta=1.0, retain="kl", trainable=which)
    losses = fit(now, DATA, config, 0, npo_terms, original=("forget", ("retain", "logits")))
    # -2 log sigmoid(0) = 2 ln 2: the original is asked as the model that trains is, in float32 where that is
    assert losses == [{"forget": pytest.approx(2 * math.log(2), abs=1e-6), "retain": pytest.approx(0, abs=1e-12)}] * 2
