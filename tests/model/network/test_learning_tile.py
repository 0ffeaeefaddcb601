# SPDX-License-Identifier: Apache-2.0
"""Tests of a learning tile: its transfer schedule, rate and calibration, and that it resumes from its state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE, WEIGHT_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, Rates
from symtrack.model.network.learning_tile import Learning, LearningTile, Physics
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Settings
from symtrack.model.tile.operations import Periphery
from tests.model.helpers.tile_driver import assert_same

CONFIG = TileConfig(rows=5, columns=3, lanes=2, chopper_period=2, chopper_probability=0.3)
DEVICE = SoftBoundsReference(dw_min_dtod=0.1)


def make(
    algorithm: str | Algorithm = "tt-v2",
    *,
    config: TileConfig = CONFIG,
    fast: SoftBoundsReference = DEVICE,
    converters: Converters = Converters(),  # noqa: B008
    ideal_granularity: bool = False,
    **rates: float,
) -> LearningTile:
    """A tile whose P has an offset."""
    fast = replace(fast, reference_mean=0.3, reference_std=0.1)
    return LearningTile(
        name="tile",
        config=config,
        start=0.2,
        learning=Learning(
            algorithm=ALGORITHMS[algorithm] if isinstance(algorithm, str) else algorithm,
            rates=Rates(**{"learning_rate": 0.05} | rates),
            physics=Physics(fast=fast, slow=DEVICE, converters=converters, ideal_granularity=ideal_granularity),
            periphery=Periphery,
            seed=4,
            threads=1,
        ),
    )


def noise() -> NoiseStream:
    return NoiseStream(derive_key(4, "products"))


def samples(count: int, config: TileConfig = CONFIG, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Inputs [n, C] and errors [n, R]."""
    rng = np.random.default_rng(seed)
    shape = (rng.integers(-VALUE_ONE, VALUE_ONE, (count, size)) for size in (config.columns, config.rows))
    return next(shape), next(shape)


def everything(tile: LearningTile) -> dict[str, np.ndarray]:
    return tile.state_arrays() | tile.tile.counters()


# ---- updates and transfers -----------------------------------------------------------------------------------


def test_pairs_are_updates_one_after_the_other_before_one_transfer() -> None:
    together, single = make(), make()
    x, delta = samples(7)
    stream = noise()
    together.learn(x, delta, stream)
    for inputs, errors in zip(x, delta, strict=True):
        single.tile.update(single.manager.vectors(inputs, errors))
    single.tile.transfer(single.settings(), noise())
    assert_same(everything(together), everything(single) | {"steps": together.state_arrays()["steps"]})
    assert stream.position == CONFIG.rows
    assert together.tile.periphery.status.slots > 7
    alone = make()
    alone.learn(x[0], delta[0], noise())  # vectors are one pair
    assert alone.tile.transfers == 1
    assert 0 < alone.tile.periphery.status.slots < together.tile.periphery.status.slots


def test_pairs_must_come_in_equal_numbers() -> None:
    x, delta = samples(3)
    with pytest.raises(ValueError, match="delta of 2 vectors: must be 3, one for each of x"):
        make().learn(x, delta[:2], noise())


@pytest.mark.parametrize(("every", "reads"), [(1, 1), (3, 1), (1, 4), (4, 7)])
def test_transfers_come_every_so_many_steps_and_read_so_many_columns(every: int, reads: int) -> None:
    tile, stream = make(transfer_every=every, reads=reads), noise()
    for step in range(1, 14):
        tile.learn(*samples(2, seed=step), stream)
        assert tile.tile.transfers == tile.tile.periphery.status.reads == step // every * reads
        assert tile.tile.periphery.next_column == step // every * reads % 3
        assert tile.state_arrays()["steps"] == step % every
    assert stream.position == tile.tile.transfers * CONFIG.rows


