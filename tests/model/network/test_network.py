# SPDX-License-Identifier: Apache-2.0
"""Tests of networks: gradients against finite differences of the loss, layers of several tiles, and batches."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Rates
from symtrack.model.network.architecture import Architecture, Convolution, Dense
from symtrack.model.network.layer import SCALE_BITS, Layer, Learning
from symtrack.model.network.learning_tile import LearningTile, Physics
from symtrack.model.network.network import Network
from symtrack.model.tasks.task import Task
from symtrack.model.tile.operations import Periphery
from tests.model.helpers import tiny
from tests.model.references.float_network import FloatNetwork

EXACT = Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0)
CONVOLUTIONS = (
    Convolution(height=6, width=7, channels=1, kernel=2, filters=3, pool=2),
    Convolution(height=2, width=3, channels=3, kernel=2, filters=4),
    Dense(size_in=8, size_out=3),
)
PERCEPTRON = (
    Dense(size_in=42, size_out=5, weight_scaling=0.2),
    Dense(size_in=5, size_out=4),
    Dense(size_in=4, size_out=3),
)


def learning(converters: Converters = EXACT, **rates) -> Learning:
    physics = Physics(fast=SoftBoundsReference(), slow=SoftBoundsReference(), converters=converters)
    return Learning(algorithm=ALGORITHMS["tt-v2"], rates=Rates(**rates), physics=physics, periphery=Periphery, seed=3)


def network(architecture: Architecture, converters: Converters = EXACT, **rates) -> Network:
    shift = 24 - (16 - converters.adc_bits)  # keeps the gain within its word
    form = {"adc_bits": converters.adc_bits, "hidden_bits": 32, "threshold_shift": shift}
    configs = [config.replace(**form) for config in architecture.tiles()]
    return Network(architecture=architecture, configs=configs, learning=learning(converters, **rates))


def samples(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.integers(-VALUE_ONE, VALUE_ONE, (count, 42)), rng.integers(0, 3, count)


def learned(monkeypatch: pytest.MonkeyPatch, net: Network, x: np.ndarray, labels: np.ndarray) -> list[tuple]:
    """Vectors and errors that every layer learns from in one step."""
    result: list[tuple] = []
    original = Layer.learn

    def learn(layer: Layer, x, z, delta, noise) -> None:
        result.append((x, delta))
        original(layer, x, z, delta, noise)

    passed = net.forward(x)
    with monkeypatch.context() as patch:
        patch.setattr(Layer, "learn", learn)
        net.learn(passed, Task.errors(None, passed.outputs, labels))  # type: ignore[arg-type]
    return result


def slope(twin: FloatNetwork, place: np.ndarray | list, index: object, x: np.ndarray, labels: np.ndarray) -> float:
    """Derivative of the loss by one number of the twin."""
    losses, at = [], place[index]
    for step in (-1e-6, 1e-6):
        place[index] = at + step
        losses.append(twin.loss(x, labels))
    place[index] = at
    return (losses[1] - losses[0]) / 2e-6


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("limits", [{}, {"tile_rows": 2, "tile_columns": 5}])
@pytest.mark.parametrize("layers", [PERCEPTRON, CONVOLUTIONS])
def test_gradients_are_slopes_of_the_loss(
    monkeypatch: pytest.MonkeyPatch, layers: tuple, limits: dict, activation: str
) -> None:
    architecture = Architecture(layers=layers, activation=activation, **limits)
    net, (x, labels) = network(architecture, scale_rate=1e-3), samples(3)
    twin = FloatNetwork(architecture, net)
    pairs = learned(monkeypatch, net, x, labels)
    for index, (vectors, delta) in enumerate(pairs):
        gradient = (delta.T @ vectors) / VALUE_ONE**2 * twin.scales[index]
        expected = np.array([slope(twin, twin.weights[index], at, x, labels) for at in np.ndindex(gradient.shape)])
        error = np.abs(gradient.ravel() - expected).max()
        assert error < 2e-3 * np.abs(expected).max(), index  # codes of 16 bits, some layers below
        assert np.abs(expected).max() > 1e-3
        moved = twin.scales[index] - net.layers[index].scale / (1 << SCALE_BITS)
        assert moved == pytest.approx(1e-3 * slope(twin, twin.scales, index, x, labels), abs=3e-6)


def test_a_batch_learns_what_its_samples_would_at_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = Architecture(layers=CONVOLUTIONS, activation="relu")
    x, labels = samples(4)
    together = learned(monkeypatch, network(architecture), x, labels)
    alone = [learned(monkeypatch, network(architecture), x[[k]], labels[[k]]) for k in range(4)]
    for layer, (vectors, delta) in enumerate(together):
        assert np.array_equal(vectors, np.concatenate([one[layer][0] for one in alone]))
        assert np.array_equal(delta, np.concatenate([one[layer][1] for one in alone]))


def test_a_step_updates_with_every_pair_and_makes_one_transfer_event() -> None:
    net, (x, labels) = network(Architecture(layers=CONVOLUTIONS), reads=2), samples(4)
    passed = net.forward(x)
    net.learn(passed, Task.errors(None, passed.outputs, labels))  # type: ignore[arg-type]
    for layer, patches in zip(net.layers, (30, 2, 1), strict=True):
        state = layer.tile.periphery.state_arrays()
        assert len(layer.vectors(np.zeros((4, layer.plan.inputs), np.int64))) == 4 * patches
        assert int(state["reads"]) == 2
        updates = layer.tile.periphery.cycles - int(state["slots"]) - 2 * layer.tile.config.transfer_cycles
        assert updates == 4 * patches * layer.tile.config.update_cycles(0)


COARSE = Converters(dac_bits=5, adc_bits=6, output_bound=2.0, output_noise=0.0)


def naive_product(weights: np.ndarray, x: np.ndarray, converters: Converters) -> list[int]:
    """W x through DAC and ADC in Python integers."""
    one, top = converters.dac_max, max(abs(int(v)) for v in x)
    half, lsb = 1 << (converters.adc_bits - 1), converters.lsb
    codes = [(2 * one * int(v) + top) // (2 * top) for v in x]
    result = []
    for row in weights:
        total = sum(int(w) * code for w, code in zip(row, codes, strict=True))
        code = min(max((2 * total + lsb * one) // (2 * lsb * one), -half), half - 1)
        result.append((code * lsb * top + (1 << 29)) >> 30)
    return result


def test_a_layer_of_several_tiles() -> None:
    architecture = Architecture(layers=(Dense(size_in=9, size_out=5),), tile_rows=3, tile_columns=4)
    layer = network(architecture, COARSE).layers[0]
    rng, noise = np.random.default_rng(1), NoiseStream(1)
    x = layer.vectors(rng.integers(-VALUE_ONE, VALUE_ONE, (2, 9)))
    delta = rng.integers(-VALUE_ONE, VALUE_ONE, (2, 5))
    rows, columns = [(0, 2), (2, 5)], [(0, 3), (3, 6), (6, 10)]  # the last has the bias
    assert x[:, -1].tolist() == [VALUE_ONE, VALUE_ONE]
    weights = layer.weights()
    for k in range(2):
        z, g = np.zeros(5, np.int64), np.zeros(10, np.int64)
        for top, bottom in rows:
            for left, right in columns:
                block = weights[top:bottom, left:right]
                z[top:bottom] += naive_product(block, x[k, left:right], COARSE)
                g[left:right] += naive_product(block.T, delta[k, top:bottom], COARSE)
        for values, expected in (
            (layer.scaled(layer.forward(x, noise))[k], z),
            (layer.backward(delta, noise)[k], g[:9]),
        ):
            assert values.tolist() == [(int(v) * layer.scale + (1 << 29)) >> 30 for v in expected]
    twins = {name: twin(name, tile) for name, tile in layer.trained.items()}
    for _ in range(3):
        layer.learn(x, layer.forward(x, noise), delta, noise)
    places = [(top, bottom, left, right) for top, bottom in rows for left, right in columns]
    assert list(twins) == [f"layer0.{row}.{column}" for row in range(2) for column in range(3)]
    for (name, single), (top, bottom, left, right) in zip(twins.items(), places, strict=True):
        for _ in range(3):
            single.learn(x[:, left:right], delta[:, top:bottom], NoiseStream(1))
        states = single.state_arrays(), layer.trained[name].state_arrays()
        assert all(np.array_equal(states[0][key], states[1][key]) for key in states[0] | states[1])


def twin(name: str, tile: LearningTile) -> LearningTile:
    """The same tile without a layer around it."""
    return LearningTile(name=name, config=tile.config, start=0.3, learning=learning(COARSE))


def test_scale_is_given_or_follows_from_the_weight_scaling() -> None:
    def layer(**options) -> Layer:
        return network(Architecture(layers=(Dense(size_in=24, size_out=2, **options),))).layers[0]

    assert layer().scale / 2**SCALE_BITS == pytest.approx(1 / (0.3 * 5))
    wide = layer(weight_scaling=0.5)
    assert wide.scale / 2**SCALE_BITS == pytest.approx(1 / (0.5 * 5))
    assert 0.45 < np.abs(wide.weights()).max() / 2**30 <= 0.5
    fixed = layer(weight_scaling=0.0, scale=1.5, bias=False)
    assert (fixed.scale, fixed.weights().any(), fixed.weights().shape) == (3 << (SCALE_BITS - 1), False, (2, 24))


def test_fixed_scales_stay() -> None:
    for options, rate, moves in (({}, 0.1, True), ({}, 0.0, False), ({"scale": 1.0}, 0.1, False)):
        net = network(Architecture(layers=(Dense(size_in=42, size_out=3, **options),)), scale_rate=rate)
        x, labels = samples(1)
        before, passed = net.layers[0].scale, net.forward(x)
        net.learn(passed, Task.errors(None, passed.outputs, labels))  # type: ignore[arg-type]
        assert (net.layers[0].scale != before) == moves


def test_the_smallest_scale_grows_again() -> None:
    """As it would in floating point: the gradient is that of the sums before the scale."""
    net = network(Architecture(layers=(Dense(size_in=42, size_out=3),)), scale_rate=0.1)
    layer, (x, _) = net.layers[0], samples(1)
    layer.scale = 1
    passed = net.forward(x)
    assert not passed.outputs.any()
    net.learn(passed, -passed.sums[0])
    assert layer.scale == 1 - (round(0.1 * 2**SCALE_BITS) * -int((passed.sums[0] ** 2).sum()) >> 40)
    net.learn(passed, passed.sums[0] * 8)
    assert layer.scale == 1


def test_sums_and_errors_saturate() -> None:
    layer = network(Architecture(layers=(Dense(size_in=3, size_out=2, scale=64.0),))).layers[0]
    layer.tile.slow.program(np.full((2, 4), 1 << 30))
    top = 4096 * VALUE_ONE
    x = np.array([[100 * VALUE_ONE] * 4, [-100 * VALUE_ONE] * 4])
    assert layer.scaled(layer.forward(x, NoiseStream(1))).tolist() == [[top, top], [-top, -top]]


def test_names_of_states_are_those_of_the_tiles() -> None:
    task = tiny.task()
    split = replace(task.architecture, tile_columns=3)
    net = Network(architecture=split, configs=split.tiles(), learning=learning(Converters()))
    parts = {name.rsplit("_", 1)[0].split("_")[0] for name in net.state_arrays() if name != "noise_position"}
    assert parts == {"layer0", "layer1", "layer0.0.0", "layer0.0.1", "layer1.0.0", "layer1.0.1"}
    assert len(net.tiles) == 4
