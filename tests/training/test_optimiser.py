"""Which optimiser takes the steps."""

from __future__ import annotations

import sys

import pytest
import torch

from pytest_unlearn.errors import MethodError
from pytest_unlearn.training.data import LoopConfig
from pytest_unlearn.training.optimiser import optimiser_of


def _step(**config) -> list[float]:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = optimiser_of([weight], LoopConfig(lr=0.1, **config))
    for _ in range(2):
        weight.grad = weight.detach().clone()
        optimiser.step()
    return weight.tolist()


def test_sgd_goes_along_the_gradient_and_keeps_nothing():
    assert _step(optimiser="sgd") == pytest.approx([0.9 * 0.9, -2 * 0.9 * 0.9])
    assert _step(optimiser="sgd", weight_decay=0.5) == pytest.approx([0.85 * 0.85, -2 * 0.85 * 0.85])


def test_adamw_is_that_of_torch_and_momentum_is_its_first_beta():
    def oracle(beta: float) -> list[float]:
        weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        optimiser = torch.optim.AdamW([weight], lr=0.1, betas=(beta, 0.999), weight_decay=0.0)
        for _ in range(2):
            weight.grad = weight.detach().clone()
            optimiser.step()
        return weight.tolist()

    assert _step() == oracle(0.9)
    assert _step(momentum=0.0) == oracle(0.0) != oracle(0.9)


def test_eight_bits_without_the_package_name_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(MethodError) as caught:
        _step(optimiser="adamw_8bit")
    assert str(caught.value) == (
        f"`optimiser: adamw_8bit` needs the package bitsandbytes ({caught.value.__cause__}): pip install bitsandbytes, "
        "or write `optimiser: adamw`"
    )


def test_eight_bits_step_as_adamw_does_within_their_rounding():
    pytest.importorskip("bitsandbytes")
    if not torch.cuda.is_available():
        pytest.skip("the states are rounded on a CUDA device")
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 8192, device="cuda"))
    plain = torch.nn.Parameter(weight.detach().clone())
    optimisers = [
        optimiser_of([one], LoopConfig(lr=1e-2, optimiser=name))
        for one, name in ((weight, "adamw_8bit"), (plain, "adamw"))
    ]
    for _ in range(5):
        for one, optimiser in zip((weight, plain), optimisers, strict=True):
            one.grad = one.detach().clone()
            optimiser.step()
    torch.testing.assert_close(weight, plain, rtol=0, atol=2e-2)
    assert any(state.dtype == torch.uint8 for state in optimisers[0].state[weight].values())
