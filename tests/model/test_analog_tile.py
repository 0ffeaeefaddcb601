"""A layer's tile against a floating-point description written from the equations of DESIGN 3.2 and the device.

The description shares the slots of the pulse trains with the tile, since they are random, and nothing else: its
devices, reads, filter, chopper, buffer and writes are its own. Converters are fine and without noise, so that the two
may differ by rounding alone: P by less than 1e-5, and W by the few pulses whose threshold falls between two roundings.
"""

import numpy as np
import pytest

from model.algorithms import ALGORITHMS, Rates, settings
from model.analog_tile import AnalogTile
from model.config import NAMED, TileConfig
from model.devices.cells import WEIGHT_ONE, Cells
from model.devices.soft_bounds_reference import SoftBoundsReference
from model.noise import derive_key
from model.periphery import Periphery, PulseSlots
from model.products import VALUE_ONE, Converters, NoiseStream
from model.update_management import UpdateManager, UpdateVectors

CONFIG = TileConfig(rows=17, columns=7, lanes=4, chopper_period=4, adc_bits=16, hidden_bits=40, threshold_shift=22)
CONVERTERS = Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0)
GAMMA = 0.1


class Recorder(Periphery):
    """The golden periphery, remembering the slots of the last update."""

    last: PulseSlots

    def update(self, *arguments) -> PulseSlots:
        self.last = super().update(*arguments)
        return self.last


class FloatArray:
    """Soft-bounds devices by their equations."""

    def __init__(self, cells: Cells) -> None:
        real = {name: getattr(cells, name) / WEIGHT_ONE for name in ("step", "low", "high", "reference")}
        self.down, self.up = real["step"]
        self.low, self.high, self.reference = real["low"], real["high"], real["reference"]
        self.v = np.clip(self.reference, self.low, self.high)

    @property
    def w(self) -> np.ndarray:
        return self.v - self.reference

    def step(self, ups: np.ndarray, downs: np.ndarray) -> None:
        self.v = self.v + ups * self.up * (1 - self.v / self.high) - downs * self.down * (1 - self.v / self.low)
        self.v = np.clip(self.v, self.low, self.high)


class FloatTile:
    """Update and transfer of E-RIDER C."""

    def __init__(self, tile: AnalogTile, gain: float, eta: float) -> None:
        self.p, self.w = FloatArray(tile.fast.cells), FloatArray(tile.slow.cells)
        self.q, self.qref, self.h = (np.zeros(tile.reference.shape) for _ in range(3))
        self.c, self.flipped = np.ones(7), np.zeros(7, bool)
        self.gain, self.eta, self.reads = gain, eta, 0

    def update(self, slots: PulseSlots) -> None:
        for rows, columns, up in zip(slots.rows, slots.columns, slots.up, strict=True):
            both = np.outer(rows, columns)
            self.p.step(both * up, both * (1 - up))

    def transfer(self, accumulate: bool) -> None:
        j, sweep = self.reads % 7, self.reads // 7
        self.reads += 1
        r = self.p.w[:, j].copy()
        if self.flipped[j]:
            self.qref[:, j] = self.q[:, j]
        d = self.c[j] * (r - self.qref[:, j])
        if accumulate:
            self.h[:, j] += self.gain * d
            n = np.clip(np.trunc(self.h[:, j]), -10, 10)
            self.h[n != 0, j] = 0
            for k in range(10):
                now = np.zeros((17, 7))
                now[:, j] = np.sign(n) * (np.abs(n) > k)
                self.w.step(now > 0, now < 0)
        self.q[:, j] += (r - self.q[:, j]) * self.eta
        self.flipped[j] = sweep % 4 == 3
        if self.flipped[j]:
            self.c[j] = -self.c[j]

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.w.w @ x + GAMMA * (self.p.w - self.qref) @ (self.c * x)

    def backward(self, delta: np.ndarray) -> np.ndarray:
        return self.w.w.T @ delta + GAMMA * self.c * ((self.p.w - self.qref).T @ delta)


