"""Whole operations: against floats written from the equations, identities between algorithms, flags and errors."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.config import NAMED, Chopper, Reference, Settings, TileConfig
from model.periphery import Periphery, Transfer
from tests.model.tile_driver import assert_same, random_codes, random_settings, random_update

ROOT = Path(__file__).parents[2]


class FloatTransfer:
    """Section 3.2 of the design in floats: one cell per entry, all in ADC codes, no rounding anywhere."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.q, self.qref, self.hidden = np.zeros((3, config.columns, config.rows))
        self.reads = np.zeros(config.columns, int)
        self.error = np.zeros((config.columns, config.rows))  # bound on the distance of the integers from hidden
        self.threshold = 2.0 ** (config.threshold_shift - config.reference_fraction_bits)

    def transfer(self, j: int, r: np.ndarray, settings: Settings, written: np.ndarray) -> np.ndarray:
        """Checks ``written`` against the float h, and goes on from it; returns the reference."""
        config, unit = self.config, 2.0**-self.config.reference_fraction_bits
        period, count = config.chopper_period, self.reads[j]
        flips = settings.chopper == Chopper.REGULAR
        sign = (-1) ** (count // period) if flips else 1
        if flips and count and count % period == 0:
            self.qref[j] = self.q[j]
        reference = self.qref[j].copy()
        d = sign * (r - (reference if settings.reference == Reference.LATCHED else 0))
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
        self.q[j] += (r - self.q[j]) * 2.0**-config.filter_shift
        self.reads[j] += 1
        return reference

    def compare(self, reference: np.ndarray, result: Transfer, periphery: Periphery) -> None:
        """Reference, filter and hidden buffer lie within what rounding can do."""
        unit = 2.0**-self.config.reference_fraction_bits
        bound = unit * 2.0**self.config.filter_shift / 2
        assert np.all(np.abs(reference - result.reference * unit) <= bound), "reference"
        assert np.all(np.abs(self.q - periphery.q * unit) <= bound), "q"
        assert np.all(np.abs(self.hidden - periphery.hidden * unit) <= self.error + 1e-9), "hidden"


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("reference", list(Reference))
@pytest.mark.parametrize("chopper", [Chopper.OFF, Chopper.REGULAR])
@pytest.mark.parametrize("name", ["tiny", "odd", "digits_output"])
def test_transfers_agree_with_floats(name: str, chopper: Chopper, reference: Reference, forget: bool) -> None:
    config = NAMED[name].replace(chopper_period=4)
    settings = Settings(chopper=chopper, reference=reference, gain=40, forget=forget, momentum=6)
    floats, periphery, rng = FloatTransfer(config), Periphery(config), np.random.default_rng(1)
    offset = rng.integers(-60, 60, (config.columns, config.rows))
    for _ in range(24 * config.columns):
        j = periphery.next_column
        r = offset[j] + 8 * periphery.chopper[j] + rng.integers(-30, 31, config.rows)
        result = periphery.transfer(r, settings)
        assert result.column == j
        floats.compare(floats.transfer(j, r, settings, result.pulses), result, periphery)
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


def test_slots_move_weights_against_the_chopped_gradient() -> None:
    """The mean step of a cell is -delta * c * x per slot of its quadrant, and no slot has the wrong polarity."""
    config, rng = NAMED["odd"], np.random.default_rng(2)
    periphery = Periphery(config)
    for _ in range(config.columns * (config.chopper_period - 1) + 3):
        periphery.transfer(np.zeros(config.rows, int), Settings(chopper=Chopper.REGULAR))
    assert periphery.chopper.tolist() == [-1] * 3 + [1] * 4
    x, delta = rng.integers(-4095, 4096, config.columns), rng.integers(-4095, 4096, config.rows)
    total, updates = np.zeros((config.rows, config.columns), np.int64), 1000
    for _ in range(updates):
        slots = periphery.update(x < 0, np.abs(x), delta < 0, np.abs(delta), config.bl_max)
        direction = 2 * slots.up.astype(np.int64) - 1
        steps = np.einsum("si,sj,s->sij", slots.rows.astype(np.int64), slots.columns.astype(np.int64), direction)
        wanted = -np.sign(np.outer(delta, periphery.chopper * x))
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
        assert result.latched == (sweep > 0 and sweep % config.chopper_period == 0)
        assert np.array_equal(result.reference, q if result.latched else qref)
        assert np.array_equal(periphery.qref[j], result.reference)
        assert np.array_equal(periphery.chopper[j], (-1) ** ((sweep + 1) // config.chopper_period))


@pytest.mark.parametrize("forget", [False, True])
def test_latched_reference_of_zero_is_zero_reference(forget: bool) -> None:
    """AGAD with its filter held at zero equals c-TTv2."""
    config, rng = NAMED["odd"], random.Random(4)
    agad, c_ttv2 = Periphery(config), Periphery(config)
    common = {"chopper": Chopper.REGULAR, "gain": 300, "forget": forget, "momentum": 8}
    for _ in range(70):
        codes = random_codes(config, rng)
        results = [
            agad.transfer(codes, Settings(reference=Reference.LATCHED, **common)),
            c_ttv2.transfer(codes, Settings(reference=Reference.ZERO, **common)),
        ]
        for periphery in (agad, c_ttv2):
            periphery.q[:] = periphery.qref[:] = 0
        assert_same(*results)
        assert_same(agad.state_arrays(), c_ttv2.state_arrays())
    agad.qref[agad.next_column, 0] ^= 1
    codes = np.zeros(17, int)
    with pytest.raises(AssertionError, match="reference differs"):
        assert_same(
            agad.transfer(codes, Settings(reference=Reference.LATCHED, **common)),
            c_ttv2.transfer(codes, Settings(reference=Reference.ZERO, **common)),
        )


def test_chopper_that_never_flips_is_no_chopper() -> None:
    """c-TTv2 without flips equals TT-v2."""
    config, rng = NAMED["odd"].replace(chopper_probability=0.0), random.Random(5)
    chopped, plain = Periphery(config), Periphery(config)
    for _ in range(40):
        codes, values = random_codes(config, rng), random_update(config, rng)
        assert_same(
            chopped.transfer(codes, Settings(chopper=Chopper.RANDOM, gain=300)),
            plain.transfer(codes, Settings(chopper=Chopper.OFF, gain=300)),
        )
        assert_same(chopped.update(**vars(values)), plain.update(**vars(values)))
        assert_same(chopped.state_arrays(), plain.state_arrays())


def test_reference_setting_does_not_change_the_filter() -> None:
    config, rng = NAMED["tiny"], random.Random(6)
    first, second = Periphery(config), Periphery(config)
    for _ in range(60):
        codes = random_codes(config, rng)
        first.transfer(codes, random_settings(config, rng, chopper=Chopper.REGULAR))
        second.transfer(codes, random_settings(config, rng, chopper=Chopper.REGULAR))
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
        ([0, 0, 0], {"reference": -1}, ValueError, "^reference = -1: must be from 0 to 1$"),
        ([0, 0, 0], {"forget": 1}, TypeError, "^forget = 1: must be True or False$"),
        ([0, 0, 0], {"accumulate": None}, TypeError, "^accumulate = None: must be True or False$"),
    ],
)
def test_bad_transfers(codes: list[int], settings: dict[str, object], error: type[Exception], message: str) -> None:
    periphery = Periphery(NAMED["tiny"])
    with pytest.raises(error, match=message):
        periphery.transfer(codes, Settings(**settings))
    assert_same(periphery.state_arrays(), Periphery(NAMED["tiny"]).state_arrays())


def fingerprint() -> str:
    """SHA-256 over all results and the final state of a short run."""
    config, rng, digest = NAMED["odd"], random.Random(8), hashlib.sha256()
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
