# SPDX-License-Identifier: Apache-2.0
"""What an optimiser is expected to do: accumulation, zero_grad, closures, clipping, groups and schedulers."""

from __future__ import annotations

import copy
import gc
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from symtrack.model.devices.constant_step import ConstantStep
from symtrack.torch import AnalogLinear, AnalogSGD, state_sha256
from tests.torch.helpers import OFFSET, accuracy, optimized, perceptron, some_digits, train

DATA = some_digits()
X = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))


def layer(**options: Any) -> AnalogLinear:
    return AnalogLinear(5, 4, bias=False, seed=1, **(OFFSET | {"rates": {"reads": 5}} | options))


def loss(model: nn.Module, x: Any) -> Any:
    return (model(x) ** 2).sum()


def words(model: AnalogLinear) -> tuple[Any, ...]:
    """Inputs and errors that the next step takes."""
    return tuple(
        torch.cat([torch.tensor(getattr(pair, name)) for pair in model._core.pairs]) for name in ("x", "delta")
    )


@pytest.mark.parametrize("algorithm", ["analog-sgd", "tt-v2", "e-rider"])
def test_backward_passes_are_collected_until_the_step(algorithm: str) -> None:
    form: dict[str, Any] = {"algorithm": algorithm, "rates": {}}
    whole, parts = layer(**form), layer(**form)
    for model, batches in ((whole, [X]), (parts, X.split(2))):
        optimizer = AnalogSGD(model.parameters(), lr=0.1)
        for x in batches:
            loss(model, x).backward()
        assert len(words(model)[0]) == 6
        optimizer.step()
        optimizer.zero_grad()
        assert model._core.steps == 1
        loss(model, X).backward()
        assert len(words(model)[0]) == 6
    one, other = whole.counts(), parts.counts()
    assert one["reads"] == other["reads"] == (0 if algorithm == "analog-sgd" else 1)
    assert one["update_slots"] > 0 < other["update_slots"]  # not equal: noise is not drawn in the same order


@pytest.mark.parametrize("drop", ["optimizer", "model", "zeros", "gradient"])
def test_dropped_gradients_are_not_learned(drop: str) -> None:
    model = layer()
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    before = model._core.layer.tile.fast.pulse_numbers.sum()
    loss(model, X).backward()
    if drop == "optimizer":
        optimizer.zero_grad()
    elif drop == "model":
        model.zero_grad()
    elif drop == "zeros":
        model.zero_grad(set_to_none=False)
    else:
        model.weight.grad = None
    optimizer.step()
    assert model._core.steps == 0
    assert model._core.layer.tile.fast.pulse_numbers.sum() == before
    loss(model, X[:2]).backward()
    assert len(words(model)[0]) == 2
    optimizer.step()
    assert model._core.layer.tile.fast.pulse_numbers.sum() > before


def test_a_layer_that_is_used_twice_learns_from_both() -> None:
    model = optimized(AnalogLinear(4, 4, seed=1, **OFFSET))
    model(torch.tanh(model(X[:, :4]))).sum().backward()
    assert len(words(model)[0]) == 12


def test_clipping_is_of_the_errors_too() -> None:
    plain, clipped = optimized(layer()), optimized(layer())
    for model in (plain, clipped):
        loss(model, X).backward()
    norm = nn.utils.clip_grad_norm_([clipped.weight], 0.01)
    clipped._settle()
    (x, delta), (other_x, other) = words(plain), words(clipped)
    exponents = [model._core.exponents["delta"] for model in (plain, clipped)]
    ratio = (other * 2.0 ** -exponents[1]).norm() / (delta * 2.0 ** -exponents[0]).norm()
    assert torch.equal(x, other_x)
    assert ratio == pytest.approx(0.01 / float(norm), rel=1e-3)


def errors(model: AnalogLinear) -> Any:
    """Errors that the next step takes, in the units of gradients."""
    return words(model)[1] * 2.0 ** -(model._core.exponents["delta"] or 0)


@pytest.mark.parametrize("factor", [0.01, 3.0, 1.0])
@pytest.mark.parametrize("how", ["another tensor", "in place", "hook", "divided loss", "between passes"])
def test_a_factor_of_the_gradient_is_one_of_the_errors(how: str, factor: float) -> None:
    plain, other = optimized(layer()), optimized(layer())
    hook = other.weight.register_hook(lambda g: factor * g) if how == "hook" else None
    for model, share in ((plain, 1.0), (other, factor if how == "divided loss" else 1.0)):
        (share * model(X).sum()).backward()
    if how == "another tensor":
        other.weight.grad = other.weight.grad * factor
    elif how == "between passes":
        other.weight.grad *= factor
        for model in (plain, other):
            model(X).sum().backward()
    elif how == "in place":
        other.weight.grad.mul_(factor)
    for model in (plain, other):
        model._settle()
    expected = errors(plain)
    expected[:6] *= factor
    assert torch.allclose(errors(other), expected, rtol=1e-3)
    assert len(expected) == (12 if how == "between passes" else 6)
    if hook is not None:
        hook.remove()


