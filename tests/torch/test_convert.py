# SPDX-License-Identifier: Apache-2.0
"""Conversion of models: what becomes analog, what it computes then, and its Verilog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.network.writing import Writing
from symtrack.torch import AnalogConv2d, AnalogLinear, analog_layers, convert_to_analog, state_sha256, verilog
from tests.torch.helpers import FINE, OFFSET, optimized


class Net(nn.Module):
    """Layers of all kinds, one of them under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3, padding="same"), nn.ReLU(), nn.Flatten(), nn.Linear(48, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.first = self.second = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2, bias=False)

    def forward(self, x: Any) -> Any:
        y = self.body(x)[:, None]
        y = self.attention(y, y, y)[0]
        return self.head(self.second(torch.tanh(self.first(y))))


def test_linear_layers_and_convolutions_become_analog() -> None:
    torch.manual_seed(2)
    model, x = Net(), torch.randn(2, 1, 4, 4)
    options = FINE | {"device": ConstantStep(w_max_dtod=0.0, w_min_dtod=0.0), "writing": Writing(ideal=True, fill=0.3)}
    analog = convert_to_analog(model, seed=3, exclude=["head"], **options)
    kinds = {name: type(layer) for name, layer in analog_layers(analog)}
    assert kinds == {"body.0": AnalogConv2d, "body.3": AnalogLinear, "first": AnalogLinear}
    assert analog.first is analog.second
    assert type(analog.head) is nn.Linear
    assert type(model.first) is nn.Linear
    assert torch.equal(analog.first.bias, model.first.bias)
    assert len({layer._core.spec.seed for _, layer in analog_layers(analog)}) == 3
    again = convert_to_analog(model, seed=3, exclude=["head"], **options)
    assert state_sha256(again) == state_sha256(analog)
    assert (analog(x) - model(x)).abs().max() < 0.02


def test_weights_are_written_by_pulses() -> None:
    torch.manual_seed(2)
    digital = nn.Linear(12, 6)
    layer = convert_to_analog(digital, seed=3)
    assert isinstance(layer, AnalogLinear)
    assert layer.written.pulses > 0
    assert layer.written.error < 0.03
    assert (layer.weight - digital.weight).abs().max() < 0.5 * digital.weight.abs().max()
    assert not torch.equal(layer.weight, digital.weight)


def test_inplace_and_patterns() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3))).eval()
    assert convert_to_analog(model, exclude=["2.*"], inplace=True, seed=1) is model
    assert [name for name, _ in analog_layers(model)] == ["0", "1"]
    assert not model[0].training
    model.double()
    assert model(torch.ones(2, 3, dtype=torch.float64)).dtype == torch.float64


def test_what_is_frozen_stays_frozen() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[0].weight.requires_grad_(False)
    model[1].bias.requires_grad_(False)
    analog = optimized(convert_to_analog(model, seed=1))
    assert [one.requires_grad for one in analog.parameters()] == [one.requires_grad for one in model.parameters()]
    analog(torch.ones(2, 3)).sum().backward()
    assert not analog[0]._core.pairs
    assert analog[1]._core.pairs


@pytest.mark.parametrize(("rows", "columns"), [(10, 64), (3, 1), (64, 7)])
@pytest.mark.parametrize("tile_columns", [256, 24])
def test_weights_are_written_as_far_as_outputs_hold(rows: int, columns: int, tile_columns: int) -> None:
    """At the ends of the range outputs of the largest and of the smallest inputs are still there; beyond is refused."""
    digital = nn.Linear(columns, rows, bias=False)
    converters = Converters(dac_bits=16, adc_bits=16, output_noise=0.0)
    form: dict[str, Any] = FINE | {"converters": converters, "seed": 1, "tile_columns": tile_columns}

    def converted(largest: float) -> Any:
        with torch.no_grad():
            digital.weight *= largest / digital.weight.abs().max()
        return convert_to_analog(nn.Sequential(digital), writing=Writing(ideal=True), **form).eval()

    with pytest.raises(
        ValueError, match=r"^0: weight: largest = 1e\+06: must be from 1.53e-05 to .*saturate$"
    ) as caught:
        converted(1e6)
    high = float(str(caught.value).split(" to ")[1].split(",")[0])
    with pytest.raises(ValueError, match=r"^0: weight: largest = 1e-07: must be from 1.53e-05 to "):
        converted(1e-7)
    with pytest.raises(ValueError, match=r"^0: weight: largest = "):
        converted(1.01 * high)
    x = torch.randn(5, columns, generator=torch.Generator().manual_seed(3))
    x /= x.abs().max()
    for largest, sizes in ((0.99 * high, (1.0, 3.9, 0.07)), (0.1, (1.0, 3.9, 0.07)), (2e-5, (1.0,))):
        analog = converted(largest)
        for size in sizes:
            expected = size * x @ analog[0].weight.t()
            assert (analog(size * x) - expected).norm() < 0.05 * expected.norm()
    with torch.no_grad():
        digital.weight.zero_()
    convert_to_analog(digital, **form)


