# SPDX-License-Identifier: Apache-2.0
"""Tests of a crossbar tile against a floating-point description from the equations of DESIGN 3.2 and the device.

The description shares the slots of the pulse trains with the tile, since they are random, and nothing else: its
devices, reads, filter, chopper, buffer and writes are its own. Converters are fine and without noise, so that the two
may differ by rounding alone: P by less than 1e-5, and W by the few pulses whose threshold falls between two roundings.
Writes without the buffer are rounded at random; the description checks them and takes them over.
"""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE, WEIGHT_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, Rates, settings
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.update_management import UpdateManager
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Settings, Target
from symtrack.model.tile.interface import PulseSlots, Transfer, UpdateVectors
from symtrack.model.tile.operations import Periphery

CONFIG = TileConfig(rows=17, columns=7, lanes=4, chopper_period=4, adc_bits=16, hidden_bits=40, threshold_shift=22)
CONVERTERS = Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0)
GAMMA = 0.1
WIDE = {"w_max": 1.0, "w_min": -1.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}  # no cell starts at a bound


class Recorder(Periphery):
    """The golden periphery, remembering the slots of the last update and the pulses of the last transfer."""

    slots: PulseSlots
    written: np.ndarray

    def update(self, *arguments) -> PulseSlots:
        self.slots = super().update(*arguments)
        return self.slots

    def transfer(self, codes, modes) -> Transfer:
        result = super().transfer(codes, modes)
        self.written = result.pulses
        return result


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
    """Update and transfer of E-RIDER C, also with choppers of rows, and of RIDER."""

    def __init__(self, tile: Crossbar, gain: float, eta: float) -> None:
        self.p, self.w = FloatArray(tile.fast.cells), FloatArray(tile.slow.cells)
        self.q, self.qref, self.h, self.copy = (np.zeros(tile.reference.shape) for _ in range(4))
        self.c, self.flipped = np.ones(7), np.zeros(7, bool)
        self.row_c, self.row_flipped = np.ones(17), np.zeros(17, bool)
        self.gain, self.eta, self.reads = gain, eta, 0

    def update(self, slots: PulseSlots) -> None:
        for rows, columns, up in zip(slots.rows, slots.columns, slots.up, strict=True):
            both = np.outer(rows, columns)
            self.p.step(both * up, both * (1 - up))

    def transfer(self, modes: Settings, written: np.ndarray) -> None:
        """Direct writes are rounded at random: ``written`` must be a neighbour of what is wanted, and is taken over."""
        j, sweep = self.reads % 7, self.reads // 7
        self.reads += 1
        r, q, filtered = self.p.w[:, j].copy(), self.q[:, j].copy(), modes.reference == Reference.FILTERED
        latches = self.flipped[j] != self.row_flipped
        self.qref[latches, j] = q[latches]
        d = self.c[j] * self.row_c * (r - (q if filtered else self.qref[:, j]))
        if modes.accumulate:
            if modes.direct:
                n = written
                assert np.all(np.abs(n - np.clip(self.gain * d, -10, 10)) < 1.05)
            else:
                self.h[:, j] += self.gain * d
                n = np.clip(np.trunc(self.h[:, j]), -10, 10)
                self.h[n != 0, j] = 0
            for k in range(10):
                now = np.zeros((17, 7))
                now[:, j] = np.sign(n) * (np.abs(n) > k)
                self.w.step(now > 0, now < 0)
        self.q[:, j] += (r - q) * self.eta
        self.copy[:, j] = (self.q if filtered else self.qref)[:, j]
        self.flipped[j] = modes.chopper == ChopperMode.REGULAR and sweep % 4 == 3
        if self.flipped[j]:
            self.c[j] = -self.c[j]
        if j == 6 and modes.row_chopper == ChopperMode.REGULAR:
            self.row_flipped = sweep % 8 == 4 + np.arange(17) % 4
            self.row_c[self.row_flipped] *= -1

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.w.w @ x + GAMMA * self.row_c * ((self.p.w - self.copy) @ (self.c * x))

    def backward(self, delta: np.ndarray) -> np.ndarray:
        return self.w.w.T @ delta + GAMMA * self.c * ((self.p.w - self.copy).T @ (self.row_c * delta))


def make(
    config: TileConfig = CONFIG,
    ideal_granularity: bool = False,
    converters: Converters = CONVERTERS,
    **effects: float,
) -> Crossbar:
    devices = {"dw_min_std": 0.0, "dw_min_dtod": 0.3, **effects}
    shape = {"rows": 17, "columns": 7, "seed": 3}
    return Crossbar(
        config=config,
        periphery=Recorder,
        fast=SoftBoundsReference(**devices, reference_mean=0.3, reference_std=0.1).cells(**shape, array="fast"),
        slow=SoftBoundsReference(**devices).cells(**shape, array="slow"),
        converters=converters,
        gamma=GAMMA,
        seed=3,
        name="tile",
        ideal_granularity=ideal_granularity,
    )


