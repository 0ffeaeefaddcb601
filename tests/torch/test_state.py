# SPDX-License-Identifier: Apache-2.0
"""Saved, loaded and copied models go on to the same end, with golden and RTL peripheries."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import nn

from symtrack.torch import AnalogLinear, AnalogSGD, convert_to_analog, state_sha256
from tests.torch.helpers import OFFSET, perceptron, some_digits, train

DATA = some_digits()


def optimizer(model: nn.Module, **options: Any) -> AnalogSGD:
    return AnalogSGD(model.parameters(), lr=0.1, momentum=0.9, **options)


def through_a_file(saved: Any) -> Any:
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    return torch.load(file)  # without pickle, as is its default


def trained(steps: int, **options: Any) -> tuple[nn.Module, AnalogSGD]:
    model = perceptron(**options)
    chosen = optimizer(model)
    train(model, chosen, DATA, steps=steps)
    return model, chosen


def test_a_saved_model_goes_on_to_the_same_end() -> None:
    whole, _ = trained(12)
    model, chosen = trained(7)
    saved = through_a_file({"model": model.state_dict(), "optimizer": chosen.state_dict()})
    other = perceptron(seed=9)  # random weights, devices and noise of its own, which all give way
    other_chosen = optimizer(other)
    train(other, other_chosen, DATA, steps=3)
    other.load_state_dict(saved["model"])
    other_chosen.load_state_dict(saved["optimizer"])
    assert state_sha256(other) == state_sha256(model) != state_sha256(whole)
    assert torch.equal(other[0].weight, model[0].weight)
    train(other, other_chosen, DATA, steps=5, first=7)
    assert state_sha256(other) == state_sha256(whole)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_to_the_same_end_and_leaves_the_model_alone(copied: Any) -> None:
    model, _ = trained(6)
    other = copied(model)
    assert state_sha256(other) == state_sha256(model)
    for one in (other, model):  # each with a new optimiser
        train(one, optimizer(one), DATA, steps=6, first=6)
    assert state_sha256(other) == state_sha256(model)
    before = state_sha256(model)
    train(other, optimizer(other), DATA, steps=1)
    assert state_sha256(model) == before != state_sha256(other)


def through_a_whole_file(saved: Any) -> Any:
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair)), through_a_whole_file])
@pytest.mark.parametrize("first", ["model", "optimizer"])
def test_a_model_copied_with_its_optimizer_goes_on_to_the_same_end(copied: Any, first: str) -> None:
    pair = trained(4)
    model, chosen = copied(pair) if first == "model" else reversed(copied(pair[::-1]))
    assert model[0].weight is chosen.param_groups[0]["params"][0]
    before = model[0].counts()["update_slots"]
    for one, other in (pair, (model, chosen)):
        train(one, other, DATA, steps=4, first=4)
    assert model[0].counts()["update_slots"] > before
    assert state_sha256(model) == state_sha256(pair[0])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_an_optimizer_without_its_layers_is_refused(copied: Any) -> None:
    model, chosen = trained(1)
    other = copied(chosen)
    message = (
        r"^params: weight of \[8, 64\]: must be that of an analog layer that is in use, copied or pickled together"
    )
    with pytest.raises(ValueError, match=message):
        other.step()
    model[0] = AnalogLinear(64, 8, seed=1)
    with pytest.raises(ValueError, match=message):
        chosen.step()


def test_a_copy_has_its_own_weight_and_says_what_it_took_to_write() -> None:
    layer = convert_to_analog(nn.Linear(5, 3), seed=1)
    other = copy.deepcopy(layer)
    assert other.written == layer.written
    assert other.weight is not layer.weight
    assert type(other.weight) is type(layer.weight) is type(pickle.loads(pickle.dumps(layer)).weight)


def test_the_digest_is_of_everything() -> None:
    model = perceptron()
    before = state_sha256(model)
    assert state_sha256(perceptron()) == before
    with torch.no_grad():
        model[1].bias[3] += 1e-7
    assert state_sha256(model) != before
    model = perceptron()
    model[3]._core.layer.trained["layer0"].manager.x_mean += 1
    assert state_sha256(model) != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "agad"}, "state: algorithm = 'e-rider': must be 'agad', as in this layer"),
        ({"reference_mean": 0.2}, r"state: physics.fast.reference_mean = 0.3: must be 0.2, as in this layer"),
        ({"rates": {"reads": 3}}, "state: rates.reads = 1: must be 3, as in this layer"),
        ({"tiles": {"lanes": 1}}, r"state: task.layers\[0\].lanes = 4: must be 1, as in this layer"),
    ],
)
def test_a_state_of_another_layer_is_refused(options: dict[str, Any], message: str) -> None:
    state = AnalogLinear(6, 4, seed=1, **OFFSET).state_dict()
    other = AnalogLinear(6, 4, seed=2, **(OFFSET | options))
    before = other._core.state_arrays()["layer0_scale"]
    with pytest.raises(ValueError, match=f"^{message}$"):
        other.load_state_dict(state)
    assert other._core.state_arrays()["layer0_scale"] == before


def test_a_state_of_another_size_or_kind_is_refused() -> None:
    layer = AnalogLinear(6, 4, seed=1)
    state = layer.get_extra_state()
    with pytest.raises(ValueError, match=r"^state: task.* = .*: must be .*, as in this layer$"):
        layer.set_extra_state(AnalogLinear(4, 6, seed=1).get_extra_state())
    with pytest.raises(ValueError, match=r"^state = int: must be that of an analog layer$"):
        layer.set_extra_state(3)
    state["arrays"]["layer0_fast_state"] = state["arrays"]["layer0_fast_state"][:2]
    with pytest.raises(ValueError, match=r"^state: array layer0_fast_state = int32\[2, 6\]: must be int32\[4, 6\]"):
        layer.set_extra_state(state)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("settings", "{", r"state: settings = '\{': must be a JSON object of texts by name"),
        ("settings", "[]", r"state: settings = '\[\]': must be a JSON object of texts by name"),
        ("settings", 3, "state: settings = 3: must be a JSON object of texts by name"),
        ("settings", '{"algorithm": 3}', "state: settings = .*: must be a JSON object of texts by name"),
        ("arrays", 7, "state: arrays = 7: must be arrays by name"),
        ("arrays", {"layer0_scale": 3}, "state: array layer0_scale = int: must be a tensor"),
        ("seed", "x", "state: seed = 'x': must be an integer from 0 to .*"),
        ("seed", -1, "state: seed = -1: must be an integer from 0 to .*"),
        ("x_exponent", 99, "state: array x_exponent = 99: must be from -20 to 21"),
        ("updates", -1, "state: array updates = -1: must be from 0 to .*"),
        ("layer0_scale", 0, "state: array layer0_scale = 0: must be from 1 to .*"),
        (
            "layer0_scale",
            torch.tensor(1.0, dtype=torch.bfloat16),
            "state: array layer0_scale = torch.bfloat16: must be .*",
        ),
    ],
)
def test_a_damaged_state_is_refused(field: str, value: Any, message: str) -> None:
    layer = AnalogLinear(6, 4, seed=1)
    before, state = state_sha256(layer), AnalogLinear(6, 4, seed=2).get_extra_state()
    if field in state:
        state[field] = value
    else:
        state["arrays"][field] = torch.as_tensor(value)
    with pytest.raises(ValueError, match=f"^{message}$") as caught:
        layer.load_state_dict(layer.state_dict() | {"_extra_state": state})
    assert "\n" not in str(caught.value)
    assert state_sha256(layer) == before
    layer(torch.ones(1, 6))


def altered(state: dict[str, Any], how: str) -> dict[str, Any]:
    if how == "another algorithm":
        return AnalogLinear(6, 4, seed=2, algorithm="agad").state_dict()
    if how == "weights alone":
        return {name: value for name, value in state.items() if name != "_extra_state"}
    if how == "no extra state":
        return state | {"_extra_state": 3}
    return {name: value for name, value in state.items() if name == "bias"}


@pytest.mark.parametrize("how", ["another algorithm", "weights alone", "no extra state", "bias alone"])
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("assign", [True, False])
def test_a_layer_stays_usable_after_a_state_that_does_not_fit(how: str, strict: bool, assign: bool) -> None:
    layer = AnalogLinear(6, 4, seed=1)
    before, weight = state_sha256(layer), layer.weight
    state = altered(AnalogLinear(6, 4, seed=2).state_dict(), how)
    if how == "bias alone" and not strict:
        layer.load_state_dict(state, strict=strict, assign=assign)
        assert torch.equal(layer.bias, state["bias"])
    else:
        with pytest.raises((ValueError, RuntimeError), match="state"):
            layer.load_state_dict(state, strict=strict, assign=assign)
        assert how == "bias alone" or state_sha256(layer) == before
    assert layer.weight is weight
    chosen = AnalogSGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 6)).sum().backward()
    chosen.step()


def test_loading_by_assignment_keeps_the_parameter_of_the_layer() -> None:
    layer, other = AnalogLinear(6, 4, seed=1), AnalogLinear(6, 4, seed=2)
    weight = layer.weight
    layer(torch.ones(1, 6)).sum().backward()
    layer.load_state_dict(other.state_dict(), assign=True)
    assert layer.weight is weight
    assert layer.weight.grad is None
    assert not layer._core.pairs
    assert state_sha256(layer) == state_sha256(other)
    assert torch.equal(layer(torch.ones(1, 6)), other(torch.ones(1, 6)))


@pytest.mark.slow
def test_native_rtl_ends_in_the_same_state_after_60_steps() -> None:
    golden, _ = trained(60)
    rtl, chosen = trained(30, periphery="native")
    other = perceptron(periphery="native")
    other_chosen = optimizer(other)
    other.load_state_dict(through_a_file(rtl.state_dict()))
    other_chosen.load_state_dict(copy.deepcopy(chosen.state_dict()))  # torch would share the momentum
    for model, one in ((rtl, chosen), (other, other_chosen)):
        train(model, one, DATA, steps=30, first=30)
        assert state_sha256(model) == state_sha256(golden)
        assert model[0].counts() == golden[0].counts()


@pytest.mark.slow
def test_native_rtl_of_64_hidden_units_ends_in_the_same_state() -> None:
    """The network of `test_training.test_digits_under_an_offset`, its first 60 steps."""
    golden, rtl = (perceptron(64, periphery=periphery) for periphery in ("golden", "native"))
    for model in (golden, rtl):
        train(model, optimizer(model), DATA, steps=60)
    assert state_sha256(rtl) == state_sha256(golden) != state_sha256(perceptron(64))
    assert [rtl[place].counts() for place in (0, 3)] == [golden[place].counts() for place in (0, 3)]


def test_native_rtl_is_that_of_the_golden_model() -> None:
    states = []
    for periphery in ("golden", "native"):
        layer = AnalogLinear(5, 4, bias=False, seed=1, periphery=periphery, rates={"reads": 5}, **OFFSET)
        chosen = AnalogSGD(layer.parameters(), lr=1)
        for step in range(4):
            chosen.zero_grad()
            torch.manual_seed(step)
            (layer(torch.randn(2, 5)) ** 2).sum().backward()
            chosen.step()
        states.append(state_sha256(copy.deepcopy(layer)))
    assert states[0] == states[1]