@pytest.mark.parametrize("how", ["zeros", "hook", "product"])
def test_a_gradient_of_zeros_is_nothing_to_learn(how: str) -> None:
    model = optimized(layer())
    if how == "hook":
        model.weight.register_hook(lambda g: 0 * g)
    model(X).sum().backward()
    if how == "zeros":
        model.weight.grad = torch.zeros_like(model.weight)
    elif how == "product":
        model.weight.grad = model.weight.grad * 0
    before = model._core.layer.tile.fast.pulse_numbers.sum()
    model.optimizer.step()
    assert model._core.layer.tile.fast.pulse_numbers.sum() == before
    assert not model._core.pairs


def change(model: AnalogLinear, what: str) -> None:
    gradient = model.weight.grad
    if what == "sign":
        gradient.neg_()
    elif what == "row":
        gradient[1] = 0
    elif what == "noise":
        model.weight.grad = gradient + 1e-3 * torch.randn_like(gradient)
    elif what == "value":
        nn.utils.clip_grad_value_([model.weight], float(gradient.abs().mean()))


@pytest.mark.parametrize("what", ["sign", "row", "noise", "value"])
def test_other_changes_of_the_gradient_are_refused(what: str) -> None:
    model = nn.Sequential(layer(), AnalogLinear(4, 2, seed=2, **OFFSET))
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    loss(model, X).backward()
    change(model[1], what)
    before = state_sha256(model)
    with pytest.raises(ValueError, match=r"^weight.grad: must be what backward passes have added since") as caught:
        optimizer.step()
    assert "\n" not in str(caught.value)
    assert state_sha256(model) == before
    with pytest.raises(ValueError, match=r"^weight.grad: "):
        loss(model, X).backward()
    optimizer.zero_grad()
    loss(model, X).backward()
    optimizer.step()
    assert state_sha256(model) != before


@pytest.mark.parametrize("hook", [True, False])
def test_what_products_have_no_part_in_is_refused(hook: bool) -> None:
    model = optimized(layer())
    if hook:
        model.weight.register_hook(lambda g: -g)
    penalty = 0.0 if hook else (model.weight**2).sum()
    with pytest.raises(ValueError, match=r"^weight.grad: must be what products of the layer add, times one number"):
        (loss(model, X) + penalty).backward()
    assert not model._core.pairs


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_factors_are_found_in_other_types(dtype: Any) -> None:
    model = optimized(layer(dtype=dtype))
    for _ in range(3):
        loss(model, X.to(dtype)).backward()
    nn.utils.clip_grad_norm_([model.weight], 0.02)
    before = float(errors(model).norm())
    model._settle()
    assert 0 < float(errors(model).norm()) < 0.5 * before
    assert len(words(model)[0]) == 18


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_usual_loops_are_not_refused(dtype: Any) -> None:
    """Sums over batches, clipping between and after them, a scaled loss, and checkpoints."""
    draws = torch.Generator().manual_seed(3)
    model = nn.Sequential(layer(dtype=dtype), nn.Tanh(), AnalogLinear(4, 4, seed=2, dtype=dtype, **OFFSET))
    optimizer, scaler = AnalogSGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
    for step in range(8):
        optimizer.zero_grad(set_to_none=bool(step % 2))
        for _ in range(3):
            x = torch.randn(4, 5, generator=draws).to(dtype).requires_grad_()
            y = checkpoint(model, x, use_reentrant=bool(step % 2)) if step % 4 else model(x)
            scaler.scale((y**2).mean() / 3).backward()
            if step % 3 == 0:
                nn.utils.clip_grad_norm_(model.parameters(), 20.0)
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        scaler.step(optimizer)
        scaler.update()
        assert len(words(model[0])[0]) == 12
    assert model[0]._core.steps == model[2]._core.steps == 8