def run(tile: Crossbar, updates: int, algorithm: Algorithm = ALGORITHMS["e-rider"], twin=None) -> None:
    """The same noisy regression steps on both, after the tile's earlier ones."""
    manager = UpdateManager(config=tile.config, fast_rate=0.5, momentum=0.99)
    noise = NoiseStream(derive_key(3, "noise"))
    rng = np.random.default_rng(3)
    target = rng.integers(-VALUE_ONE, VALUE_ONE, (17, 7))
    for _ in range(updates):
        x = rng.integers(-VALUE_ONE, VALUE_ONE, 7)
        delta = (target @ x) // VALUE_ONE + rng.integers(-VALUE_ONE, VALUE_ONE, 17)
        warming_up = algorithm.warm_up and tile.transfers < CONFIG.chopper_period * 7
        modes = transfer_settings(algorithm, tile.config, warming_up, tile.converters.read_lsb)
        tile.update(manager.vectors(x, delta))
        tile.transfer(modes, noise)
        if twin:
            twin.update(tile.periphery.slots)
            twin.transfer(modes, tile.periphery.written)


def transfer_settings(
    algorithm: Algorithm, config: TileConfig, warming_up: bool = False, lsb: int = CONVERTERS.read_lsb
) -> Settings:
    rates = Rates(learning_rate=0.05 if algorithm.direct else 1.0)
    return settings(algorithm, config=config, rates=rates, dw_min=0.001, lsb=lsb, warming_up=warming_up)


CASES: dict[str, tuple] = {
    "e-rider": (CONFIG, ALGORITHMS["e-rider"]),
    "e-rider with rows": (
        CONFIG.replace(row_chopper=1),
        replace(ALGORITHMS["e-rider"], row_chopper=ChopperMode.REGULAR),
    ),
    "rider": (CONFIG, ALGORITHMS["rider"]),
    "e-rider with a range of its own for reads": (CONFIG, ALGORITHMS["e-rider"], replace(CONVERTERS, read_bound=1.5)),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request: pytest.FixtureRequest) -> tuple[Crossbar, FloatTile]:
    config, algorithm, *others = CASES[request.param]
    converters = others[0] if others else CONVERTERS
    tile, read_lsb = make(config, converters=converters), converters.read_lsb
    assert (read_lsb == converters.lsb) == (not others)
    gain = transfer_settings(algorithm, config, lsb=read_lsb).gain
    per_weight = WEIGHT_ONE / read_lsb * (1 << CONFIG.reference_fraction_bits)
    twin = FloatTile(tile, gain * per_weight / (1 << CONFIG.threshold_shift), 1 / 4)
    run(tile, 400, algorithm, twin)
    return tile, twin


def test_arrays_follow_the_equations(pair: tuple[Crossbar, FloatTile]) -> None:
    tile, twin = pair
    assert np.abs(tile.fast.weights / WEIGHT_ONE - twin.p.w).max() < 1e-5
    lsb = CONVERTERS.lsb / WEIGHT_ONE
    assert np.abs(tile.to_weight(tile.periphery.state_arrays()["q"].T) / WEIGHT_ONE - twin.q).max() < lsb
    assert np.abs(tile.reference / WEIGHT_ONE - twin.copy).max() < lsb
    assert np.array_equal(tile.periphery.chopper, twin.c)
    assert np.array_equal(tile.periphery.row_chopper, twin.row_c)
    assert bool((twin.row_c < 0).any()) == tile.config.row_chopper
    error = np.abs(tile.slow.weights / WEIGHT_ONE - twin.w.w)
    assert np.abs(twin.w.w).max() > 0.1  # W has gone somewhere
    assert error.max() < 0.005
    assert np.sqrt((error**2).mean()) < 0.001  # less than one pulse


def test_products_of_many_vectors_are_those_of_one_after_the_other(pair: tuple[Crossbar, FloatTile]) -> None:
    tile, rng = pair[0], np.random.default_rng(8)
    together, single = NoiseStream(3), NoiseStream(3)
    for product, size in ((tile.forward, 7), (tile.backward, 17)):
        vectors = rng.integers(-VALUE_ONE, VALUE_ONE, (6, size))
        expected = [product(vector[None], single)[0] for vector in vectors]
        assert product(vectors, together).tolist() == np.array(expected).tolist()
    assert together.position == single.position


