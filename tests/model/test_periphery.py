"""Whole operations: against floats written from the equations, identities between algorithms, flags and errors."""

from __future__ import annotations

import hashlib
import math
import os
import random
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from model.config import NAMED, Chopper, Reference, Scope, Settings, Target, TileConfig
from model.periphery import Periphery, Transfer
from tests.model.naive_tile import NaiveTile
from tests.model.tile_driver import (
    CONFIGS,
    Cells,
    assert_same,
    assert_same_calibration,
    random_codes,
    random_programming,
    random_settings,
    random_update,
)

ROOT = Path(__file__).parents[2]


class FloatTransfer:
    """Section 3.2 of the design in floats: one cell per entry, all in ADC codes, no rounding anywhere."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.q, self.qref, self.hidden = np.zeros((3, config.columns, config.rows))
        self.reads = np.zeros(config.columns, int)
        self.error = np.zeros((config.columns, config.rows))  # bound on the distance of the integers from hidden
        self.threshold = 2.0 ** (config.threshold_shift - config.reference_fraction_bits)

    def chopped(self, read: int, settings: Settings) -> np.ndarray:
        """c_j * c'_i of the rows at this read of a column."""
        period, rows = self.config.chopper_period, np.arange(self.config.rows)
        columns_flips = read // period if settings.chopper == Chopper.REGULAR else 0
        first = period + rows % period  # sweep after which the row flips, once in two periods
        row_flips = (read - first - 1) // (2 * period) + 1 if settings.row_chopper == Chopper.REGULAR else 0 * rows
        return (-1.0) ** (columns_flips + row_flips)

    def transfer(self, j: int, r: np.ndarray, settings: Settings, written: np.ndarray) -> np.ndarray:
        """Checks ``written`` against the float h, and goes on from it; returns the reference that R takes."""
        config, unit = self.config, 2.0**-self.config.reference_fraction_bits
        count, q = self.reads[j], self.q[j].copy()
        sign = self.chopped(count, settings)
        latches = (sign != self.chopped(max(count - 1, 0), settings)) | settings.latch
        self.qref[j] = np.where(latches, q, self.qref[j])
        if settings.filter:
            self.q[j] += (r - q) * 2.0**-config.filter_shift
        subtracted = {Reference.ZERO: 0, Reference.LATCHED: self.qref[j], Reference.FILTERED: q}[settings.reference]
        d = sign * (r - subtracted)
        self.hidden[j] += settings.gain * d
        self.error[j] += settings.gain * unit * 2.0**config.filter_shift / 2
        steps = [np.trunc((self.hidden[j] + side * self.error[j]) / self.threshold) for side in (-1, 1)]
        low, high = np.clip(steps, -config.pulses_max, config.pulses_max)
        assert np.all((low <= written) & (written <= high))
        if settings.forget:
            momentum = settings.momentum / 2.0**config.momentum_bits
            self.hidden[j] = np.where(written == 0, self.hidden[j], momentum * self.hidden[j])
            self.error[j] = np.where(written == 0, self.error[j], momentum * self.error[j] + unit)
        else:
            self.hidden[j] -= written * self.threshold
        self.reads[j] += 1
        return (self.q if settings.reference == Reference.FILTERED else self.qref)[j].copy()

    def compare(self, reference: np.ndarray, result: Transfer, periphery: Periphery) -> None:
        """Reference, filter and hidden buffer lie within what rounding can do."""
        unit = 2.0**-self.config.reference_fraction_bits
        bound = unit * 2.0**self.config.filter_shift / 2
        assert np.all(np.abs(reference - result.reference * unit) <= bound), "reference"
        assert np.all(np.abs(self.q - periphery.q * unit) <= bound), "q"
        assert np.all(np.abs(self.hidden - periphery.hidden * unit) <= self.error + 1e-9), "hidden"


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("reference", list(Reference))
@pytest.mark.parametrize(
    "modes",
    [{}, {"chopper": Chopper.REGULAR, "scope": Scope.TILE}, dict.fromkeys(("chopper", "row_chopper"), Chopper.REGULAR)],
    ids=["off", "columns", "columns and rows"],
)
@pytest.mark.parametrize("name", ["tiny", "odd", "digits_output"])
def test_transfers_agree_with_floats(name: str, modes: dict, reference: Reference, forget: bool) -> None:
    config = NAMED[name].replace(chopper_period=4, row_chopper=1)
    settings = Settings(**modes, reference=reference, gain=40, forget=forget, momentum=6)
    floats, periphery, rng = FloatTransfer(config), Periphery(config), np.random.default_rng(1)
    offset = rng.integers(-60, 60, (config.columns, config.rows))
    for read in range(24 * config.columns):
        j = periphery.next_column
        r = offset[j] + 8 * periphery.chopper[j] * periphery.row_chopper + rng.integers(-30, 31, config.rows)
        now = replace(settings, filter=read % 13 != 0, latch=read % 17 == 0)
        result = periphery.transfer(r, now)
        assert result.column == j
        floats.compare(floats.transfer(j, r, now, result.pulses), result, periphery)
    assert periphery.status.transfer_pulses > 0
    assert not periphery.status.hidden_saturated