@pytest.mark.parametrize("copied", [False, True])
def test_layers_that_no_optimizer_has_keep_nothing(copied: bool) -> None:
    """Their gradients are there, as torch's are, and memory does not grow."""
    model = nn.Sequential(layer(), nn.Tanh(), AnalogLinear(4, 2, seed=2, **OFFSET))
    whole = AnalogSGD(model.parameters(), lr=0.1)
    loss(model, X).backward()
    assert len(words(model[0])[0]) == 6
    if copied:
        model = copy.deepcopy(model)
    del whole
    gc.collect()
    optimizer = AnalogSGD(model[2].parameters(), lr=0.1)
    optimizer.zero_grad()
    for step in range(1, 4):
        for x in X.split(3):
            loss(model, x).backward()
        optimizer.step()
        assert len(words(model[2])[0]) == 6
        optimizer.zero_grad()
        assert not model[0]._core.pairs
        assert not model[0]._core.offered
        assert not model[0]._offered
        assert (model[0]._core.steps, model[2]._core.steps) == (0, step)
    assert model[0].weight.grad.any()
    optimizer.add_param_group({"params": model[0].parameters()})
    with pytest.raises(ValueError, match=r"^weight.grad: must be what backward passes have added since AnalogSGD was"):
        optimizer.step()
    optimizer.zero_grad()
    loss(model, X).backward()
    optimizer.step()
    assert model[0]._core.steps == 1


@pytest.mark.parametrize("of", ["input", "weight", "inputs of backward"])
def test_gradients_that_are_not_accumulated_are_not_learned(of: str) -> None:
    model = layer()
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    x = X[:4].clone().requires_grad_()
    loss(model, X[:2]).backward()
    value = loss(model, x)
    if of == "inputs of backward":
        value.backward(inputs=[x])
    else:
        torch.autograd.grad(value, x if of == "input" else model.weight)
    assert len(words(model)[0]) == 2
    optimizer.zero_grad()
    before = state_sha256(model)
    optimizer.step()
    assert model._core.steps == 0
    assert state_sha256(model) == before
    torch.autograd.grad(loss(model, x), x)
    loss(model, X[:3]).backward()
    assert len(words(model)[0]) == 3
    assert not model._core.offered


def test_digital_parameters_learn_as_with_torch() -> None:
    found = []
    for kind in (AnalogSGD, torch.optim.SGD):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2))
        optimizer = kind(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
        for _ in range(3):

            def closure(model: Any = model, optimizer: Any = optimizer) -> Any:
                optimizer.zero_grad()
                value = loss(model, X)
                value.backward()
                return value

            last = optimizer.step(closure)
        found.append([last, *model.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def scheduled(model: AnalogLinear, optimizer: AnalogSGD, schedule: Any, steps: int) -> list[int]:
    """The gains after so many steps of both."""
    (trained,) = model._core.layer.trained.values()
    gains = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, X).backward()
        optimizer.step()
        schedule.step()
        gains.append(trained.settings().gain)
    return gains


def test_schedulers_set_the_learning_rate() -> None:
    model = layer()
    optimizer = AnalogSGD(model.parameters(), lr=0.2)
    gains = scheduled(model, optimizer, torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2], 0.5), 3)
    assert gains == [gains[0], gains[0] // 2, gains[0] // 4]


def test_a_schedule_may_end_below_every_gain() -> None:
    """W rests and P goes on; what learns from the start must have a gain."""
    model = layer(rates={"reads": 5, "granularity": 10.0}, tiles={"chopper_period": 2})
    optimizer = AnalogSGD(model.parameters(), lr=0.2)
    tile = model._core.layer.tile
    start = tile.slow.pulse_numbers.sum()
    gains = scheduled(model, optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30, 1e-9), 30)
    assert gains == sorted(gains, reverse=True)
    written, pulses = tile.slow.pulse_numbers.sum(), tile.fast.pulse_numbers.sum()
    assert written > start
    rest = torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
    assert scheduled(model, optimizer, rest, 12) == [0] * 12
    assert tile.slow.pulse_numbers.sum() == written
    assert tile.fast.pulse_numbers.sum() > pulses
    with pytest.raises(ValueError, match=r"^gain = 0 from learning_rate"):
        AnalogLinear(4, 2, rates={"learning_rate": 1e-9}, **OFFSET)


def test_warm_up_begins_at_the_rate_of_the_start_and_zero_is_nothing() -> None:
    model = layer()
    optimizer = AnalogSGD(model.parameters(), lr=0.2)
    torch.optim.lr_scheduler.LinearLR(optimizer, 0.25)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    assert optimizer.param_groups[0]["start_lr"] == 0.2
    optimizer.param_groups[0]["lr"] = 0.0
    before = model._core.layer.tile.fast.pulse_numbers.sum()
    loss(model, X).backward()
    optimizer.step()
    assert model._core.layer.tile.fast.pulse_numbers.sum() == before