def make(gamma: float = GAMMA, ideal_granularity: bool = False, **effects: float) -> AnalogTile:
    devices = {"dw_min_std": 0.0, "dw_min_dtod": 0.3, **effects}
    shape = {"rows": 17, "columns": 7, "seed": 3}
    return AnalogTile(
        config=CONFIG,
        periphery=Recorder,
        fast=SoftBoundsReference(**devices, reference_mean=0.3, reference_std=0.1).cells(**shape, array="fast"),
        slow=SoftBoundsReference(**devices).cells(**shape, array="slow"),
        converters=CONVERTERS,
        gamma=gamma,
        seed=3,
        name="tile",
        ideal_granularity=ideal_granularity,
    )


def run(tile: AnalogTile, twin: FloatTile | None, updates: int) -> None:
    """The same noisy regression steps on both, after the tile's earlier ones."""
    manager = UpdateManager(config=CONFIG, fast_rate=0.5, momentum=0.99)
    noise = NoiseStream(derive_key(3, "noise"))
    rng = np.random.default_rng(3)
    target = rng.integers(-VALUE_ONE, VALUE_ONE, (17, 7))
    for _ in range(updates):
        x = rng.integers(-VALUE_ONE, VALUE_ONE, 7)
        delta = (target @ x) // VALUE_ONE + rng.integers(-VALUE_ONE, VALUE_ONE, 17)
        warming_up = tile.transfers < CONFIG.chopper_period * 7
        tile.update(manager.vectors(x, delta))
        tile.transfer(transfer_settings(warming_up), noise)
        if twin:
            twin.update(tile.periphery.last)
            twin.transfer(not warming_up)


def transfer_settings(warming_up: bool):
    algorithm, rates = ALGORITHMS["e-rider"], Rates(learning_rate=1.0)
    return settings(algorithm, config=CONFIG, rates=rates, dw_min=0.001, lsb=CONVERTERS.lsb, warming_up=warming_up)


@pytest.fixture(scope="module")
def pair() -> tuple[AnalogTile, FloatTile]:
    tile = make()
    gain = transfer_settings(False).gain
    per_weight = WEIGHT_ONE / CONVERTERS.lsb * (1 << CONFIG.reference_fraction_bits)
    twin = FloatTile(tile, gain * per_weight / (1 << CONFIG.threshold_shift), 1 / 4)
    run(tile, twin, updates=400)
    return tile, twin


def test_arrays_follow_the_equations(pair: tuple[AnalogTile, FloatTile]) -> None:
    tile, twin = pair
    assert np.abs(tile.fast.weights / WEIGHT_ONE - twin.p.w).max() < 1e-5
    lsb = CONVERTERS.lsb / WEIGHT_ONE
    assert np.abs(tile.to_weight(tile.periphery.state_arrays()["q"].T) / WEIGHT_ONE - twin.q).max() < lsb
    assert np.abs(tile.reference / WEIGHT_ONE - twin.qref).max() < lsb
    assert np.array_equal(tile.periphery.chopper, twin.c)
    error = np.abs(tile.slow.weights / WEIGHT_ONE - twin.w.w)
    assert np.abs(twin.w.w).max() > 0.1  # W has gone somewhere
    assert error.max() < 0.005
    assert np.sqrt((error**2).mean()) < 0.001  # less than one pulse