@pytest.mark.parametrize(("memory", "bit"), [("q", 2), ("qref", 2), ("hidden", 12)])
def test_float_comparison_finds_a_flipped_bit(memory: str, bit: int) -> None:
    config, settings = NAMED["tiny"], Settings(reference=Reference.LATCHED, gain=10)
    for flip in (0, 1 << bit):
        floats, periphery = FloatTransfer(config), Periphery(config)
        getattr(periphery, memory)[0, 1] ^= flip
        r = np.array([20, 20, 20])
        result = periphery.transfer(r, settings)
        reference = floats.transfer(0, r, settings, result.pulses)
        if flip:
            with pytest.raises(AssertionError, match="reference" if memory == "qref" else memory):
                floats.compare(reference, result, periphery)
        else:
            floats.compare(reference, result, periphery)


@pytest.mark.parametrize("name", CONFIGS)
def test_operations_equal_the_naive_description(name: str) -> None:
    """All settings at random, results and state bit for bit."""
    config, rng = CONFIGS[name], random.Random(12)
    periphery, naive = Periphery(config), NaiveTile(config)
    for _ in range(6 * config.columns + 8):
        values = random_update(config, rng)
        assert_same(periphery.update(**vars(values)), naive.update(**vars(values)))
        for _ in range(rng.randint(0, 3)):
            codes, settings = random_codes(config, rng), random_settings(config, rng)
            assert_same(periphery.transfer(codes, settings), naive.transfer(codes, settings))
        if rng.random() < 0.3:
            codes = [random_codes(config, rng) for _ in range(rng.choice((0, 1, 2)) * config.columns)]
            pulses, by_chance = rng.choice((0, 1, 300)), rng.random() < 0.5
            calibrations = [side.calibrate(pulses, codes, random=by_chance) for side in (periphery, naive)]
            assert_same_calibration(*calibrations)
        if config.programmer:
            column, settings, seed = rng.randrange(config.columns), random_programming(config, rng), rng.random()
            twins = [Cells(config, seed, periphery.qref[column]) for _ in range(2)]
            rounds = periphery.program(column, settings, twins[0])
            assert rounds == naive.program(column, settings, twins[1])
            assert twins[0].written == twins[1].written
        assert_same(periphery.state_arrays(), naive.state_arrays())


@pytest.mark.parametrize("name", ["tolerance", "rounds", "gain"])
def test_every_setting_of_a_programming_matters(name: str) -> None:
    config = CONFIGS["odd"].replace(pulses_max=127)
    settings = Settings(gain=900, tolerance=0, rounds=5)
    other = replace(settings, **{name: {"tolerance": 1 << 13, "rounds": 6, "gain": 901}[name]})
    written = []
    for used in (settings, other):
        periphery = Periphery(config)
        cells = Cells(config, 4, periphery.qref[2])
        periphery.program(2, used, cells)
        written.append(cells.written)
    assert written[0] != written[1]


def test_a_calibration_takes_whole_sweeps() -> None:
    config = CONFIGS["odd"]
    for arguments, text in (
        ((0, np.zeros((3, config.rows), int)), "codes of 3 columns: must be up to 65535 times 7 columns"),
        ((65536, []), "pulses = 65536: must be from 0 to 65535"),
        ((0, np.zeros((7, 3), int)), r"codes has shape \(3,\): must be \(17,\)"),
    ):
        periphery = Periphery(config)
        with pytest.raises(ValueError, match=text):
            periphery.calibrate(*arguments)
        assert_same(periphery.state_arrays(), Periphery(config).state_arrays())


