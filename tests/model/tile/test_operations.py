# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden periphery's whole operations against floats, the naive tile and one recorded digest."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from enum import IntEnum

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import COUNT_BITS, ROUND_BITS, ChopperMode, Reference, Scope, Settings, Target
from symtrack.model.tile.interface import Transfer
from symtrack.model.tile.operations import Periphery
from tests.model.helpers.tile_driver import (
    CONFIGS,
    Cells,
    assert_same,
    assert_same_calibration,
    part,
    random_codes,
    random_programming,
    random_settings,
    random_sizes,
    random_update,
)
from tests.model.references.naive_tile import NaiveTile
from tests.paths import ROOT


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
        columns_flips = read // period if settings.chopper == ChopperMode.REGULAR else 0
        first = period + rows % period  # sweep after which the row flips, once in two periods
        row_flips = (read - first - 1) // (2 * period) + 1 if settings.row_chopper == ChopperMode.REGULAR else 0 * rows
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
    [
        {},
        {"chopper": ChopperMode.REGULAR, "scope": Scope.TILE},
        dict.fromkeys(("chopper", "row_chopper"), ChopperMode.REGULAR),
    ],
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
    """All settings and lines in use at random, results and state bit for bit."""
    config, rng = CONFIGS[name], random.Random(12)
    periphery, naive = Periphery(config), NaiveTile(config)
    for _ in range(6 * config.columns + 8):
        sizes = random_sizes(config, rng)
        drawn, used = part(config, sizes), config.used(*sizes)
        periphery.use(*sizes)
        naive.use(used.rows, used.columns)
        values = random_update(drawn, rng)
        assert_same(periphery.update(**vars(values)), naive.update(**vars(values)))
        for _ in range(rng.randint(0, 3)):
            assert periphery.next_column == naive.next_column
            codes, settings = random_codes(drawn, rng), random_settings(config, rng)
            assert_same(periphery.transfer(codes, settings), naive.transfer(codes, settings))
        if rng.random() < 0.3:
            reads = rng.choice((0, 1, 2)) * used.columns * config.symmetric_point
            codes = [random_codes(drawn, rng) for _ in range(reads)]
            pulses, by_chance = rng.choice((0, 1, 300)) * config.zero_shift, rng.random() < 0.5
            calibrations = [side.calibrate(pulses, codes, random=by_chance) for side in (periphery, naive)]
            assert_same_calibration(*calibrations)
        if config.programmer:
            column, settings, seed = rng.randrange(used.columns), random_programming(config, rng), rng.random()
            twins = [Cells(drawn, seed, periphery.qref[column, : used.rows]) for _ in range(2)]
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


@pytest.mark.parametrize("name", ["small", "odd", "rows"])
def test_lines_that_are_not_in_use_keep_their_words(name: str) -> None:
    """Cells beyond the last row or column in use keep Q, Qref and H, and no line beyond fires; later they go on."""
    config, rng = CONFIGS[name], random.Random(3)
    tile, modes = (
        Periphery(config),
        {"reference": Reference.FILTERED, "latch": True, "accumulate": True, "direct": False},
    )
    for _ in range(3 * config.columns):
        tile.transfer(random_codes(config, rng), random_settings(config, rng, **modes))
    before = tile.state_arrays()
    tile.use(2, 3)
    small = part(config, (2, 3))
    for _ in range(7):
        assert tile.transfer(random_codes(small, rng), random_settings(config, rng, **modes)).column < 3
        assert tile.update(**vars(random_update(small, rng))).rows.shape[1] == 2
    tile.calibrate(5, [random_codes(small, rng) for _ in range(6)])
    for memory in ("q", "qref", "hidden"):
        changed = tile.state_arrays()[memory] != before[memory]
        assert changed[:3, :2].any()
        assert not changed[3:].any()
        assert not changed[:, 2:].any()
    tile.use()
    assert tile.transfer(random_codes(config, rng), Settings()).pulses.shape == (config.rows,)


def test_sizes_that_do_not_fit_are_refused() -> None:
    tile, codes = Periphery(CONFIGS["odd"]), np.zeros(17, int)
    for arguments, error, text in (
        ((18, 1), ValueError, "used_rows = 18: must be from 0 to 17"),
        ((1, 8), ValueError, "used_columns = 8: must be from 0 to 7"),
        ((True, 1), TypeError, "used_rows = True: must be an integer from 0 to 17"),
    ):
        with pytest.raises(error, match=text):
            tile.use(*arguments)
    for name, value, lines in (("used_rows", 3, 17), ("used_columns", 6, 7)):
        with pytest.raises(ValueError, match=f"{name} = {value}: must be 0 or {lines}, the number that `use` has said"):
            tile.transfer(codes, Settings(**{name: value}))
    tile.transfer(codes, Settings(used_rows=17, used_columns=7))
    tile.use(5)
    with pytest.raises(ValueError, match=r"codes has shape \(17,\): must be \(5,\)"):
        tile.transfer(codes, Settings())


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
    "chopper": ChopperMode.RANDOM,
    "scope": Scope.TILE,
    "row_chopper": ChopperMode.RANDOM,
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
    modes = dict.fromkeys(("chopper", "row_chopper"), ChopperMode.REGULAR)
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


def test_codes_of_settings_may_be_plain_numbers() -> None:
    config, rng = CONFIGS["rows"], random.Random(14)
    named, plain = Periphery(config), Periphery(config)
    for _ in range(20 * config.columns):
        settings, codes, update = random_settings(config, rng), random_codes(config, rng), random_update(config, rng)
        numbers = {name: int(value) for name, value in vars(settings).items() if isinstance(value, IntEnum)}
        assert len(numbers) == 5
        assert_same(named.transfer(codes, settings), plain.transfer(codes, replace(settings, **numbers)))
        values = vars(update)
        assert_same(named.update(**values), plain.update(**(values | {"target": int(update.target)})))
        assert_same(named.state_arrays(), plain.state_arrays())


def test_a_restored_periphery_goes_on_as_if_it_had_not_stopped() -> None:
    config, modes = CONFIGS["rows"], dict.fromkeys(("chopper", "row_chopper"), ChopperMode.RANDOM)
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
    for mode in ChopperMode:
        periphery.transfer([0, 0, 0], Settings(row_chopper=mode))
    with pytest.raises(ValueError, match=r"^row_chopper = 3: must be from 0 to 2$"):
        periphery.transfer([0, 0, 0], Settings(row_chopper=3))  # type: ignore[arg-type]
    assert periphery.status.reads == 3


def fingerprint() -> str:
    """SHA-256 over all results and the final state of a short run."""
    config, rng, digest = NAMED["odd"], random.Random(8), hashlib.sha256()
    config = config.replace(row_chopper=1, latch_shift=3, residual_memory=1)
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
        "from tests.model.tile.test_operations import fingerprint; print(fingerprint())"
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


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("gain", NAMED["tiny"].gain_bits),
        ("momentum", NAMED["tiny"].momentum_bits),
        ("tolerance", NAMED["tiny"].reference_format.width),
        ("rounds", ROUND_BITS),
        ("calibration_pulses", COUNT_BITS),
        ("calibration_sweeps", COUNT_BITS),
    ],
)
def test_settings_are_allowed_up_to_their_width(name: str, bits: int) -> None:
    config, most = NAMED["tiny"], (1 << bits) - 1
    codes = [0] * config.rows
    Periphery(config).transfer(codes, replace(Settings(), **{name: most}))
    with pytest.raises(ValueError, match=f"^{name} = {most + 1}: must be from 0 to {most}$"):
        Periphery(config).transfer(codes, replace(Settings(), **{name: most + 1}))
