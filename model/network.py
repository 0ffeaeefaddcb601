"""Fully connected network on analog tiles: tanh between layers, soft-max at the end, batch size one.

    z_l = scale_l * (tile_l forward of (y_{l-1}, 1)),   y_l = tanh(z_l),   delta_L = softmax(z_L) - onehot(label)
    delta_{l-1} = (1 - y_{l-1}**2) * scale_l * (tile_l backward of delta_l)
    scale_l <- scale_l - scale_rate * sum(delta_l * z_l / scale_l)

After the backward pass every tile makes one pulsed update and one transfer. Everything is integer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model.algorithms import Algorithm, Rates, settings
from model.analog_tile import AnalogTile, PeripheryFactory
from model.config import Settings, TileConfig
from model.devices.cells import to_weight
from model.devices.pulsed import Pulsed
from model.fixed import Int, round_shift
from model.host import inverse_root, multiply, softmax, tanh, tanh_slope
from model.noise import derive_key, uniforms
from model.products import VALUE_BITS, VALUE_ONE, Converters, NoiseStream
from model.state import Arrays, named, part_of
from model.update_management import UpdateManager

SCALE_BITS = 30  # fractional bits of the output scales and of their rate
_BIAS = np.array([VALUE_ONE])
START_WEIGHT = 0.3  # W starts uniform between plus and minus this


@dataclass(frozen=True, kw_only=True)
class Physics:
    """Devices of the arrays, whether P has granularity, and the converters, whose ADC takes the width of the tile."""

    fast: Pulsed
    slow: Pulsed
    converters: Converters
    ideal_granularity: bool = False


class Layer:
    """A tile with its output scale, update management and transfer settings."""

    def __init__(
        self,
        *,
        index: int,
        config: TileConfig,
        algorithm: Algorithm,
        rates: Rates,
        physics: Physics,
        periphery: PeripheryFactory,
        seed: int,
        threads: int,
    ) -> None:
        name = f"layer{index}"
        converters = replace(physics.converters, adc_bits=config.adc_bits)
        shape = {"rows": config.rows, "columns": config.columns, "seed": seed}
        self.tile = AnalogTile(
            config=config,
            periphery=periphery,
            fast=physics.fast.cells(**shape, array=f"{name}.fast"),
            slow=physics.slow.cells(**shape, array=f"{name}.slow"),
            converters=converters,
            gamma=rates.gamma if algorithm.residual else 0.0,
            seed=seed,
            name=name,
            threads=threads,
            ideal_granularity=physics.ideal_granularity,
        )
        span = int(to_weight(START_WEIGHT))
        start = uniforms(derive_key(seed, name, "start"), config.rows * config.columns, 2 * span) - span
        self.tile.slow.program(start.reshape(config.rows, config.columns))
        self.scale = int(inverse_root(config.columns, SCALE_BITS) / START_WEIGHT)
        self.manager = UpdateManager(config=config, fast_rate=rates.fast_rate, momentum=rates.momentum)
        self._scale_rate = round(rates.scale_rate * (1 << SCALE_BITS))
        lsb, dw_min = converters.lsb, physics.slow.dw_min
        self._settings = tuple(
            settings(algorithm, config=config, rates=rates, dw_min=dw_min, lsb=lsb, warming_up=warming_up)
            for warming_up in (False, algorithm.warm_up)
        )

    def settings(self) -> Settings:
        """Settings of the next transfer: the first ``chopper_period`` sweeps are the warm-up."""
        config = self.tile.config
        return self._settings[self.tile.transfers < config.chopper_period * config.columns]

    def forward(self, x: Int, noise: NoiseStream) -> Int:
        """Scaled output z [R] for inputs x [C]."""
        return multiply(self.tile.forward(x, noise), self.scale, SCALE_BITS)

    def backward(self, delta: Int, noise: NoiseStream) -> Int:
        """Gradient [C] at the inputs for errors delta [R] at z."""
        return multiply(self.tile.backward(delta, noise), self.scale, SCALE_BITS)

    def learn(self, x: Int, z: Int, delta: Int, noise: NoiseStream) -> None:
        """One update, one transfer, one step of the output scale."""
        self.tile.update(self.manager.vectors(x, delta))
        self.tile.transfer(self.settings(), noise)
        gradient = int((delta * z).sum()) * (1 << SCALE_BITS) // (self.scale << VALUE_BITS)  # of scale, a value
        self.scale = max(self.scale - (self._scale_rate * gradient >> VALUE_BITS), 1)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name."""
        host = {"scale": self.scale, "x_mean": self.manager.x_mean, "delta_mean": self.manager.delta_mean}
        return self.tile.state_arrays() | {name: np.array(value) for name, value in host.items()}

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and the counters of the tile."""
        self.tile.restore(arrays)
        self.scale = int(arrays["scale"])
        self.manager.x_mean = int(arrays["x_mean"])
        self.manager.delta_mean = int(arrays["delta_mean"])


class Network:
    """Layers and the noise of their products.

    Parameters
    ----------
    configs
        One tile per layer, see `model.tasks.Task.layers`.
    algorithm, rates, physics
        How and on what it learns.
    periphery
        Maker of a layer's periphery from its configuration.
    seed
        Of devices, noise and starting weights.
    threads
        Threads of an update; no result depends on it.
    """

    def __init__(
        self,
        *,
        configs: tuple[TileConfig, ...],
        algorithm: Algorithm,
        rates: Rates,
        physics: Physics,
        periphery: PeripheryFactory,
        seed: int,
        threads: int = 1,
    ) -> None:
        self.layers = [
            Layer(
                index=index,
                config=config,
                algorithm=algorithm,
                rates=rates,
                physics=physics,
                periphery=periphery,
                seed=seed,
                threads=threads,
            )
            for index, config in enumerate(configs)
        ]
        self.noise = NoiseStream(derive_key(seed, "products"))

    def logits(self, x: Int, noise: NoiseStream) -> Int:
        """Outputs before the soft-max, for one input vector without bias. Changes nothing but ``noise``."""
        return self._forward(x, noise)[1][-1]

    def step(self, x: Int, label: int) -> None:
        """Learn one sample."""
        inputs, outputs = self._forward(x, self.noise)
        delta = softmax(outputs[-1])
        delta[label] -= VALUE_ONE
        deltas = [delta]
        for layer, y in zip(self.layers[:0:-1], inputs[:0:-1], strict=True):
            gradient = layer.backward(deltas[0], self.noise)[:-1]  # nothing is behind the bias
            deltas.insert(0, round_shift(gradient * tanh_slope(y[:-1]), VALUE_BITS))
        for layer, x_in, z, error in zip(self.layers, inputs, outputs, deltas, strict=True):
            layer.learn(x_in, z, error, self.noise)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name; two runs are equal exactly if these are."""
        arrays = {"noise_position": np.array(self.noise.position)}
        for index, layer in enumerate(self.layers):
            arrays |= named(f"layer{index}", layer.state_arrays())
        return arrays

    def counters(self) -> dict[str, np.ndarray]:
        """What the tiles have counted beside their state, by name."""
        arrays: dict[str, np.ndarray] = {}
        for index, layer in enumerate(self.layers):
            arrays |= named(f"layer{index}", layer.tile.counters())
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and `counters`."""
        for index, layer in enumerate(self.layers):
            layer.restore(part_of(arrays, f"layer{index}"))
        self.noise.position = int(arrays["noise_position"])

    def _forward(self, x: Int, noise: NoiseStream) -> tuple[list[Int], list[Int]]:
        inputs, outputs = [], []
        for layer in self.layers:
            inputs.append(np.concatenate((x, _BIAS)))
            outputs.append(layer.forward(inputs[-1], noise))
            x = tanh(outputs[-1])
        return inputs, outputs