def test_updates_of_w_need_no_transfers() -> None:
    """The devices that updates pulse are those of W then, offset and all, and P is left alone."""
    tile, stream = make("analog-sgd"), noise()
    before = tile.tile.fast.weights.copy()
    assert tile.tile.slow.cells.reference.mean() / WEIGHT_ONE > 0.1
    assert abs(make().tile.slow.cells.reference.mean() / WEIGHT_ONE) < 0.01
    for step in range(20):
        tile.learn(*samples(2, seed=step), stream)
    assert tile.tile.transfers == tile.tile.periphery.status.reads == stream.position == 0
    assert np.array_equal(tile.tile.fast.weights, before)
    assert tile.tile.slow.pulse_numbers.sum() == tile.tile.coincidences > 0


@pytest.mark.parametrize("rate", [0.01, 0.003])
def test_analog_sgd_takes_steps_of_the_learning_rate(rate: float) -> None:
    """The mean change of a weight is -rate * delta * x / dw_min steps of its cell."""
    config, device = CONFIG.replace(magnitude_bits=16), replace(DEVICE, dw_min=1e-4, w_max_dtod=0.0, w_min_dtod=0.0)
    tile = make("analog-sgd", config=config, fast=device, learning_rate=rate, ideal_granularity=True)
    before, cells = tile.tile.slow.weights.copy(), tile.tile.slow.cells
    state = before + cells.reference  # away from the bounds
    x, delta = samples(1)
    delta //= 8  # so that no probability is cut off: BL is at most 31
    tile.learn(x, delta, noise())
    wanted = -rate / 1e-4 * np.outer(delta[0], x[0]) / VALUE_ONE**2
    step = np.where(wanted > 0, cells.changes(1, state), cells.changes(0, state))
    np.testing.assert_allclose((tile.tile.slow.weights - before) / step, wanted, rtol=0.01, atol=0.005)
    assert np.abs(wanted).max() > 0.2