def test_products_follow_the_equations(pair: tuple[Crossbar, FloatTile]) -> None:
    tile, twin = pair
    noise, rng = NoiseStream(1), np.random.default_rng(4)
    twin.w.v = tile.slow.weights / WEIGHT_ONE + twin.w.reference  # compare the products alone
    lsb = CONVERTERS.lsb / WEIGHT_ONE
    for _ in range(10):
        x, delta = rng.uniform(-1, 1, 7), rng.uniform(-1, 1, 17)
        (forward,) = tile.forward((x * VALUE_ONE).astype(np.int64)[None], noise) / VALUE_ONE
        (backward,) = tile.backward((delta * VALUE_ONE).astype(np.int64)[None], noise) / VALUE_ONE
        assert np.abs(forward - twin.forward(x)).max() < 2 * lsb
        assert np.abs(backward - twin.backward(delta)).max() < 2 * lsb
    without = twin.w.w @ x
    assert np.abs(forward - without).max() > 10 * lsb  # the residual matters


@pytest.mark.parametrize("ideal_granularity", [False, True])
@pytest.mark.parametrize("target", list(Target))
def test_an_update_moves_its_own_array_against_the_gradient(target: Target, ideal_granularity: bool) -> None:
    """P by the chopped vectors, W by the plain ones."""
    tile = make(CONFIG.replace(row_chopper=1), ideal_granularity, **WIDE)
    modes = Settings(chopper=ChopperMode.REGULAR, row_chopper=ChopperMode.REGULAR)
    for _ in range(7 * (2 * 4 - 1) + 3):
        tile.periphery.transfer(np.zeros(17, np.int64), modes)
    chopped = np.outer(tile.periphery.row_chopper, tile.periphery.chopper)
    assert 20 < (chopped < 0).sum() < 99
    rng = np.random.default_rng(8)
    x, delta = (rng.choice((-1, 1), size) * rng.integers(3500, 4096, size) for size in (7, 17))
    before = tile.fast.weights.copy(), tile.slow.weights.copy()
    tile.update(UpdateVectors((x < 0).astype(int), np.abs(x), (delta < 0).astype(int), np.abs(delta), 31), target)
    moved, still = (tile.slow, tile.fast) if target == Target.SLOW else (tile.fast, tile.slow)
    wanted = -np.sign(np.outer(delta, x)) * (chopped if target == Target.FAST else 1)
    assert np.array_equal(np.sign(moved.weights - before[moved is tile.slow]), wanted)
    assert np.array_equal(still.weights, before[still is tile.slow])
    assert (tile.coincidences > 0) == (not ideal_granularity)
    assert tile.coincidences == moved.pulse_numbers.sum()


class PartlyLatched(Recorder):
    """References that only every third row is to take."""

    def transfer(self, codes, modes):
        result = super().transfer(codes, modes)
        return replace(result, latched=(np.arange(17) % 3 == 0).astype(np.uint8), reference=np.arange(17) * 100 + 7)


def test_the_reference_array_takes_only_latched_rows() -> None:
    tile = make()
    tile.periphery = PartlyLatched(CONFIG)
    before = tile.reference.copy()
    tile.transfer(Settings(), NoiseStream(1))
    rows = np.flatnonzero(np.arange(17) % 3 == 0)
    assert tile.reference[rows, 0].tolist() == tile.to_weight(rows * 100 + 7).tolist()
    before[rows, 0] = tile.reference[rows, 0]
    assert np.array_equal(tile.reference, before)


def test_a_flipped_bit_of_the_reference_is_caught() -> None:
    healthy, flipped = make(), make()
    for tile in (healthy, flipped):
        run(tile, CONFIG.chopper_period * 7 + 10)
    assert np.array_equal(healthy.slow.weights, flipped.slow.weights)
    flipped.periphery.qref[flipped.periphery.next_column, 5] ^= 1 << 14
    for tile in (healthy, flipped):
        run(tile, 1)
    assert np.argwhere(healthy.slow.weights != flipped.slow.weights).tolist() == [[5, 3]]


def test_without_granularity_p_moves_by_what_pulses_do_on_average() -> None:
    """Small steps, so that the response hardly changes: sums of binomial counts, within their standard deviation."""
    device = {"dw_min": 1e-6, **WIDE}
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
        Crossbar(
            config=NAMED["tiny"],
            periphery=Periphery,
            fast=SoftBoundsReference().cells(rows=3, columns=5, seed=1, array="p"),
            slow=SoftBoundsReference().cells(rows=3, columns=5, seed=1, array="w"),
            converters=CONVERTERS,
            gamma=0.0,
            seed=1,
            name="tile",
        )