def test_products_follow_the_equations(pair: tuple[AnalogTile, FloatTile]) -> None:
    tile, twin = pair
    noise, rng = NoiseStream(1), np.random.default_rng(4)
    twin.w.v = tile.slow.weights / WEIGHT_ONE + twin.w.reference  # compare the products alone
    lsb = CONVERTERS.lsb / WEIGHT_ONE
    for _ in range(10):
        x, delta = rng.uniform(-1, 1, 7), rng.uniform(-1, 1, 17)
        forward = tile.forward((x * VALUE_ONE).astype(np.int64), noise) / VALUE_ONE
        backward = tile.backward((delta * VALUE_ONE).astype(np.int64), noise) / VALUE_ONE
        assert np.abs(forward - twin.forward(x)).max() < 2 * lsb
        assert np.abs(backward - twin.backward(delta)).max() < 2 * lsb
    without = twin.w.w @ x
    assert np.abs(forward - without).max() > 10 * lsb  # the residual matters


def test_a_flipped_bit_of_the_reference_is_caught() -> None:
    healthy, flipped = make(), make()
    for tile in (healthy, flipped):
        run(tile, None, updates=CONFIG.chopper_period * 7 + 10)
    assert np.array_equal(healthy.slow.weights, flipped.slow.weights)
    flipped.periphery.qref[flipped.periphery.next_column, 5] ^= 1 << 14
    for tile in (healthy, flipped):
        run(tile, None, updates=1)
    assert np.argwhere(healthy.slow.weights != flipped.slow.weights).tolist() == [[5, 3]]


def test_without_granularity_p_moves_by_what_pulses_do_on_average() -> None:
    """Small steps, so that the response hardly changes: sums of binomial counts, within their standard deviation."""
    device = {"dw_min": 1e-6, "w_max": 1.0, "w_min": -1.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
    pulsed, ideal = make(**device), make(**device, ideal_granularity=True)
    rng = np.random.default_rng(6)
    x, delta = rng.integers(-4000, 4001, 7), rng.integers(-4000, 4001, 17)
    vectors = UpdateVectors((x < 0).astype(int), np.abs(x), (delta < 0).astype(int), np.abs(delta), 31)
    start = ideal.fast.weights.copy()
    for _ in range(100):
        pulsed.update(vectors)
        ideal.update(vectors)
    assert (pulsed.coincidences > 0, ideal.coincidences) == (True, 0)
    state = start + ideal.fast.cells.reference
    p = np.outer(np.abs(delta), np.abs(x)) / 4096**2
    signs = np.outer(np.sign(delta), np.sign(x))
    step = np.where(signs > 0, ideal.fast.cells.changes(0, state), ideal.fast.cells.changes(1, state))
    count = (ideal.fast.weights - start) / step
    np.testing.assert_allclose(count, -signs * 3100 * p, rtol=0.03, atol=0.1)  # steps change on the way
    difference = (pulsed.fast.weights - ideal.fast.weights) / step
    deviation = np.sqrt(3100 * p * (1 - p)) + 1
    assert np.abs(difference / deviation).max() < 5
    assert np.abs(difference).max() > 1


def test_both_arrays_relax_once_per_update() -> None:
    tile = make(lifetime=100.0)
    tile.slow.program(np.full((17, 7), WEIGHT_ONE // 5))
    before = tile.fast.state / WEIGHT_ONE, tile.slow.state / WEIGHT_ONE
    nothing = UpdateVectors(*(np.zeros(n, int) for n in (7, 7, 17, 17)), 31)
    for _ in range(3):
        tile.update(nothing)
    for array, start in zip((tile.fast, tile.slow), before, strict=True):
        np.testing.assert_allclose(array.state / WEIGHT_ONE, start * 0.99**3, atol=1e-8)


def test_converters_must_be_those_of_the_tile() -> None:
    with pytest.raises(ValueError, match=r"converters.adc_bits = 16: must be adc_bits = 9"):
        AnalogTile(
            config=NAMED["tiny"],
            periphery=Periphery,
            fast=SoftBoundsReference().cells(rows=3, columns=5, seed=1, array="p"),
            slow=SoftBoundsReference().cells(rows=3, columns=5, seed=1, array="w"),
            converters=CONVERTERS,
            gamma=0.0,
            seed=1,
            name="tile",
        )