def test_a_fixed_rate_of_p_takes_steps_of_it_however_large_the_samples_before() -> None:
    """The mean change of a weight of P is -rate * delta * c x / dw_min steps of its cell, for schedules as well."""
    config, device = CONFIG.replace(magnitude_bits=16), replace(DEVICE, dw_min=1e-4, w_max_dtod=0.0, w_min_dtod=0.0)
    tile = make("tt-v2", config=config, fast=device, ideal_granularity=True, fixed_fast_rate=0.003)
    tile.set_rate(0.5)
    x, delta = samples(2)
    tile.learn(x[:1], delta[:1] // 8, noise())
    before, cells = tile.tile.fast.weights.copy(), tile.tile.fast.cells
    state = before + cells.reference
    delta = delta[1:] // 64  # far below the running maxima
    tile.learn(x[1:], delta, noise())
    wanted = -0.003 / 1e-4 * np.outer(delta[0], x[1]) / VALUE_ONE**2
    step = np.where(wanted > 0, cells.changes(1, state), cells.changes(0, state))
    np.testing.assert_allclose((tile.tile.fast.weights - before) / step, wanted, rtol=0.01, atol=0.005)
    assert np.abs(wanted).max() > 0.05


# ---- learning rate -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "analog-sgd"])
def test_half_the_rate_is_half_the_gain(name: str) -> None:
    tile = make(name)
    tile.tile.transfers = 1000  # after any warm-up
    settings = tile.settings()
    tile.set_rate(0.5)
    assert tile.settings() == replace(settings, gain=tile.settings().gain)
    assert abs(2 * tile.settings().gain - settings.gain) <= 1
    tile.set_rate(1.0)  # factors do not add up
    assert tile.settings() == settings


def test_half_the_rate_is_half_the_step_of_analog_sgd() -> None:
    tile = make("analog-sgd")
    assert tile.manager.step == 0.05 / 0.001
    tile.set_rate(0.5)
    assert tile.manager.step == 0.025 / 0.001


def test_a_rate_without_a_setting_is_refused_and_changes_nothing() -> None:
    tile = make()
    before = tile.settings()
    for factor in (0.0, 1e-9, 1e3):
        with pytest.raises(ValueError, match=r"^gain = \d+ from learning_rate = 0.05 \* .*: must be from 1 to 4095"):
            tile.set_rate(factor)
        assert tile.settings() == before


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^gain = \d+ from learning_rate = 16.0, granularity"):
        make(learning_rate=16.0)
    with pytest.raises(ValueError, match=r"^row_chopper = RANDOM: must be OFF for a tile without row_chopper$"):
        make(replace(ALGORITHMS["e-rider"], row_chopper=ChopperMode.RANDOM))


# ---- warm-up -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["agad", "e-rider", "e-rider-b"])
def test_a_warm_up_fills_the_filter_and_latches_in_its_last_sweep_where_flips_are_random(name: str) -> None:
    tile, stream = make(name), noise()
    columns, random = CONFIG.columns, ALGORITHMS[name].chopper == ChopperMode.RANDOM
    warm_up = CONFIG.chopper_period * columns
    for read in range(warm_up + 2 * columns):
        settings = tile.settings()
        assert settings.accumulate == (read >= warm_up)
        assert settings.latch == (random and warm_up - columns <= read < warm_up)
        q = tile.tile.periphery.q.copy()
        tile.learn(*samples(1, seed=read), stream)
        if settings.latch:
            column = read % columns
            assert np.array_equal(tile.tile.periphery.qref[column], q[column])
            assert np.array_equal(tile.tile.reference[:, column], tile.tile.to_weight(q[column]))


@pytest.mark.parametrize("name", ["tt-v1", "tt-v2", "c-tt-v2", "residual", "rider", "e-rider-a"])
def test_other_algorithms_write_from_the_start(name: str) -> None:
    assert make(name).settings().accumulate


# ---- calibration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write_noise", [0.0, 3.0])
@pytest.mark.parametrize("latch_shift", [0, 5])
@pytest.mark.parametrize(("shift", "fraction"), [(0, 6), (2, 6), (4, 4)])
def test_a_calibration_reads_p_into_qref(shift: int, fraction: int, latch_shift: int, write_noise: float) -> None:
    """Within half an ADC LSB, and half of 2**shift units for the filter and half of 2**latch_shift for the latch.

    The weights read are those with the write noise of the last pulse. What the filter has not forgotten is 0.1 LSB.
    """
    config = CONFIG.replace(
        filter_shift=shift, reference_fraction_bits=fraction, latch_shift=latch_shift, row_chopper=1
    )
    converters = Converters(output_noise=0.0, output_bound=1.0)
    tile = make("residual", config=config, fast=replace(DEVICE, write_noise_std=write_noise), converters=converters)
    tile.calibrate(301, noise())
    lsb = tile.tile.converters.lsb
    qref = tile.tile.to_weight(tile.tile.periphery.qref.T)
    error = np.abs(qref - tile.tile.fast.weights) / lsb
    units = ((1 << shift) // 2 * (shift > 0) + (1 << latch_shift) // 2 * (latch_shift > 0)) / (1 << fraction)
    assert error.max() <= 0.5 + units + 0.1
    assert error.max() > 0.1
    assert np.array_equal(tile.tile.reference, qref)
    if latch_shift:
        assert not np.any(tile.tile.periphery.qref % (1 << latch_shift))
    assert bool(np.any(tile.tile.fast.weights + tile.tile.fast.cells.reference != tile.tile.fast.state)) == (
        write_noise > 0
    )
    assert np.abs(tile.tile.fast.weights / WEIGHT_ONE).max() > 0.05  # it has moved away from zero


def test_the_filter_averages_the_noise_of_the_reads() -> None:
    """Its variance is eta / (2 - eta) of that of a read; every cell within five standard deviations."""
    bound, std = 1.0, 0.02
    tile = make("residual", converters=Converters(output_noise=std, output_bound=bound))
    tile.calibrate(300, noise())
    error = (tile.tile.to_weight(tile.tile.periphery.qref.T) - tile.tile.fast.weights) / WEIGHT_ONE
    lsb, eta = tile.tile.converters.lsb / WEIGHT_ONE, 0.25
    assert np.abs(error).max() < 5 * std * np.sqrt(eta / (2 - eta)) + lsb
    assert np.abs(error).max() > lsb  # noise there is


@pytest.mark.parametrize("pulses", [0, 1, 400])
def test_a_calibration_counts_its_pulses_and_reads(pulses: int) -> None:
    tile, stream = make("residual"), noise()
    slow = tile.tile.slow.weights.copy()
    tile.calibrate(pulses, stream)
    sweeps = 10 * 4 + 1  # adc_bits + 1 for every time constant, and one that latches
    assert tile.calibration_pulses == tile.state_arrays()["calibration_pulses"] == pulses
    assert np.all(tile.tile.fast.pulse_numbers == pulses)
    assert tile.tile.transfers == tile.tile.periphery.status.reads == 3 * sweeps
    assert stream.position == 3 * sweeps * CONFIG.rows
    assert np.array_equal(tile.tile.slow.weights, slow)
    assert tile.tile.slow.pulse_numbers.sum() == tile.tile.periphery.status.transfer_pulses == 0
    assert not tile.tile.periphery.hidden.any()
    assert (tile.tile.periphery.next_column, tile.tile.periphery.status.slots) == (0, pulses)
    tile.calibrate(pulses, stream)
    assert tile.calibration_pulses == 2 * pulses


def test_alternating_pulses_bring_p_to_its_symmetric_point() -> None:
    tile = make("residual", fast=replace(DEVICE, dw_min_std=0.0))
    tile.tile.fast.program(np.zeros((5, 3), np.int64))
    start = np.abs(tile.tile.fast.weights - tile.tile.fast.symmetric_point()).mean()
    tile.calibrate(4000, noise())
    assert np.abs(tile.tile.fast.weights - tile.tile.fast.symmetric_point()).mean() < start / 20


def test_what_a_calibration_has_latched_stays_in_a_calibrated_algorithm() -> None:
    stream = noise()
    for name in ("residual", "agad", "e-rider-b"):
        tile = make(ALGORITHMS[name].calibrated())
        tile.calibrate(100, stream)
        qref, reference = tile.tile.periphery.qref.copy(), tile.tile.reference.copy()
        assert tile.settings().reference == Reference.LATCHED
        q = tile.tile.periphery.q.copy()
        for step in range(30):
            tile.learn(*samples(1, seed=step), stream)
        assert np.array_equal(tile.tile.periphery.qref, qref)
        assert np.array_equal(tile.tile.reference, reference)
        assert np.any(tile.tile.periphery.q != q) == ALGORITHMS[name].filter


@pytest.mark.parametrize("rows", list(ChopperMode))
@pytest.mark.parametrize("columns", list(ChopperMode))
@pytest.mark.parametrize("name", ["agad", "e-rider-b"])
def test_every_cell_has_a_reference_when_writing_begins(name: str, columns: ChopperMode, rows: ChopperMode) -> None:
    config = CONFIG.replace(row_chopper=1)
    tile = make(replace(ALGORITHMS[name], chopper=columns, row_chopper=rows), config=config)
    tile.tile.fast.program(np.full((config.rows, config.columns), WEIGHT_ONE // 4))
    stream = noise()
    for _ in range((config.chopper_period + 1) * config.columns):
        tile.tile.transfer(tile.settings(), stream)
    assert (tile.tile.periphery.qref != 0).all()


# ---- state ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_restored_tile_goes_on_as_if_it_had_not_stopped(name: str) -> None:
    config = CONFIG.replace(row_chopper=1)
    algorithm = replace(ALGORITHMS[name], row_chopper=ChopperMode.RANDOM)
    whole, restored = (make(algorithm, config=config, transfer_every=2, reads=2) for _ in range(2))
    stream = noise()
    whole.calibrate(5, stream)
    for step in range(7):
        whole.learn(*samples(2, seed=step), stream)
    restored.restore(everything(whole))
    assert_same(everything(restored), everything(whole))
    streams = stream, NoiseStream(int(stream.key), stream.position)
    for step in range(30):
        for tile, own in zip((whole, restored), streams, strict=True):
            tile.learn(*samples(2, seed=step), own)
        assert_same(everything(restored), everything(whole))
    assert restored.calibration_pulses == 5


def test_a_tile_is_a_function_of_its_arguments() -> None:
    assert_same(everything(make()), everything(make()))
    assert np.abs(make().tile.slow.weights).max() <= 0.2 * WEIGHT_ONE
    assert len(np.unique(make().tile.slow.weights)) == 15
    assert isinstance(make().settings(), Settings)
