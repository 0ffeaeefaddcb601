# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden periphery's settings, flags and counters, one by one."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings, Target
from symtrack.model.tile.operations import Periphery
from tests.model.helpers.tile_driver import random_codes, random_settings


@pytest.mark.parametrize("target", list(Target))
def test_slots_move_weights_against_the_gradient(target: Target) -> None:
    """The mean step of a cell is -delta * c' * c * x per slot of its quadrant, in W without choppers."""
    config, rng = NAMED["odd"].replace(row_chopper=1), np.random.default_rng(2)
    periphery = Periphery(config)
    modes = Settings(chopper=ChopperMode.REGULAR, row_chopper=ChopperMode.REGULAR)
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
        result = periphery.transfer(random_codes(config, rng), Settings(chopper=ChopperMode.REGULAR))
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
        same |= {"chopper": ChopperMode.REGULAR, "latch": rng.random() < 0.1}
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
        settings = random_settings(config, rng, chopper=ChopperMode.REGULAR, accumulate=False)
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