def test_a_programming_needs_a_programmer_and_a_column() -> None:
    config = CONFIGS["odd"]
    cells = Cells(config, 1, np.zeros(config.rows, int))
    with pytest.raises(ValueError, match="programmer = 0: must be 1"):
        Periphery(config.replace(programmer=0)).program(0, Settings(), cells)
    with pytest.raises(ValueError, match="column = 7: must be from 0 to 6"):
        Periphery(config).program(7, Settings(), cells)
    with pytest.raises(ValueError, match="tolerance = 32768: must be from 0 to 32767"):
        Periphery(config).program(0, Settings(tolerance=1 << 15), cells)
    assert cells.written == []


OTHERS = {
    "target": Target.SLOW,
    "chopper": Chopper.RANDOM,
    "scope": Scope.TILE,
    "row_chopper": Chopper.RANDOM,
    "reference": Reference.FILTERED,
    "filter": False,
    "latch": True,
    "direct": True,
    "gain": 301,
    "forget": True,
    "momentum": 5,
    "accumulate": False,
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_setting_matters_to_the_naive_description(name: str) -> None:
    """So a setting that the periphery ignored or mistook would be found by comparing with it."""
    config, rng = CONFIGS["rows"].replace(row_chopper=1), random.Random(13)
    periphery, naive = Periphery(config), NaiveTile(config)
    modes = dict.fromkeys(("chopper", "row_chopper"), Chopper.REGULAR)
    settings = Settings(**modes, reference=Reference.LATCHED, gain=300, momentum=3, forget=name == "momentum")
    other = replace(settings, **{name: OTHERS[name]})

    def compare() -> None:
        for _ in range(8 * config.columns):
            codes, values = random_codes(config, rng), vars(random_update(config, rng))
            assert_same(periphery.transfer(codes, settings), naive.transfer(codes, other))
            slots = periphery.update(**(values | {"target": settings.target}))
            assert_same(slots, naive.update(**(values | {"target": other.target})))
            assert_same(periphery.state_arrays(), naive.state_arrays())

    with pytest.raises(AssertionError):
        compare()


def test_a_restored_periphery_goes_on_as_if_it_had_not_stopped() -> None:
    config, modes = CONFIGS["rows"], dict.fromkeys(("chopper", "row_chopper"), Chopper.RANDOM)
    whole, new = Periphery(config), Periphery(config)
    initial = new.state_arrays()

    def go_on(periphery: Periphery, seed: int) -> dict[str, np.ndarray]:
        rng = random.Random(seed)
        for _ in range(5 * config.columns + 1):
            periphery.update(**vars(random_update(config, rng)))
            periphery.transfer(random_codes(config, rng), random_settings(config, rng, **modes))
        return periphery.state_arrays()

    stopped = go_on(whole, 8)
    expected = go_on(whole, 2)
    new.restore(stopped)
    assert_same(go_on(new, 2), expected)
    for name, array in stopped.items():
        new.restore(changed := stopped | {name: initial[name]})
        assert_same(new.state_arrays(), changed)
        assert np.any(array != initial[name]), name


@pytest.mark.parametrize("target", list(Target))
def test_slots_move_weights_against_the_gradient(target: Target) -> None:
    """The mean step of a cell is -delta * c' * c * x per slot of its quadrant, in W without choppers."""
    config, rng = NAMED["odd"].replace(row_chopper=1), np.random.default_rng(2)
    periphery = Periphery(config)
    modes = Settings(chopper=Chopper.REGULAR, row_chopper=Chopper.REGULAR)
    for _ in range(config.columns * (2 * config.chopper_period - 1) + 3):
        periphery.transfer(np.zeros(config.rows, int), modes)
    assert periphery.chopper.tolist() == [1] * 3 + [-1] * 4
    assert periphery.row_chopper.tolist() == ([-1] * 3 + [1]) * 4 + [-1]
    x, delta = rng.integers(-4095, 4096, config.columns), rng.integers(-4095, 4096, config.rows)
    signs = np.outer(periphery.row_chopper, periphery.chopper) if target == Target.FAST else 1
    wanted = -np.sign(np.outer(delta, x)) * signs
    total, updates = np.zeros((config.rows, config.columns), np.int64), 1000
    for _ in range(updates):
        slots = periphery.update(x < 0, np.abs(x), delta < 0, np.abs(delta), config.bl_max, target)
        direction = 2 * slots.up.astype(np.int64) - 1
        steps = np.einsum("si,sj,s->sij", slots.rows.astype(np.int64), slots.columns.astype(np.int64), direction)
        assert np.all((steps == 0) | (steps == wanted))
        total += steps.sum(0)
    trials, p = updates * config.bl_max, np.abs(np.outer(delta, x)) / 4096**2
    z = (total - trials * wanted * p) / np.sqrt(trials * p * (1 - p) + 1)
    assert np.abs(z).max() < 4.5


def test_empty_updates_cost_no_slot() -> None:
    config = NAMED["tiny"]
    periphery = Periphery(config)
    zeros, ones = np.zeros(5, int), np.full(5, 4095)
    for x, delta, bl, slots in (
        (zeros, ones[:3], 9, 0),
        (ones, zeros[:3], 9, 0),
        (ones, ones[:3], 0, 0),
        (ones, ones[:3], 9, 9),
    ):
        before = periphery.cycles
        assert periphery.update(zeros, x, zeros[:3], delta, bl).up.size == slots
        assert periphery.cycles - before == config.update_cycles(slots)
    assert periphery.status.slots == 9


def test_latch_comes_with_the_first_read_after_a_flip() -> None:
    config = NAMED["tiny"]
    periphery, rng = Periphery(config), random.Random(3)
    for read in range(5 * config.columns * config.chopper_period):
        j, sweep = periphery.next_column, read // config.columns
        q, qref = periphery.q[j].copy(), periphery.qref[j].copy()
        result = periphery.transfer(random_codes(config, rng), Settings(chopper=Chopper.REGULAR))
        latched = sweep > 0 and sweep % config.chopper_period == 0
        assert result.latched.tolist() == [latched] * 3
        assert np.array_equal(result.reference, q if latched else qref)
        assert np.array_equal(periphery.qref[j], result.reference)
        assert np.array_equal(periphery.chopper[j], (-1) ** ((sweep + 1) // config.chopper_period))


def test_a_latch_of_every_cell_can_be_forced() -> None:
    """Also with flips of column and row at once, which alone are none."""
    config = NAMED["tiny"].replace(row_chopper=1, latch_shift=4)
    for forced in (False, True):
        periphery = Periphery(config)
        periphery.q[0], periphery.qref[0] = [104, 103, -104], [1, 2, 3]
        periphery.chopper_state.flipped[0], periphery.chopper_state.row_flipped[:] = 1, [1, 0, 1]
        result = periphery.transfer([0, 0, 0], Settings(latch=forced))
        assert result.latched.tolist() == [forced, True, forced]
        assert result.reference.tolist() == ([112, 96, -96] if forced else [1, 96, 3])


def test_filtered_reference_is_q_before_the_step_and_shows_q_after_it() -> None:
    config = TileConfig(rows=3, columns=1, lanes=2, threshold_shift=6, filter_shift=2)
    periphery, codes = Periphery(config), np.array([7, -7, 3])
    periphery.q[0] = [320, 64, -640]
    periphery.qref[0] = [9, 9, 9]
    for step in range(4):
        q = periphery.q[0].copy()
        result = periphery.transfer(codes, Settings(reference=Reference.FILTERED, gain=1))
        exact = [math.trunc(Fraction(int(value), 64)) for value in codes * 64 - q]
        assert result.pulses.tolist() == [max(-10, min(10, n)) for n in exact] or step
        assert result.latched.tolist() == [1, 1, 1]
        assert result.reference.tolist() == periphery.q[0].tolist() != q.tolist()
        assert periphery.qref[0].tolist() == [9, 9, 9]


def test_filter_off_leaves_q_alone_but_still_latches_it() -> None:
    config = NAMED["tiny"]
    periphery = Periphery(config)
    periphery.q[0] = [100, -100, 7]
    for reference in Reference:
        periphery.chopper_state.column = 0
        result = periphery.transfer([255, 255, 255], Settings(filter=False, latch=True, reference=reference))
        assert result.reference.tolist() == periphery.q[0].tolist() == periphery.qref[0].tolist() == [100, -100, 7]


DIRECT = Settings(direct=True, gain=97)


@pytest.mark.parametrize("threshold_shift", [7, 16, 20])
def test_direct_writes_have_the_mean_of_what_is_wanted(threshold_shift: int) -> None:
    """Each is a floor or a ceiling. Words of ``dither_bits`` resolve the mean to a part 2**-dither_bits of a pulse."""
    config = TileConfig(rows=16, columns=1, lanes=4, threshold_shift=threshold_shift, filter_shift=0)
    periphery, count = Periphery(config), 3000
    codes = np.round(np.linspace(-2.2, 2.2, 16) * 2.0**threshold_shift / (97 * 64)).astype(int).clip(-256, 255)
    periphery.hidden[:] = 12345
    written = np.array([periphery.transfer(codes, DIRECT).pulses for _ in range(count)])
    wanted = 97 * 64 * codes / 2.0**threshold_shift
    assert np.all((np.floor(wanted) <= written) & (written <= np.ceil(wanted)))
    fraction = wanted % 1
    error = np.abs(written.mean(0) - wanted)
    assert np.all(error <= 5 * np.sqrt(fraction * (1 - fraction) / count) + 2.0**-config.dither_bits)
    assert (fraction > 0).sum() > 8 or threshold_shift == 7
    assert np.all(periphery.hidden == 12345)
    assert periphery.status.transfer_pulses == np.abs(written).sum()


def test_direct_writes_of_whole_pulses_need_no_dither() -> None:
    config = TileConfig(rows=4, columns=1, lanes=4, threshold_shift=0, reference_fraction_bits=2, pulses_max=100)
    periphery = Periphery(config)
    for _ in range(5):
        result = periphery.transfer([0, 3, -8, 9], Settings(direct=True, gain=3))
        assert result.pulses.tolist() == [0, 36, -96, 100]
    assert periphery.status.pulses_clamped
    assert periphery.state_arrays()["dither_sources"].size == 0


def test_only_filter_and_latches_change_the_filter() -> None:
    config, rng = NAMED["tiny"], random.Random(6)
    first, second = Periphery(config), Periphery(config)
    for _ in range(60):
        codes, same = random_codes(config, rng), {"scope": rng.choice(list(Scope)), "filter": rng.random() < 0.8}
        same |= {"chopper": Chopper.REGULAR, "latch": rng.random() < 0.1}
        first.transfer(codes, random_settings(config, rng, **same))
        second.transfer(codes, random_settings(config, rng, **same))
        assert np.array_equal(first.q, second.q)
        assert np.array_equal(first.qref, second.qref)
    assert np.any(first.qref)


def test_accumulate_off_leaves_h_alone() -> None:
    config, rng = NAMED["tiny"], random.Random(7)
    periphery = Periphery(config)
    periphery.hidden[:] = config.hidden_format.high  # far above the threshold
    for _ in range(40):
        settings = random_settings(config, rng, chopper=Chopper.REGULAR, accumulate=False)
        assert not periphery.transfer(random_codes(config, rng), settings).pulses.any()
    assert np.all(periphery.hidden == config.hidden_format.high)
    assert not periphery.status.hidden_saturated
    assert not periphery.status.pulses_clamped
    assert periphery.status.reads == 40
    assert np.any(periphery.qref)


def test_write_takes_away_or_forgets() -> None:
    config = TileConfig(rows=3, columns=1, lanes=1, threshold_shift=10, reference_fraction_bits=6)
    for forget, left in ((False, [512, -512, 640]), (True, [1344, -1344, 640])):
        periphery = Periphery(config)
        settings = Settings(gain=1, forget=forget, momentum=6)
        periphery.hidden[0] = [2496, -2496, 0]
        result = periphery.transfer([17, -17, 10], settings)
        assert result.pulses.tolist() == [3, -3, 0]
        assert periphery.hidden[0].tolist() == left
    assert periphery.status.transfer_pulses == 6


@pytest.mark.parametrize("sign", [1, -1])
def test_flags_are_set_by_what_they_name_and_stay(sign: int) -> None:
    config = TileConfig(rows=3, columns=1, lanes=1, hidden_bits=20, threshold_shift=18, pulses_max=1)
    quiet, clamp, full = ([0, 0, sign * code] for code in (0, 16, 255))
    periphery = Periphery(config)
    settings = Settings(gain=1)
    periphery.transfer(quiet, settings)
    assert not periphery.status.hidden_saturated
    limit = config.hidden_format.high if sign > 0 else config.hidden_format.low
    periphery.hidden[0, 2] = limit - sign * (255 << 6)
    periphery.transfer(full, settings)
    assert not periphery.status.hidden_saturated
    assert periphery.status.pulses_clamped == (sign < 0)  # only -2**19 is two thresholds
    periphery.hidden[0, 2] = limit - sign * ((16 << 6) - 1)
    periphery.transfer(clamp, settings)
    assert periphery.status.hidden_saturated
    periphery.transfer(quiet, settings)
    assert periphery.status.hidden_saturated


def test_clamped_pulses() -> None:
    config = TileConfig(rows=2, columns=1, lanes=1, threshold_shift=8, pulses_max=10)
    periphery = Periphery(config)
    assert periphery.transfer([40, -40], Settings(gain=1)).pulses.tolist() == [10, -10]
    assert not periphery.status.pulses_clamped
    assert periphery.transfer([44, 0], Settings(gain=1)).pulses.tolist() == [10, 0]
    assert periphery.status.pulses_clamped
    assert not periphery.status.hidden_saturated
    assert periphery.hidden[0].tolist() == [256, 0]


def test_counters_saturate() -> None:
    config = TileConfig(rows=2, columns=1, lanes=1, threshold_shift=8, counter_bits=8)
    periphery = Periphery(config)
    for _ in range(300):
        periphery.transfer([40, -40], Settings(gain=1))
        periphery.update([0], [9], [0, 0], [9, 9], 31)
    status = periphery.status
    assert (status.slots, status.reads, status.transfer_pulses) == (255, 255, 255)
    assert periphery.cycles == 300 * (config.transfer_cycles + config.update_cycles(31))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x_negative": [0] * 4}, ValueError, r"^x_negative has shape \(4,\): must be \(5,\)$"),
        ({"x_negative": [0, 0, 2, 0, 0]}, ValueError, r"^x_negative\[2\] = 2: must be from 0 to 1$"),
        ({"x_magnitude": [0.5] * 5}, TypeError, "^x_magnitude has dtype float64: must be integers from 0 to 4095$"),
        ({"x_magnitude": [0, 0, 0, 0, 4096]}, ValueError, r"^x_magnitude\[4\] = 4096: must be from 0 to 4095$"),
        ({"delta_negative": [0, -1, 0]}, ValueError, r"^delta_negative\[1\] = -1: must be from 0 to 1$"),
        ({"delta_magnitude": [[1, 2, 3]]}, ValueError, r"^delta_magnitude has shape \(1, 3\): must be \(3,\)$"),
        ({"delta_magnitude": [-1, 2, 3]}, ValueError, r"^delta_magnitude\[0\] = -1: must be from 0 to 4095$"),
        ({"bl": -1}, ValueError, "^bl = -1: must be from 0 to 31$"),
        ({"bl": 32}, ValueError, "^bl = 32: must be from 0 to 31$"),
        ({"bl": 2.0}, TypeError, "^bl = 2.0: must be an integer from 0 to 31$"),
        ({"bl": True}, TypeError, "^bl = True: must be an integer from 0 to 31$"),
        ({"target": 2}, ValueError, "^target = 2: must be from 0 to 1$"),
        ({"target": False}, TypeError, "^target = False: must be an integer from 0 to 1$"),
    ],
)
def test_bad_updates(changes: dict[str, object], error: type[Exception], message: str) -> None:
    periphery = Periphery(NAMED["tiny"])
    values = {
        "x_negative": [0] * 5,
        "x_magnitude": [4095] * 5,
        "delta_negative": [0] * 3,
        "delta_magnitude": [4095] * 3,
        "bl": 31,
    }
    with pytest.raises(error, match=message):
        periphery.update(**(values | changes))
    assert_same(periphery.state_arrays(), Periphery(NAMED["tiny"]).state_arrays())


@pytest.mark.parametrize(
    ("codes", "settings", "error", "message"),
    [
        ([0, 0], {}, ValueError, r"^codes has shape \(2,\): must be \(3,\)$"),
        ([0, 0, 256], {}, ValueError, r"^codes\[2\] = 256: must be from -256 to 255$"),
        ([0, -257, 0], {}, ValueError, r"^codes\[1\] = -257: must be from -256 to 255$"),
        ([0.0, 0.0, 0.0], {}, TypeError, "^codes has dtype float64: must be integers from -256 to 255$"),
        ([0, 0, 0], {"gain": 4096}, ValueError, "^gain = 4096: must be from 0 to 4095$"),
        ([0, 0, 0], {"gain": 1.5}, TypeError, "^gain = 1.5: must be an integer from 0 to 4095$"),
        ([0, 0, 0], {"momentum": 16}, ValueError, "^momentum = 16: must be from 0 to 15$"),
        ([0, 0, 0], {"chopper": 3}, ValueError, "^chopper = 3: must be from 0 to 2$"),
        ([0, 0, 0], {"reference": -1}, ValueError, "^reference = -1: must be from 0 to 2$"),
        ([0, 0, 0], {"reference": 3}, ValueError, "^reference = 3: must be from 0 to 2$"),
        ([0, 0, 0], {"target": 2}, ValueError, "^target = 2: must be from 0 to 1$"),
        ([0, 0, 0], {"scope": 2}, ValueError, "^scope = 2: must be from 0 to 1$"),
        ([0, 0, 0], {"scope": True}, TypeError, "^scope = True: must be an integer from 0 to 1$"),
        ([0, 0, 0], {"row_chopper": 1}, ValueError, "^row_chopper = 1: must be from 0 to 0$"),
        ([0, 0, 0], {"filter": 1}, TypeError, "^filter = 1: must be True or False$"),
        ([0, 0, 0], {"latch": 0}, TypeError, "^latch = 0: must be True or False$"),
        ([0, 0, 0], {"direct": 2}, TypeError, "^direct = 2: must be True or False$"),
        ([0, 0, 0], {"forget": 1}, TypeError, "^forget = 1: must be True or False$"),
        ([0, 0, 0], {"accumulate": None}, TypeError, "^accumulate = None: must be True or False$"),
    ],
)
def test_bad_transfers(codes: list[int], settings: dict[str, object], error: type[Exception], message: str) -> None:
    periphery = Periphery(NAMED["tiny"])
    with pytest.raises(error, match=message):
        periphery.transfer(codes, Settings(**settings))
    assert_same(periphery.state_arrays(), Periphery(NAMED["tiny"]).state_arrays())


def test_rows_with_choppers_have_three_modes() -> None:
    periphery = Periphery(NAMED["tiny"].replace(row_chopper=1))
    for mode in Chopper:
        periphery.transfer([0, 0, 0], Settings(row_chopper=mode))
    with pytest.raises(ValueError, match=r"^row_chopper = 3: must be from 0 to 2$"):
        periphery.transfer([0, 0, 0], Settings(row_chopper=3))  # type: ignore[arg-type]
    assert periphery.status.reads == 3


def fingerprint() -> str:
    """SHA-256 over all results and the final state of a short run."""
    config, rng, digest = NAMED["odd"].replace(row_chopper=1, latch_shift=3), random.Random(8), hashlib.sha256()
    periphery = Periphery(config)
    for _ in range(30):
        slots = periphery.update(**vars(random_update(config, rng)))
        transfer = periphery.transfer(random_codes(config, rng), random_settings(config, rng))
        for value in (*vars(slots).values(), *vars(transfer).values()):
            digest.update(np.asarray(value, np.int64).tobytes())
    for name, value in sorted(periphery.state_arrays().items()):
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def test_results_do_not_depend_on_numba() -> None:
    code = (
        "from numba import config; assert config.DISABLE_JIT;"
        "from tests.model.test_periphery import fingerprint; print(fingerprint())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == fingerprint()
