# SPDX-License-Identifier: Apache-2.0
"""Products and gradients of analog layers beside those of torch's layers, and what evaluation leaves alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.utils.prune
import torch.utils.checkpoint
from torch import nn

from symtrack.torch import AnalogConv2d, AnalogLinear, AnalogSGD, state_sha256
from tests.torch.helpers import FINE, OFFSET, optimized


def both(analog: Any, digital: Any, x: Any) -> list[tuple[Any, Any]]:
    """Outputs and gradients of both layers, the digital one with the weights that the analog one has."""
    digital.load_state_dict({"weight": analog.weight.detach(), "bias": analog.bias.detach()})
    x = x.clone().requires_grad_()
    found = []
    for layer in (analog, digital):
        y = layer(x)
        (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum().backward()
        found.append((y.detach(), x.grad, layer.weight.grad, layer.bias.grad))
        x.grad = None
    return list(zip(*found, strict=True))


def close(one: Any, other: Any, tolerance: float) -> bool:
    assert one.shape == other.shape
    return bool((one - other).abs().max() <= tolerance * other.abs().max())


@pytest.mark.parametrize("size", [(3, 1, 5), (7, 17, 3), (2, 33, 12)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_without_noise_a_fine_layer_is_that_of_torch(size: tuple[int, int, int], scale: float) -> None:
    count, columns, rows = size
    x = scale * torch.randn(count, columns, generator=torch.Generator().manual_seed(3))
    found = both(AnalogLinear(columns, rows, seed=5, **FINE), nn.Linear(columns, rows), x)
    for analog, digital in found:
        assert close(analog, digital, 2e-3)
    assert not close(2 * found[0][0], found[0][1], 2e-3)  # it can fail


@pytest.mark.parametrize(
    "form", [{}, {"stride": 2}, {"padding": 1}, {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2)}]
)
def test_without_noise_a_fine_convolution_is_that_of_torch(form: dict[str, Any]) -> None:
    x = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(3))
    for analog, digital in both(AnalogConv2d(3, 5, (3, 2), seed=5, **form, **FINE), nn.Conv2d(3, 5, (3, 2), **form), x):
        assert close(analog, digital, 2e-3)


def test_a_grid_of_tiles_and_leading_dimensions_are_as_one_tile() -> None:
    x = torch.randn(2, 3, 33, generator=torch.Generator().manual_seed(3))
    layer = AnalogLinear(33, 12, seed=5, tile_rows=8, tile_columns=16, **FINE)
    assert len(layer.tile_configs) == 6
    for analog, digital in both(layer, nn.Linear(33, 12), x):
        assert close(analog, digital, 4e-3)
    assert layer(x[0, 0]).shape == (12,)
    assert layer(x.double()).dtype == torch.float64
    image = AnalogConv2d(1, 2, 3, seed=1, **FINE)
    assert image(torch.ones(1, 5, 5)).shape == (2, 3, 3)


def test_what_is_large_or_small_does_not_saturate() -> None:
    layer = AnalogLinear(4, 3, bias=False, seed=2, **FINE)
    x = torch.tensor([[1.0, -0.5, 0.25, 0.125]])
    expected = x @ layer.weight.t()
    for scale in (1e-4, 1.0, 3e4, 1e-4):
        assert close(layer(scale * x), scale * expected, 1e-3)
        layer.eval()
        assert close(layer(1e5 * x), 1e5 * expected, 1e-3)
        layer.train()


def test_evaluation_keeps_nothing_and_disturbs_nothing() -> None:
    layer = optimized(AnalogLinear(6, 4, seed=3, **OFFSET))
    x = torch.randn(5, 6, requires_grad=True)
    layer(x).sum().backward()
    before = state_sha256(layer)
    pairs = len(layer._core.pairs)
    with torch.no_grad():
        layer(100 * x)
    layer.eval()
    layer(x).sum().backward()  # a gradient of the input, as for saliency maps
    assert x.grad is not None
    assert state_sha256(layer) == before
    assert len(layer._core.pairs) == pairs == 1
    layer.train()
    layer(x)
    assert state_sha256(layer) != before  # noise was drawn


@pytest.mark.parametrize("before", [0, 1])
def test_gradients_of_inputs_in_evaluation(before: int) -> None:
    """Alone and behind a trainable layer, with and without a gradient of the weight from before."""
    layer = optimized(AnalogLinear(6, 4, seed=3, **OFFSET))
    model = nn.Sequential(nn.Linear(6, 6), layer)
    for _ in range(before):
        model(torch.ones(2, 6)).sum().backward()
    layer.eval()
    x = torch.ones(2, 6, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    model(torch.ones(2, 6)).sum().backward()
    assert model[0].weight.grad is not None
    assert (layer.weight.grad is not None) == bool(before)
    assert len(layer._core.pairs) == before


def test_noise_is_new_in_every_product_and_the_same_in_every_run() -> None:
    x = torch.ones(1, 6)
    layers = [AnalogLinear(6, 4, bias=False, seed=3) for _ in range(2)]
    first, second = ([layer(x) for _ in range(2)] for layer in layers)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], first[1])


def test_seeds_come_from_torch_unless_they_are_given() -> None:
    torch.manual_seed(4)
    one, other = AnalogLinear(5, 5), AnalogLinear(5, 5)
    torch.manual_seed(4)
    again = AnalogLinear(5, 5)
    assert state_sha256(one) == state_sha256(again) != state_sha256(other)


def test_a_frozen_layer_hands_gradients_on_and_keeps_nothing() -> None:
    layer = AnalogLinear(6, 4, seed=3)
    layer.weight.requires_grad_(False)
    x = torch.randn(5, 6, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None
    assert not layer._core.pairs


def test_nobody_else_changes_the_weight() -> None:
    layer = AnalogLinear(6, 4, seed=3)
    layer(torch.ones(1, 6)).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    with pytest.raises(RuntimeError, match=r"^weight: must be changed by symtrack.torch.AnalogSGD or write_weights"):
        layer(torch.ones(1, 6))
    layer.write_weights(layer.weight)
    layer(torch.ones(1, 6))


CHANGES = {
    "another parameter": lambda one: setattr(one, "weight", nn.Parameter(one.weight.detach().clone())),
    "none": lambda one: setattr(one, "weight", None),
    "data": lambda one: one.weight.data.mul_(1.01),
    "initialiser": lambda one: nn.init.zeros_(one.weight),
    "one element": lambda one: one.weight.detach()[1, 2].add_(1e-3),
    "weight of another layer": lambda one: setattr(one, "weight", AnalogLinear(6, 4, seed=3).weight),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_the_weight_are_found(change: str) -> None:
    layer = AnalogLinear(6, 4, bias=False, seed=3)
    weight = layer.weight
    optimizer = AnalogSGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 6)).sum().backward()
    CHANGES[change](layer)
    with pytest.raises(RuntimeError, match=r"^weight: must be changed by symtrack.torch.AnalogSGD or write_weights"):
        layer(torch.ones(1, 6))
    if layer.weight is weight:
        with pytest.raises(RuntimeError, match=r"^weight: must be changed by"):
            optimizer.step()
    layer.write_weights(weight if layer.weight is None else layer.weight)
    assert layer.weight is weight
    layer(torch.ones(1, 6)).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_outputs_have_the_type_of_inputs(dtype: Any) -> None:
    for layer, shape in ((AnalogLinear(6, 4, seed=3), (2, 6)), (AnalogConv2d(1, 2, 2, seed=3), (1, 1, 3, 3))):
        x = torch.ones(*shape, dtype=dtype, requires_grad=True)
        y = layer(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == dtype
        assert layer.bias.grad.dtype == layer.weight.grad.dtype == torch.float32


def test_a_conversion_shows_the_weight_in_another_type() -> None:
    layer = optimized(AnalogLinear(6, 4, seed=3))
    before = layer.weight.detach().clone()
    layer.to(torch.bfloat16)(torch.ones(1, 6))
    assert not torch.equal(layer.weight, before)
    layer.float()(torch.ones(1, 6))
    assert torch.equal(layer.weight, before)
    layer.double()(torch.ones(1, 6)).sum().backward()
    assert len(layer._core.pairs) == 1


def test_fused_kernels_do_not_pass_by_the_layer() -> None:
    """Torch's encoder layer computes with the weights of its linear layers itself, where it is allowed to."""
    torch.manual_seed(1)
    encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True).eval()
    analog = copy.deepcopy(encoder)
    analog.linear1 = AnalogLinear(8, 16, seed=1)
    x = torch.randn(2, 3, 8)
    with torch.no_grad():
        assert not torch.equal(analog(x), analog(x))  # its noise
        assert torch.equal(encoder(x), encoder(x))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_model_is_the_model(backend: str) -> None:
    """The compiler leaves products alone and compiles what is between them."""
    found = []
    for compiled in (False, True):
        torch.manual_seed(1)
        torch._dynamo.reset()
        model = nn.Sequential(
            AnalogConv2d(1, 2, 2, seed=1, **OFFSET), nn.Tanh(), nn.Flatten(), AnalogLinear(8, 3, seed=2, **OFFSET)
        )
        optimizer = AnalogSGD(model.parameters(), lr=0.1)
        used = torch.compile(model, backend=backend) if compiled else model
        for step in range(3):
            optimizer.zero_grad()
            x = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(step))
            (used(x) ** 2).sum().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            found.append((used(x), state_sha256(model)))
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_reset_parameters_is_a_start_anew() -> None:
    form: dict[str, Any] = {"algorithm": "e-rider", "rates": {"reads": 5}, **OFFSET}
    torch.manual_seed(4)
    new = AnalogLinear(6, 4, **form)
    model = nn.Sequential(AnalogLinear(6, 4, seed=3, **form), nn.Tanh())
    layer, weight = model[0], model[0].weight
    optimizer = AnalogSGD(model.parameters(), lr=0.1)
    for _ in range(2):
        layer(torch.ones(2, 6)).sum().backward()
        optimizer.step()
    torch.manual_seed(4)
    model.apply(lambda one: one.reset_parameters() if hasattr(one, "reset_parameters") else None)
    assert state_sha256(layer) == state_sha256(new)
    assert layer.weight is weight
    assert layer.weight.grad is None
    assert not layer._core.pairs
    assert torch.equal(layer.weight, new.weight)
    assert torch.equal(layer(torch.ones(1, 6)), new(torch.ones(1, 6)))
    layer(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    assert layer._core.steps == 1


def averaged(layer: nn.Module) -> nn.Module:
    average = torch.optim.swa_utils.AveragedModel(layer)
    for _ in range(2):
        layer.write_weights(0.5 * layer.weight.detach())
        average.update_parameters(layer)
    return average


OTHERS = {
    "SWA": averaged,
    "prune": lambda one: nn.utils.prune.l1_unstructured(one, "weight", 0.5),
    "spectral_norm": nn.utils.parametrizations.spectral_norm,
    "old spectral_norm": nn.utils.spectral_norm,
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_changes_weights_in_its_own_way_is_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"^weight: must be changed by symtrack.torch.AnalogSGD or write_weights"):
        OTHERS[name](AnalogLinear(6, 4, seed=3))(torch.ones(1, 6))


def test_checkpoints_draw_noise_of_their_own() -> None:
    digests = []
    for used in (False, True, True):
        layer = AnalogLinear(6, 4, bias=False, seed=3, **OFFSET)
        optimizer = AnalogSGD(layer.parameters(), lr=0.1)
        x = torch.ones(2, 6, requires_grad=True)
        y = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False) if used else layer(x)
        y.sum().backward()
        optimizer.step()
        assert layer._core.steps == 1
        digests.append(state_sha256(layer))
    assert digests[0] != digests[1] == digests[2]
