# SPDX-License-Identifier: Apache-2.0
"""Tests of the C driver on a simulated bus: what it writes, and what it refuses without writing anything."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from symtrack.hdl.controller.registers import Register, registers
from symtrack.hdl.output.register_documents import register_header
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.network.algorithms import ALGORITHMS, Rates, settings
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Settings
from tests.paths import ROOT

DRIVER = ROOT / "hdl" / "example"
CONFIG = TileConfig(rows=5, columns=7, lanes=2, row_chopper=1, programmer=1)
EBUS, EIDENT, ERANGE, ETIMEOUT, EBUSY = -1, -2, -3, -4, -5
MODES = ("target", "scope", "chopper", "row_chopper", "reference")
FLAGS = ("filter", "latch", "direct", "forget", "accumulate", "calibration_random")
FACTORS = ("gain", "momentum")

Read = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))
Write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)


class CSettings(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in MODES),
        *((name, ctypes.c_bool) for name in FLAGS),
        *((name, ctypes.c_uint32) for name in FACTORS),
    )


class CBus(ctypes.Structure):
    _fields_ = (("read", Read), ("write", Write), ("context", ctypes.c_void_p))


class CTile(ctypes.Structure):
    _fields_ = (
        ("bus", CBus),
        *((name, ctypes.c_uint) for name in ("rows", "columns", "lanes", "bl_max")),
        ("programmer", ctypes.c_bool),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("driver")
    (folder / "registers.h").write_text(register_header(CONFIG, "top"))
    compiler = shutil.which("gcc") or shutil.which("cc") or "gcc"
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC", f"-I{folder}"]
    command += ['-DREGISTERS="registers.h"', "-o", str(folder / "driver.so"), str(DRIVER / "symtrack.c")]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(folder / "driver.so"))
    loaded.symtrack_defaults.restype = CSettings
    return loaded


class Driver:
    """The driver on a controller that is idle; ``written``: offsets and words since it was opened."""

    def __init__(self, library: ctypes.CDLL, config: TileConfig = CONFIG) -> None:
        self.library, self.table = library, {register.name: register for register in registers(config)}
        self.words = {register.offset: register.reset for register in self.table.values()}
        self.words[self.table["status"].offset] = 0
        self.written: list[tuple[int, int]] = []
        self.broken = False
        self.bus = CBus(Read(self._read), Write(self._write), None)
        self.tile = CTile()
        self.error = library.symtrack_open(ctypes.byref(self.tile), ctypes.byref(self.bus))

    def _read(self, context: int, offset: int, word: ctypes.Array[ctypes.c_uint32]) -> int:
        word[0] = self.words[offset]
        return int(self.broken)

    def _write(self, context: int, offset: int, word: int) -> int:
        self.words[offset] = word
        self.written.append((offset, word))
        return int(self.broken)

    def __call__(self, name: str, *arguments: int) -> int:
        return getattr(self.library, f"symtrack_{name}")(ctypes.byref(self.tile), *arguments)

    def set(self, values: Settings) -> int:
        given = CSettings(**{name: getattr(values, name) for name in (*MODES, *FLAGS, *FACTORS)})
        return self.library.symtrack_set(ctypes.byref(self.tile), ctypes.byref(given))

    def word(self, name: str) -> int:
        return self.words[self.table[name].offset]

    def waits(self) -> None:
        status = self.table["status"]
        self.words[status.offset] = status.field("busy").mask | status.field("waiting").mask


@pytest.fixture
def driver(library: ctypes.CDLL) -> Driver:
    opened = Driver(library)
    assert opened.error == 0
    assert not opened.written
    return opened


def packed(register: Register, **values: int) -> int:
    assert set(values) <= {field.name for field in register.fields}
    return sum(int(values.get(field.name, 0)) << field.low for field in register.fields)


def expected(driver: Driver, values: Settings) -> tuple[int, int]:
    """The words of `modes` and `gain` for some settings."""
    modes, gain = (
        packed(register, **{field.name: getattr(values, field.name) for field in register.fields})
        for register in (driver.table["modes"], driver.table["gain"])
    )
    return modes, gain


def test_it_knows_its_configuration(driver: Driver) -> None:
    tile = driver.tile
    assert (tile.rows, tile.columns, tile.lanes, tile.bl_max) == (5, 7, 2, CONFIG.bl_max)
    assert tile.programmer


def test_defaults_are_those_of_reset(driver: Driver) -> None:
    reset = driver.word("modes"), driver.word("gain")
    values = driver.library.symtrack_defaults()
    assert driver.library.symtrack_set(ctypes.byref(driver.tile), ctypes.byref(values)) == 0
    assert (driver.word("modes"), driver.word("gain")) == reset == expected(driver, Settings())
    assert len(driver.written) == 2


@pytest.mark.parametrize("warming_up", [False, True])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_sets_what_every_algorithm_needs(name: str, warming_up: bool, driver: Driver) -> None:
    rates = Rates.of(name)
    for row_chopper in (ChopperMode.OFF, ChopperMode.RANDOM):
        algorithm = replace(ALGORITHMS[name], row_chopper=row_chopper)
        values = settings(
            algorithm, config=CONFIG, rates=rates, dw_min=0.01, lsb=WEIGHT_ONE >> 8, warming_up=warming_up
        )
        assert driver.set(values) == 0
        assert (driver.word("modes"), driver.word("gain")) == expected(driver, values)


@pytest.mark.parametrize("name", [*MODES, *FLAGS, *FACTORS])
def test_every_setting_has_its_place_and_its_limit(name: str, driver: Driver) -> None:
    field = next(field for word in ("modes", "gain") for field in driver.table[word].fields if field.name == name)
    largest = (1 << field.width) - 1 if field.high is None else field.high
    values = Settings(filter=False, accumulate=False)
    assert driver.set(replace(values, **{name: largest})) == 0
    assert (driver.word("modes") | driver.word("gain")) == largest << field.low
    if name not in FLAGS:
        driver.written.clear()
        assert driver.set(replace(values, **{name: largest + 1})) == ERANGE
        assert not driver.written


STARTS = [
    ("update", (9,), {}, (0, 9, 0)),
    ("transfer", (), {}, (1, 0, 0)),
    ("calibrate", (400, 32), {"calibration": {"calibration_pulses": 400, "calibration_sweeps": 32}}, (2, 0, 0)),
    ("program", (6, 64, 8), {"tolerance": {"tolerance": 64}, "rounds": {"rounds": 8}}, (3, 0, 6)),
]


@pytest.mark.parametrize(("name", "arguments", "parameters", "command"), STARTS)
def test_an_operation_is_its_parameters_and_its_command(
    name: str,
    arguments: tuple[int, ...],
    parameters: dict[str, dict[str, int]],
    command: tuple[int, ...],
    driver: Driver,
) -> None:
    assert driver(name, *arguments) == 0
    op, bl, column = command
    words = {**parameters, "command": {"op": op, "bl": bl, "column": column}}
    assert driver.written == [(driver.table[word].offset, packed(driver.table[word], **words[word])) for word in words]


@pytest.mark.parametrize(("name", "arguments"), [start[:2] for start in STARTS])
def test_nothing_is_written_while_an_operation_waits(name: str, arguments: tuple[int, ...], driver: Driver) -> None:
    driver.waits()
    assert driver(name, *arguments) == EBUSY
    assert driver.set(Settings()) == EBUSY
    assert not driver.written


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("update", (CONFIG.bl_max + 1,)),
        ("calibrate", (1 << 16, 1)),
        ("calibrate", (1, 1 << 16)),
        ("program", (7, 0, 2)),
        ("program", (0, 1 << 15, 2)),
        ("program", (0, 0, 256)),
    ],
)
def test_nothing_is_written_that_does_not_fit(name: str, arguments: tuple[int, ...], driver: Driver) -> None:
    assert driver(name, *arguments) == ERANGE
    assert not driver.written


def test_a_reset_and_a_drain_are_bits_of_control(driver: Driver) -> None:
    control, status = driver.table["control"], driver.table["status"]
    assert driver("reset") == driver("drain", 1) == 0
    assert driver.written == [(control.offset, control.field(name).mask) for name in ("reset", "drain")]
    driver.words[status.offset] = status.field("busy").mask
    assert driver("drain", 3) == ETIMEOUT


CALLS: list[Callable[[Driver], int]] = [
    lambda driver: driver.set(Settings()),
    lambda driver: driver("reset"),
    lambda driver: driver("drain", 3),
    lambda driver: driver("wait", 3),
    *(lambda driver, start=start: driver(start[0], *start[1]) for start in STARTS),
]


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_the_bus_is_told(call: Callable[[Driver], int], driver: Driver) -> None:
    driver.broken = True
    assert call(driver) == EBUS


def test_another_configuration_is_not_opened(library: ctypes.CDLL) -> None:
    assert Driver(library, CONFIG.replace(seed=2)).error == EIDENT
