"""Plug-ins of the loop: each by hand, and in the loop on a table of letter pairs and on two small transformers."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.errors import MethodError, UnlearnError
from pytest_unlearn.methods.grad_ascent import GradAscentConfig, grad_ascent_terms
from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.methods.wraps.blur_bilevel import BlurBilevel, BlurBilevelConfig
from pytest_unlearn.methods.wraps.coreset import moderate
from pytest_unlearn.methods.wraps.geometric_disentanglement import (
    GeometricDisentanglement,
    GeometricDisentanglementConfig,
    off,
)
from pytest_unlearn.methods.wraps.negation import Negation, NegationConfig
from pytest_unlearn.methods.wraps.rna import RNA, RNAConfig
from pytest_unlearn.methods.wraps.task_arithmetic import TaskArithmetic, TaskArithmeticConfig
from pytest_unlearn.methods.wraps.weight_averaging import WeightAveraging, WeightAveragingConfig
from pytest_unlearn.registry import PLUG_INS, Use
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example, LoopConfig
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import fit
from pytest_unlearn.training.plug import PlugIn, having, plug_in, plug_ins, spread_of
from pytest_unlearn.training.retain import RetainConfig, retain_views
from pytest_unlearn.training.sampler import EncodedSet

GU, BLUR = "geometric_disentanglement", "blur_bilevel"
NUMBERS = st.lists(st.floats(-10, 10, width=32), min_size=6, max_size=6).map(torch.tensor)


def _examples(*pairs: str) -> tuple[Example, ...]:
    return tuple(Example(Prompt.of(pair[0]), pair[1:], pair) for pair in pairs)


DATA = Data(_examples("abcd", "bc", "cdef", "dgh"), _examples("fgh", "ghab", "hc", "fa", "gbcd", "hhh"))


@pytest.fixture(params=["table", "gpt2", "llama"])
def model(request, bigram, transformer):
    if request.param == "table":
        if request.node.callspec.params.get("name") == "rna":
            pytest.skip("a table has no layers")
        return bigram(ab=1 / 2, bc=1 / 2, cd=1 / 2, fg=1 / 4)
    return transformer(request.param)


def _fit(model, *wrap, terms=grad_diff_terms, kind=GradDiffConfig, data=DATA, seed=0, **more):
    """The weights of a trained copy, by name."""
    now = copy.deepcopy(model)
    options = {"steps": 3, "lr": 0.01, "batch": 3, **more}
    if any(use.name == "rna" for use in wrap):  # it speaks through what the original says of the retain set
        options.setdefault("retain", "kl")
    pieces = options.pop("tokens_at_once", 2048)
    config = kind(wrap=wrap, **options)
    views = retain_views(config) if isinstance(config, RetainConfig) else ()
    fit(now, data, config, seed, terms, views, tokens_at_once=pieces)
    return {name: weight.detach() for name, weight in now.module.named_parameters()}


def _use(name, **options):
    return Use(name, PLUG_INS.get(name).config(**options))


def _same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _close(one, other, **room):
    for name in one:
        torch.testing.assert_close(one[name], other[name], **{"rtol": 1e-4, "atol": 1e-6, **room})


def _retain_loss(model, weights):
    """Mean negative log-likelihood of all retain tokens under other weights."""
    now = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in now.module.named_parameters():
            weight.copy_(weights[name])
        logits, labels = now.logits(now.encode([(e.prompt, e.answer) for e in DATA.retain]))
        return torch.nn.functional.cross_entropy(logits.double().flatten(0, 1), labels.flatten()).item()


def _before(model):
    return {name: weight.detach() for name, weight in model.module.named_parameters()}


# Each by hand


def test_gu_takes_the_span_of_the_last_retain_gradients_out_by_hand():
    plug = GeometricDisentanglement(GeometricDisentanglementConfig(rank=2, metric="euclidean"), 0)
    forget, first, second = (torch.tensor(v) for v in ([3.0, 4, 5], [1.0, 0, 0], [1.0, 1, 0]))
    alone = plug.combine({"forget": (forget,), "retain": (first,)}, None)
    torch.testing.assert_close(alone["forget"], (torch.tensor([0.0, 4, 5]),))
    both = plug.combine({"forget": (forget,), "retain": (second,)}, None)
    torch.testing.assert_close(both["forget"], (torch.tensor([0.0, 0, 5]),))
    assert both["retain"] == (second,)
    last = GeometricDisentanglement(GeometricDisentanglementConfig(rank=1), 0)
    last.combine({"forget": (forget,), "retain": (first,)}, None)
    only = last.combine({"forget": (forget,), "retain": (second,)}, None)
    torch.testing.assert_close(only["forget"], (torch.tensor([-0.5, 0.5, 5]),))


def test_gu_in_the_metric_of_adam_is_the_formula_with_its_inverse():
    generator = torch.Generator().manual_seed(0)
    forget, *span = torch.randn(4, 9, generator=generator, dtype=torch.float64)
    h = torch.rand(9, generator=generator, dtype=torch.float64) + 0.1
    u, inverse = torch.stack(span, 1), torch.diag(1 / h)
    expected = forget - u @ torch.linalg.inv(u.T @ inverse @ u) @ u.T @ inverse @ forget
    torch.testing.assert_close(off(forget, span, h.sqrt()), expected)
    assert not torch.allclose(off(forget, span), expected)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.lists(NUMBERS, max_size=4))
def test_the_projection_is_idempotent_orthogonal_to_the_span_and_never_longer(gradient, span):
    once = off(gradient, span)
    torch.testing.assert_close(off(once, span), once, rtol=1e-4, atol=1e-4)
    assert once.norm() <= gradient.norm() * (1 + 1e-5)
    for one in span:
        assert abs(float(one @ once)) <= 1e-4 * float(one.norm() * gradient.norm()) + 1e-4
    if not span:
        assert torch.equal(once, gradient)


def test_blur_by_hand():
    plug = BlurBilevel(BlurBilevelConfig(gamma=1.0), 0)
    found = plug.combine({"forget": (torch.tensor([2.0, 0, 0]),), "retain": (torch.tensor([1.0, 3, 1]),)}, None)
    torch.testing.assert_close(found["forget"][0] + found["retain"][0], torch.tensor([2.0, 3, 1]))


@settings(max_examples=60, deadline=None)
@given(NUMBERS.filter(lambda v: v.norm() > 1e-2), NUMBERS, st.floats(0.1, 5))
def test_a_blur_step_lowers_the_forget_loss_as_its_own_gradient_alone_would(forget, retain, gamma):
    found = BlurBilevel(BlurBilevelConfig(gamma=gamma), 0).combine(
        {"forget": tuple(forget.split(2)), "retain": tuple(retain.split(2))}, None
    )
    step = torch.cat(found["forget"]) + torch.cat(found["retain"])
    room = 1e-4 * float(forget.norm()) * float(forget.norm() + retain.norm()) + 1e-5
    assert float(step @ forget) == pytest.approx(gamma * float(forget @ forget), abs=room)


def test_blur_leaves_the_retain_gradient_where_there_is_nothing_to_forget():
    found = BlurBilevel(BlurBilevelConfig(), 0).combine({"forget": (torch.zeros(3),), "retain": (torch.ones(3),)}, None)
    assert torch.equal(found["retain"][0], torch.ones(3))


@pytest.mark.parametrize(("factor", "ends"), [(0.5, [1.5, 0.5, 1]), (-1, [0, 2, 1]), (1, [2, 0, 1]), (0, [1, 1, 1])])
def test_task_arithmetic_by_hand(factor, ends):
    weights = {"w": torch.tensor([2.0, 0, 1])}
    TaskArithmetic(TaskArithmeticConfig(factor=factor), 0).finished({"w": torch.ones(3)}, weights)
    assert weights["w"].tolist() == ends


def test_task_arithmetic_on_adapters_scales_their_product():
    down, up = torch.randn(2, 5), torch.randn(4, 2)
    weights = {"q.lora_A.default.weight": down.clone(), "q.lora_B.default.weight": up.clone()}
    start = {"q.lora_A.default.weight": torch.randn(2, 5), "q.lora_B.default.weight": torch.zeros(4, 2)}
    TaskArithmetic(TaskArithmeticConfig(factor=-0.5), 0).finished(start, weights)
    torch.testing.assert_close(
        weights["q.lora_B.default.weight"] @ weights["q.lora_A.default.weight"], -0.5 * up @ down
    )


@pytest.mark.parametrize(("factor", "ends"), [(1.0, [0.8, 1, 1.1]), (0.5, [0.9, 1, 1.05])])
def test_negation_by_hand(factor, ends):
    one = Negation(NegationConfig(factor=factor), 0)
    gradients = {"forget": (torch.tensor([2.0, 0, -1]),), "retain": (torch.tensor([5.0, 5, 5]),)}
    turned = one.combine(gradients, None)
    assert turned["retain"][0].tolist() == [0, 0, 0]
    learned = torch.ones(3) - 0.1 * turned["forget"][0]
    assert learned.tolist() == pytest.approx([1.2, 1, 0.9])
    weights = {"w": learned}
    one.finished({"w": torch.ones(3)}, weights)
    assert weights["w"].tolist() == pytest.approx(ends)


def test_negation_learns_what_must_go_and_ends_on_the_other_side(model):
    """Many small plain steps of ascent and of learning go to either side of the start, and nearly as far."""
    plain = {"terms": grad_ascent_terms, "kind": GradAscentConfig, "optimiser": "sgd", "clip": None}
    options = {**plain, "steps": 4, "lr": 1e-4, "batch": 8}
    start = _before(model)
    ways = [
        torch.cat([(found[name] - start[name]).flatten() for name in start])
        for found in (_fit(model, _use("negation"), **options), _fit(model, **options))
    ]
    assert 0 < (ways[0] - ways[1]).norm() < 0.05 * ways[1].norm()


@pytest.mark.parametrize(("last", "ends"), [(1.0, 7 / 3), (2 / 3, 3.0), (1 / 3, 4.0), (0.01, 4.0)])
def test_averaging_by_hand(last, ends):
    plug = WeightAveraging(WeightAveragingConfig(last=last), 0)
    for i, value in enumerate((1.0, 2.0, 4.0)):
        plug.stepped({"w": torch.tensor([value])}, i, 3)
    weights = {"w": torch.tensor([4.0])}
    plug.finished({}, weights)
    assert weights["w"].item() == pytest.approx(ends)


def test_averaging_that_was_ended_before_its_first_step_leaves_the_last_one():
    plug = WeightAveraging(WeightAveragingConfig(last=0.5), 0)
    weights = {"w": torch.tensor([4.0])}
    for i in range(2):
        plug.stepped(weights, i, 4)
    plug.finished({}, weights)
    assert weights["w"].item() == 4.0
    plug.stepped({"w": torch.tensor([1.0])}, 2, 4)
    plug.finished({}, weights)
    assert weights["w"].item() == 1.0


def _heard(transformer, nu, layer=None, kind="llama", what="layer.1"):
    """What is heard of all retain rows with noise, and without it: states of a site or logits."""
    now = transformer(kind)
    rows = EncodedSet("retain", DATA.retain, now)
    places = range(len(DATA.retain))
    frozen = Frozen(now, {"retain": rows}, views=[("retain", what)])
    plug = RNA(RNAConfig(nu=nu, layer=layer), 7)

    def hear(original, at=places):
        asked = rows.rows(at, at)
        return original.logits(asked) if what == "logits" else original.states(asked, what)

    plain = hear(frozen)
    return plug, plug.original(frozen, now), hear, plain


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_noise_of_rna_has_the_deviation_asked_for_and_is_new_each_time(kind, transformer):
    _, noisy, hear, plain = _heard(transformer, 0.25, kind=kind)
    drawn = torch.stack([hear(noisy) - plain for _ in range(40)])
    noise = drawn[:, plain != 0]  # 40 draws of each state that is there
    assert noise.std().item() == pytest.approx(0.25, rel=0.02)
    assert abs(noise.mean().item()) < 0.005
    assert not torch.equal(drawn[0], drawn[1])
    assert (drawn[:, plain == 0] == 0).all()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_noise_of_rna_runs_on_from_its_layer_to_the_logits(kind, transformer):
    _, first, hear, plain = _heard(transformer, 0.25, layer=0, kind=kind, what="logits")
    heard = hear(first)
    assert heard.shape == plain.shape
    assert (heard - plain).abs().max() > 0.01
    plug, again, hear, _ = _heard(transformer, 0.25, layer=1, kind=kind, what="logits")
    assert not torch.allclose(hear(again), heard)  # of another layer
    assert set(plug.state["visits"].values()) == {1}


def test_a_row_hears_the_same_noise_whatever_piece_it_is_in(transformer):
    _, whole, hear, _ = _heard(transformer, 0.25)
    _, apart, hear_apart, _ = _heard(transformer, 0.25)
    together, alone = hear(whole), [hear_apart(apart, [i]) for i in range(len(DATA.retain))]
    for row, one in zip(together, alone, strict=True):
        torch.testing.assert_close(row[: one.shape[1]], one[0])


def test_rna_without_noise_is_no_plug_in_to_the_bit(transformer):
    for kind in ("llama", "gpt2"):
        model = transformer(kind)
        assert _same(_fit(model, _use("rna", nu=0.0)), _fit(model, retain="kl"))
        assert not _same(_fit(model, _use("rna", nu=0.5)), _fit(model, retain="kl"))


def test_rna_hears_the_weights_before_the_first_step_and_not_those_of_now(transformer):
    """Where the model trains far away, what is heard of the original differs by the noise alone."""
    now = transformer("llama")
    rows = EncodedSet("retain", DATA.retain, now)
    places = range(len(DATA.retain))
    frozen = Frozen(now, {"retain": rows}, views=[("retain", "logits")])
    plain = frozen.logits(rows.rows(places, places))
    noisy = RNA(RNAConfig(nu=1e-6), 0).original(frozen, now)
    noisy.hold(list(now.module.parameters()))
    with torch.no_grad():
        for weight in now.module.parameters():
            weight.mul_(3)
    heard = noisy.logits(rows.rows(places, places))
    torch.testing.assert_close(heard[plain != 0], plain[plain != 0], rtol=0, atol=1e-4)


def test_rna_on_a_method_that_does_not_ask_the_original_is_told(transformer):
    model = transformer("llama")
    with pytest.raises(MethodError) as caught:
        _fit(model, _use("rna"), retain="nll")
    assert str(caught.value) == (
        "the plug-in 'rna' puts noise on what the original says about the retain set, and this method does not ask for "
        "that: choose one that does, as with `retain: kl`"
    )


def test_a_layer_that_there_is_not_cannot_be_noisy(transformer):
    with pytest.raises(MethodError) as caught:
        _fit(transformer("llama"), _use("rna", layer=2))
    assert str(caught.value) == "`rna: {layer: 2}`: the model has 2 layers, counted from 0"


FORGET = _examples("ab", "bcd", "fg", "fgh", "ghd", "hca", "dab", "cc", "eg", "ad")


def _chosen(model, **options):
    kept = plug_ins([_use("coreset", **options)], 3)[0].data(Data(FORGET, DATA.retain), copy.deepcopy(model))
    assert kept.retain == DATA.retain
    places = [FORGET.index(example) for example in kept.forget]
    assert places == sorted(places)
    return set(places)


@pytest.mark.parametrize("by", ["random", "gradient", "min_k", "moderate"])
@pytest.mark.parametrize(("share", "rows"), [(0.01, 1), (0.2, 2), (0.25, 3), (1.0, 10)])
def test_a_coreset_is_the_share_asked_for_and_grows_by_rows(model, by, share, rows):
    if by == "moderate" and not model.sites:
        pytest.skip("a table has no layers")
    chosen = _chosen(model, share=share, by=by)
    assert len(chosen) == rows
    assert chosen <= _chosen(model, share=1.0, by=by)
    assert chosen == _chosen(model, share=share, by=by)


def test_a_random_coreset_depends_on_the_seed(transformer):
    model = transformer("llama")
    drawn = {plug_ins([_use("coreset", share=0.3)], seed)[0].data(Data(FORGET), model).forget for seed in range(20)}
    assert len(drawn) > 5


def test_min_k_takes_the_best_memorised_by_hand(bigram):
    model = bigram(ab=0.9, ba=0.8, cd=0.2, ef=0.3)
    kept = plug_ins([_use("coreset", share=0.5, by="min_k")], 0)[0].data(
        Data(_examples("cd", "aba", "ef", "ab")), model
    )
    assert [example.unit for example in kept.forget] == ["aba", "ab"]  # the rarer letter of `aba` has 0.8


def test_the_gradient_rule_takes_what_moves_the_model_most_by_hand(bigram):
    model = bigram(ab=0.9, cd=0.1, ef=0.5)  # |softmax - one-hot| grows as the letter is rarer
    for weight in model.module.parameters():
        weight.requires_grad_(False)
    kept = plug_ins([_use("coreset", share=0.6, by="gradient")], 0)[0].data(Data(_examples("ab", "cd", "ef")), model)
    assert [example.unit for example in kept.forget] == ["cd", "ef"]
    assert not any(weight.requires_grad for weight in model.module.parameters())


def test_the_moderate_rule_by_hand():
    states = torch.tensor([[1.0, 0], [-1.0, 0], [0, 2.0], [0, -2.0], [0.0, 6], [0, -6.0]])  # 1, 1, 2, 2, 6 and 6 away
    assert moderate(states).tolist() == [-1, -1, 0, 0, -4, -4]


def test_the_moderate_rule_needs_layers(bigram):
    with pytest.raises(MethodError) as caught:
        _chosen(bigram(), by="moderate")
    assert str(caught.value) == "`coreset: {by: moderate}` reads the last layer, and this model has none that is known"


def test_a_coreset_of_a_method_that_does_not_train_on_the_forget_set_is_told(model):
    with pytest.raises(MethodError) as caught:
        _fit(model, _use("coreset"), data=Data((), DATA.retain))
    assert str(caught.value) == (
        "the plug-in 'coreset' chooses from the forget set, and this method does not train on it"
    )


def test_a_coreset_trains_on_its_rows_alone(model):
    (left,) = _chosen(model, share=0.1, by="min_k")
    alone = Data((FORGET[left],), DATA.retain)
    coreset = _use("coreset", share=0.1, by="min_k")
    assert _same(_fit(model, coreset, data=Data(FORGET, DATA.retain)), _fit(model, data=alone))
    assert _same(
        _fit(model, coreset, data=Data(FORGET, DATA.retain), steps=None, epochs=4.0), _fit(model, data=alone, steps=4)
    )


# In the loop


@pytest.mark.parametrize(("sampler", "steps"), [("paired", 3), ("cyclic", 4), ("modular", 7)])
def test_a_sampler_has_passes_of_its_own_length(model, sampler, steps):
    """Four rows to forget, six to keep, in steps of three; about nothing in particular, so that ten pairs are drawn."""
    assert _same(_fit(model, sampler=sampler, steps=None, epochs=2.0), _fit(model, sampler=sampler, steps=steps))
    assert _same(_fit(model, sampler=sampler, steps=steps), _fit(model, steps=steps)) is (sampler == "paired")


@pytest.mark.parametrize("name", PLUG_INS.names())
def test_a_seed_gives_the_same_weights_to_the_bit(model, name):
    assert _same(_fit(model, _use(name), seed=1), _fit(model, _use(name), seed=1))
    assert not _same(_fit(model, _use(name), seed=1), _fit(model, _use(name), seed=2))


@pytest.mark.parametrize("name", PLUG_INS.names())
def test_a_plug_in_leaves_the_world_s_random_numbers_alone(model, name):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = _fit(model, _use(name))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert _same(_fit(model, _use(name)), first)


@pytest.mark.parametrize("name", PLUG_INS.names())
def test_what_is_not_trained_keeps_its_bits_under_a_plug_in(name, transformer):
    from pytest_unlearn.training.data import Modules

    model = transformer("gpt2")
    after, before = _fit(model, _use(name), trainable=Modules(modules=("h.1.mlp",))), _before(model)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {name for name in after if "h.1.mlp" in name}


@pytest.mark.parametrize("name", PLUG_INS.names())
def test_a_step_in_pieces_is_a_step_in_one_large_batch_under_a_plug_in(model, name):
    plain = {"optimiser": "sgd", "lr": 0.1}  # AdamW makes whole steps of rounding where a gradient is all but 0
    _close(_fit(model, _use(name), **plain), _fit(model, _use(name), **plain, tokens_at_once=7), rtol=1e-3, atol=1e-5)


def test_a_plug_in_that_does_nothing_changes_nothing(model):
    @dataclass(frozen=True)
    class IdleConfig:
        pass

    class Idle(PlugIn):
        config: IdleConfig

        def combine(self, gradients, spread):
            return dict(gradients)

    PLUG_INS._entries.pop("idle", None)
    Idle.__annotations__["config"] = IdleConfig
    plug_in("idle")(Idle)
    try:
        plain = {"optimiser": "sgd", "lr": 0.1, "retain_weight": 0.3}
        _close(_fit(model, Use("idle", IdleConfig()), **plain), _fit(model, **plain))
    finally:
        del PLUG_INS._entries["idle"]


def test_gu_leaves_the_retain_loss_to_first_order_halving_the_step_quarters_the_change(model):
    every = {"batch": 6, "steps": 1, "clip": None, "optimiser": "sgd", "retain_weight": 1e-12}
    data = Data(_examples("ab", "bcd", "fg", "fgh", "ghd", "hca"), DATA.retain)  # a step holds all of both
    model.module.double()  # the change is of second order, and soon smaller than rounding
    start = _retain_loss(model, _before(model))

    def change(lr, *wrap):
        return _retain_loss(model, _fit(model, *wrap, data=data, **every, lr=lr)) - start

    gu = _use(GU, metric="euclidean")
    plain, once, half = change(0.002), change(0.002, gu), change(0.001, gu)
    assert abs(once) < 0.1 * abs(plain)
    assert once / half == pytest.approx(4, rel=0.1)
    assert plain / change(0.001) == pytest.approx(2, rel=0.1)  # without it the change is of first order


def test_task_arithmetic_with_factor_1_is_no_plug_in_and_with_0_is_the_identity(model):
    _close(_fit(model, _use("task_arithmetic", factor=1.0)), _fit(model), rtol=1e-6, atol=1e-7)
    assert _same(_fit(model, _use("task_arithmetic", factor=0.0)), _before(model))


def test_averaging_over_one_step_is_the_plain_result(model):
    assert _same(_fit(model, _use("weight_averaging", last=0.01)), _fit(model))
    assert not _same(_fit(model, _use("weight_averaging", last=1.0)), _fit(model))


def test_averaging_is_the_mean_of_what_shorter_runs_end_with(model):
    ends = [_fit(model, steps=k) for k in (2, 3, 4)]
    mean = {name: torch.stack([end[name] for end in ends]).mean(0) for name in ends[0]}
    _close(_fit(model, _use("weight_averaging", last=0.75), steps=4), mean)


def test_two_plug_ins_act_in_the_order_written(model):
    average, half = _use("weight_averaging", last=1.0), _use("task_arithmetic", factor=0.5)
    before, mean, last = _before(model), _fit(model, average), _fit(model)
    assert not _same(mean, last)
    halved = {name: before[name] + 0.5 * (mean[name] - before[name]) for name in mean}
    _close(_fit(model, average, half), halved)
    assert _same(_fit(model, half, average), mean)  # the mean takes the place of what was halved


def test_gradients_are_combined_in_the_order_written(transformer):
    model = transformer("llama")
    gu, blur = _use(GU), _use(BLUR)
    assert not _same(_fit(model, gu, blur), _fit(model, blur, gu))


@pytest.mark.parametrize("name", [GU, BLUR])
def test_a_method_without_the_term_that_a_plug_in_works_on_is_told(model, name):
    with pytest.raises(MethodError) as caught:
        _fit(model, _use(name), terms=grad_ascent_terms, kind=GradAscentConfig)
    assert str(caught.value) == (
        f"the plug-in '{name}' works on the term 'retain', and this method has none (known: forget): choose another "
        "method, or leave the plug-in out"
    )


def test_the_spread_is_that_of_adam_with_its_bias_taken_out():
    weight = torch.nn.Parameter(torch.zeros(2))
    optimiser = torch.optim.AdamW([weight], lr=0.1)
    assert spread_of(optimiser, {"w": weight}) is None
    for gradient in ([1.0, 2.0], [3.0, 0.0]):
        weight.grad = torch.tensor(gradient)
        optimiser.step()
    square = [(0.999 * 1 + 9) / 1.999, 0.999 * 4 / 1.999]  # of two steps, the later one a little more
    (found,) = spread_of(optimiser, {"w": weight}) or []
    assert found.tolist() == pytest.approx([math.sqrt(one) + 1e-8 for one in square], rel=1e-5)
    assert spread_of(torch.optim.SGD([weight], lr=0.1), {"w": weight}) is None


def test_hooks_that_are_not_there_cost_nothing():
    plugged = plug_ins([_use("task_arithmetic"), _use(GU)], 0)
    assert [type(one).__name__ for one in having(plugged, "combine")] == ["GeometricDisentanglement"]
    assert [type(one).__name__ for one in having(plugged, "finished")] == ["TaskArithmetic"]
    assert having(plugged, "data") == []


def test_a_plug_in_that_there_is_not_is_told():
    with pytest.raises(UnlearnError, match="unknown plug-in 'task_arithmetc' - did you mean 'task_arithmetic'"):
        plug_ins([Use("task_arithmetc", LoopConfig())], 0)