def test_groups_have_rates_of_their_own() -> None:
    model = nn.Sequential(layer(), AnalogLinear(4, 2, seed=2, **OFFSET))
    groups = [{"params": model[0].parameters()}, {"params": model[1].parameters(), "lr": 0.5}]
    optimizer = AnalogSGD(groups, lr=0.1)
    assert [group["start_lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    with pytest.raises(ValueError, match=r"^lr = 0: must be above 0 with analog layers"):
        AnalogSGD(model.parameters(), lr=0.0)


@pytest.mark.parametrize("name", ["maximize", "differentiable", "fused"])
def test_analog_layers_descend_by_pulses(name: str) -> None:
    model, digital = layer(), nn.Linear(2, 2)
    message = rf"^{name} = True: must be False with analog layers, which descend by pulses$"
    with pytest.raises(ValueError, match=message):
        AnalogSGD(model.parameters(), lr=0.1, **{name: True})
    optimizer = AnalogSGD(digital.parameters(), lr=0.1, **{name: True})
    with pytest.raises(ValueError, match=message):
        optimizer.add_param_group({"params": model.parameters()})
    assert len(optimizer.param_groups) == 1
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    optimizer.param_groups[0][name] = True
    loss(model, X).backward()
    before = state_sha256(model)
    with pytest.raises(ValueError, match=message):
        optimizer.step()
    assert state_sha256(model) == before


def test_fused_is_refused_for_the_whole_optimizer() -> None:
    """Scalers would leave the division of all gradients to it."""
    digital, analog = nn.Linear(2, 2), layer()
    groups = [{"params": digital.parameters()}, {"params": analog.parameters(), "fused": False}]
    with pytest.raises(ValueError, match=r"^fused = True: must be False with analog layers"):
        AnalogSGD(groups, lr=0.1, fused=True)


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ("a", "^lr = 'a': must be a number from 0 on$"),
        (None, "^lr = None: must be a number from 0 on$"),
        (-1.0, "^lr = -1.0: must be a number from 0 on$"),
        (torch.nan, "^lr = nan: must be a number from 0 on$"),
    ],
)
def test_learning_rates_are_numbers(rate: Any, message: str) -> None:
    model = layer()
    with pytest.raises((TypeError, ValueError), match=message):
        AnalogSGD(model.parameters(), lr=rate)
    with pytest.raises((TypeError, ValueError), match=message):
        AnalogSGD([{"params": model.parameters(), "lr": rate}])
    AnalogSGD(model.parameters(), lr=torch.tensor(0.1))
    AnalogSGD(nn.Linear(2, 2).parameters(), 0.0, 0.9)


@pytest.mark.parametrize(("state", "form"), [({}, r"\[\]"), (3, "int"), ({"param_groups": []}, r"\['param_groups'\]")])
def test_a_state_of_no_optimizer_is_refused(state: Any, form: str) -> None:
    model = layer()
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    with pytest.raises(
        ValueError, match=rf"^state = {form}: must be that of an AnalogSGD, with state and param_groups$"
    ):
        optimizer.load_state_dict(state)


def test_the_state_of_another_optimizer_is_refused() -> None:
    model = layer()
    optimizer, other = AnalogSGD(model.parameters(), lr=0.1), torch.optim.SGD(model.parameters(), lr=0.3)
    with pytest.raises(ValueError, match=r"^state: start_lr = absent: must be there, as in states of AnalogSGD$"):
        optimizer.load_state_dict(other.state_dict())
    loss(model, X).backward()
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert model._core.steps == 1


def test_the_rate_of_plain_pulsed_descent_is_that_of_the_gradient() -> None:
    """W - lr * gradient in the mean, whatever the size of inputs and errors, which have exponents of their own."""
    form: dict[str, Any] = {"algorithm": "analog-sgd", "rates": {"learning_rate": 0.05}}
    changes = []
    for scale in (0.01, 1.0, 30.0):
        model = AnalogLinear(8, 6, bias=False, seed=1, scale=1.0, device=ConstantStep(), **form)
        optimizer = AnalogSGD(model.parameters(), lr=1.0)
        before, sums = model.weight.detach().clone(), 0.0
        for step in range(200):
            optimizer.zero_grad()
            x = torch.randn(1, 8, generator=torch.Generator().manual_seed(step)).abs()
            (model(scale * x) * 0.02 / scale).sum().backward()
            sums = sums + model.weight.grad
            optimizer.step()
        changes.append(float((model.weight.detach() - before).mean() / (-0.05 * sums).mean()))
    assert changes == pytest.approx([1.0] * 3, rel=0.15)


def test_a_small_network_learns() -> None:
    model = perceptron(16, algorithm="tt-v2", reference_mean=0.0, reference_std=0.0)
    train(model, AnalogSGD(model.parameters(), lr=0.1, momentum=0.9), DATA, steps=150)
    assert accuracy(model, DATA) > 0.6
    assert state_sha256(model) != state_sha256(perceptron(16, algorithm="tt-v2"))