HOOKS = [
    ("_forward_hooks", lambda one: one.register_forward_hook(print)),
    ("_forward_pre_hooks", lambda one: one.register_forward_pre_hook(print)),
    ("_backward_hooks", lambda one: one.register_full_backward_hook(print)),
    ("_backward_pre_hooks", lambda one: one.register_full_backward_pre_hook(print)),
    ("_state_dict_hooks", lambda one: one._register_state_dict_hook(print)),
    ("_load_state_dict_post_hooks", lambda one: one.register_load_state_dict_post_hook(print)),
    ("weight._backward_hooks", lambda one: one.weight.register_hook(print)),
    ("weight._post_accumulate_grad_hooks", lambda one: one.weight.register_post_accumulate_grad_hook(print)),
]


@pytest.mark.parametrize(("name", "register"), HOOKS)
def test_layers_with_hooks_are_refused(name: str, register: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    handle = register(model[1])
    with pytest.raises(ValueError, match=f"^1: {name} = there are some: must be none, or the layer in exclude$"):
        convert_to_analog(model, inplace=True)
    assert not list(analog_layers(model))
    assert len(list(analog_layers(convert_to_analog(model, exclude=["1"], seed=1)))) == 1
    handle.remove()
    assert len(list(analog_layers(convert_to_analog(model, seed=1)))) == 2


@pytest.mark.parametrize(
    ("last", "options", "message"),
    [
        (nn.Conv2d(3, 3, 2, padding="same"), {}, "^2.0: padding = 'same': must be equal on both sides"),
        (nn.Linear(9, 3), {"macro": (4, 4)}, "^macro = 4x4: must be at least 3x9"),
    ],
)
def test_an_error_leaves_a_model_as_it_was(last: nn.Module, options: dict[str, Any], message: str) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Sequential(last))
    before = list(model.modules())
    with pytest.raises(ValueError, match=message):
        convert_to_analog(model, inplace=True, seed=1, **options)
    assert all(one is other for one, other in zip(model.modules(), before, strict=True))


def test_the_verilog_is_that_of_the_tiles(tmp_path: Path) -> None:
    model = nn.Sequential(
        AnalogLinear(6, 4, seed=1, tile_columns=3, **OFFSET), nn.Tanh(), AnalogLinear(4, 4, seed=2, macro=(4, 4))
    )
    files = verilog(model, tmp_path)
    listing = json.loads((tmp_path / "tiles.json").read_text())
    assert [(name, one["layer"], one["columns"]) for name, one in listing.items()] == [
        ("0.0.0", "0", 3),
        ("0.0.1", "0", 3),
        ("2", "2", 4),
    ]
    assert listing["0.0.0"]["module"] == listing["0.0.1"]["module"] != listing["2"]["module"]
    assert listing["0.0.0"]["seeds"] != listing["0.0.1"]["seeds"]
    for one in listing.values():
        assert f"module {one['module']}(" in (tmp_path / one["module"] / f"{one['module']}.v").read_text()
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("calibration", [0, 40])
def test_other_options_reach_the_tiles(calibration: int) -> None:
    layer = AnalogLinear(
        6,
        4,
        seed=1,
        algorithm="agad",
        device="capacitor",
        slow_device="reram-array-om",
        calibration=calibration,
        scale=0.5,
        tiles={"chopper_period": 5},
    )
    (trained,) = layer._core.layer.trained.values()
    assert trained.config.chopper_period == 5
    assert trained.calibration_pulses == calibration
    assert layer._core.layer.scale == 1 << 29
    assert "algorithm=agad, tiles=1, golden" in repr(layer)
