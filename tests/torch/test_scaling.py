# SPDX-License-Identifier: Apache-2.0
"""Mixed precision: losses times a scale, whose gradients overflow now and then, and steps that are left out then."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from symtrack.torch import AnalogLinear, AnalogSGD, state_sha256
from tests.torch.helpers import OFFSET

X = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        AnalogLinear(5, 4, seed=1, **OFFSET), nn.Tanh(), nn.Linear(4, 4), AnalogLinear(4, 2, seed=2, **OFFSET)
    )


@pytest.mark.parametrize(("dtype", "scale"), [(torch.float16, 2.0**19), (torch.float32, 2.0**30)])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_scaler_leaves_out_steps_that_overflow_and_goes_on(dtype: Any, scale: float, parts: int) -> None:
    model = network()
    optimizer, scaler = AnalogSGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=scale)
    before, skipped = state_sha256(model), 0
    for step in range(12):
        optimizer.zero_grad()
        for x in X.split(len(X) // parts):
            with torch.autocast("cpu", dtype=torch.float16, enabled=dtype == torch.float16):
                loss = (model(x) ** 2).sum()
            scaler.scale(loss).backward()
        here = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scaler.get_scale() < here:
            skipped += 1
            assert model[0]._core.steps == model[3]._core.steps == step + 1 - skipped
    assert 0 < skipped < 12
    assert model[0]._core.steps == model[3]._core.steps == 12 - skipped
    assert state_sha256(model) != before
    assert all(torch.isfinite(one).all() for one in model.parameters())


@pytest.mark.parametrize("scale", [float("inf"), float("nan"), 2.0**40])
@pytest.mark.parametrize("more", [False, True])
def test_without_a_scaler_the_step_says_so(scale: float, more: bool) -> None:
    model = network()
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    model(X[:2]).sum().backward()
    (scale * model(X)).sum().backward()
    if more:
        model(X[:2]).sum().backward()
    assert not torch.isfinite(model[3].weight.grad).any()
    assert not torch.isfinite(model[0].weight.grad).any()
    before = [one.detach().clone() for one in model.parameters()]
    with pytest.raises(
        ValueError, match=r"^weight.grad = inf or nan: must be finite, as gradients at outputs"
    ) as caught:
        optimizer.step()
    assert "\n" not in str(caught.value)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before, strict=True))
    optimizer.zero_grad()
    model(X).sum().backward()
    assert [len(pair.x) for pair in model[0]._core.pairs] == [6]
    optimizer.step()
    assert model[0]._core.steps == model[3]._core.steps == 1


def test_an_overflow_in_one_of_two_uses_drops_both() -> None:
    layer = AnalogLinear(4, 4, seed=1, **OFFSET)
    optimizer = AnalogSGD(layer.parameters(), lr=0.1)
    before = layer._core.exponents
    (layer(X[:, :4]).sum() + 2.0**40 * layer(X[:, :4]).sum()).backward()
    assert not layer._core.pairs
    assert not layer._core.offered
    assert layer._core.exponents["delta"] in (before["delta"], 0)
    with pytest.raises(ValueError, match=r"^weight.grad = inf or nan: "):
        optimizer.step()


@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_of_inputs_overflow_as_those_of_torch(frozen: bool) -> None:
    layer = AnalogLinear(5, 4, seed=1, **OFFSET).train(frozen)
    layer.weight.requires_grad_(not frozen)
    x = X.clone().requires_grad_()
    (layer(x) * torch.inf).sum().backward()
    assert x.grad.isinf().all()
    assert layer.weight.grad is None
