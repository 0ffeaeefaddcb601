# SPDX-License-Identifier: Apache-2.0
"""Tests of the C driver on a simulated bus: what it writes, and what it refuses without writing anything."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum
from pathlib import Path

import pytest

from symtrack.hdl.controller.registers import Register, registers
from symtrack.hdl.output.c_headers import MAP_FILE, largest, map_header, prefix, register_header
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.network.algorithms import ALGORITHMS, Rates, settings
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings, Target
from tests.paths import ROOT

DRIVER = ROOT / "hdl" / "example"
CONFIG = TileConfig(rows=5, columns=7, lanes=2, row_chopper=1, programmer=1)
OTHER = TileConfig(
    rows=3, columns=5, lanes=1, adc_bits=6, bl_max=20, gain_bits=8, momentum_bits=3, reference_fraction_bits=3
)
EBUS, EIDENT, ERANGE, ETIMEOUT, EBUSY = -1, -2, -3, -4, -5
MODES = ("target", "scope", "chopper", "row_chopper", "reference")
FLAGS = ("filter", "latch", "direct", "forget", "accumulate", "calibration_random")
FACTORS = ("gain", "momentum")
SIZES = ("used_rows", "used_columns")
WORDS = ("modes", "gain", "used")  # registers of settings

Read = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))
Write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)


class CSettings(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in MODES),
        *((name, ctypes.c_bool) for name in FLAGS),
        *((name, ctypes.c_uint32) for name in (*FACTORS, *SIZES)),
    )


class CBus(ctypes.Structure):
    _fields_ = (("read", Read), ("write", Write), ("context", ctypes.c_void_p))


class CDescriptor(ctypes.Structure):
    _fields_ = (
        ("hash", ctypes.c_uint32),
        *((name, ctypes.c_uint) for name in ("rows", "columns", "lanes", "adc_bits", "magnitude_bits", "bl_max")),
        *((name, ctypes.c_uint) for name in ("reference_fraction_bits", "filter_shift", "gain_bits", "hidden_bits")),
        *((name, ctypes.c_uint) for name in ("threshold_shift", "pulses_max", "momentum_bits", "latch_shift")),
        *((name, ctypes.c_uint) for name in ("row_chopper", "programmer", "counter_bits", "self_test")),
        ("sources", ctypes.c_uint),
        *((f"{name}_max", ctypes.c_uint) for name in (*MODES, *FACTORS)),
        *((f"{name}_max", ctypes.c_uint) for name in ("calibration_pulses", "calibration_sweeps")),
        *((f"{name}_max", ctypes.c_uint) for name in ("tolerance", "rounds", *SIZES)),
    )


class CTile(ctypes.Structure):
    _fields_ = (("bus", CBus), ("descriptor", ctypes.POINTER(CDescriptor)), ("seed", ctypes.c_uint32))


def compiled(folder: Path, *arguments: str | Path) -> None:
    """Call the C compiler in a folder with the driver's header, the map and the headers of both configurations."""
    for file, text in ((MAP_FILE, map_header()), ("a.h", register_header(CONFIG)), ("b.h", register_header(OTHER))):
        (folder / file).write_text(text)
    compiler = shutil.which("gcc") or shutil.which("cc") or "gcc"
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{folder}", f"-I{DRIVER}"]
    subprocess.run([*command, *map(str, arguments)], check=True, cwd=folder)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """One driver and two configurations in one program."""
    folder = tmp_path_factory.mktemp("driver")
    descriptors = "".join(
        f"const struct symtrack_descriptor {config.name} = {prefix(config)}DESCRIPTOR;\n" for config in (CONFIG, OTHER)
    )
    (folder / "descriptors.c").write_text(f'#include "symtrack.h"\n#include "a.h"\n#include "b.h"\n{descriptors}')
    compiled(folder, "-shared", "-fPIC", "-o", "driver.so", "descriptors.c", DRIVER / "symtrack.c")
    loaded = ctypes.CDLL(str(folder / "driver.so"))
    loaded.symtrack_defaults.restype = CSettings
    return loaded


class Driver:
    """The driver on a controller that is idle; ``written``: offsets and words since it was opened."""

    def __init__(self, library: ctypes.CDLL, config: TileConfig = CONFIG, described: TileConfig | None = None) -> None:
        self.library, self.table = library, {register.name: register for register in registers(config)}
        self.words = {register.offset: register.reset for register in self.table.values()}
        self.words[self.table["status"].offset] = 0
        self.written: list[tuple[int, int]] = []
        self.broken = False
        self.bus = CBus(Read(self._read), Write(self._write), None)
        self.tile = CTile()
        self.descriptor = CDescriptor.in_dll(library, (described or config).name)
        self.error = library.symtrack_open(
            ctypes.byref(self.tile), ctypes.byref(self.bus), ctypes.byref(self.descriptor), config.seed
        )

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
        given = CSettings(**{name: getattr(values, name) for name in (*MODES, *FLAGS, *FACTORS, *SIZES)})
        return self.library.symtrack_set(ctypes.byref(self.tile), ctypes.byref(given))

    def word(self, name: str) -> int:
        return self.words[self.table[name].offset]

    def waits(self) -> None:
        status = self.table["status"]
        self.words[status.offset] = status.field("busy").mask | status.field("waiting").mask


def opened(library: ctypes.CDLL, config: TileConfig) -> Driver:
    driver = Driver(library, config)
    assert driver.error == 0
    assert driver.written == seeds(driver, config)
    driver.written.clear()
    return driver


def seeds(driver: Driver, config: TileConfig) -> list[tuple[int, int]]:
    """The writes that load the seeds of a configuration."""
    return [(driver.table["seed"].offset, seed) for seed in config.seeds]


@pytest.fixture
def driver(library: ctypes.CDLL) -> Driver:
    return opened(library, CONFIG)


def packed(register: Register, **values: int) -> int:
    assert set(values) <= {field.name for field in register.fields}
    return sum(int(values.get(field.name, 0)) << field.low for field in register.fields)


def expected(driver: Driver, values: Settings) -> tuple[int, ...]:
    """The words of the registers of settings for some of them."""
    return tuple(
        packed(driver.table[word], **{field.name: getattr(values, field.name) for field in driver.table[word].fields})
        for word in WORDS
    )


def words(driver: Driver) -> tuple[int, ...]:
    """The words of the registers of settings."""
    return tuple(driver.word(word) for word in WORDS)


@pytest.mark.parametrize("config", [CONFIG, OTHER])
def test_a_descriptor_is_its_configuration(config: TileConfig, library: ctypes.CDLL) -> None:
    driver = opened(library, config)
    descriptor = driver.tile.descriptor.contents
    found = {name: getattr(descriptor, name) for name, _ in CDescriptor._fields_}
    assert found.pop("hash") == int(config.fingerprint[:8], 16)
    assert found.pop("sources") == len(config.sources)
    for name in [name for name in found if hasattr(config, name)]:
        assert found.pop(name) == getattr(config, name), name
    writable = [field for register in driver.table.values() for field in register.fields if field.access == "rw"]
    assert found == {f"{field.name}_max": largest(field) for field in writable if f"{field.name}_max" in found}


def test_defaults_are_those_of_reset(driver: Driver) -> None:
    reset = words(driver)
    values = driver.library.symtrack_defaults()
    assert driver.library.symtrack_set(ctypes.byref(driver.tile), ctypes.byref(values)) == 0
    assert words(driver) == reset == expected(driver, Settings())
    assert len(driver.written) == len(WORDS)


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
        assert words(driver) == expected(driver, values)


@pytest.mark.parametrize("config", [CONFIG, OTHER])
@pytest.mark.parametrize("name", [*MODES, *FLAGS, *FACTORS, *SIZES])
def test_every_setting_has_its_place_and_its_limit(name: str, config: TileConfig, library: ctypes.CDLL) -> None:
    driver = opened(library, config)
    field = next(field for word in WORDS for field in driver.table[word].fields if field.name == name)
    values = Settings(filter=False, accumulate=False)
    assert driver.set(replace(values, **{name: largest(field)})) == 0
    assert sum(words(driver)) == largest(field) << field.low
    if name not in FLAGS:
        driver.written.clear()
        assert driver.set(replace(values, **{name: largest(field) + 1})) == ERANGE
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
    again = seeds(driver, CONFIG)  # a reset takes them away
    words = [[(control.offset, control.field(name).mask), *again] for name in ("reset", "drain")]
    assert driver.written == words[0] + words[1]
    driver.words[status.offset] = status.field("busy").mask
    assert driver("drain", 3) == ETIMEOUT


@pytest.mark.parametrize("seed", [0, 1, 2, 0xFFFFFFFF])
def test_a_seed_gives_the_states_of_the_configuration_with_that_seed(seed: int, driver: Driver) -> None:
    assert driver("seed", seed) == 0
    assert driver.written == seeds(driver, CONFIG.replace(seed=seed))
    driver.written.clear()
    assert driver("reset") == 0
    assert driver.written[1:] == seeds(driver, CONFIG.replace(seed=seed)), "a reset loads them again"


def test_no_seed_is_loaded_while_an_operation_runs_or_waits(driver: Driver) -> None:
    for bits in ("busy",), ("busy", "waiting"):
        status = driver.table["status"]
        driver.words[status.offset] = sum(status.field(name).mask for name in bits)
        assert driver("seed", 3) == EBUSY
    assert not driver.written


CALLS: list[Callable[[Driver], int]] = [
    lambda driver: driver.set(Settings()),
    lambda driver: driver("reset"),
    lambda driver: driver("drain", 3),
    lambda driver: driver("wait", 3),
    lambda driver: driver("seed", 3),
    *(lambda driver, start=start: driver(start[0], *start[1]) for start in STARTS),
]


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_the_bus_is_told(call: Callable[[Driver], int], driver: Driver) -> None:
    driver.broken = True
    assert call(driver) == EBUS


def test_another_configuration_is_not_opened(library: ctypes.CDLL) -> None:
    assert Driver(library, CONFIG.replace(gain_bits=2), CONFIG).error == EIDENT
    assert Driver(library, CONFIG, OTHER).error == EIDENT


def test_two_tiles_keep_their_own_limits_and_registers(library: ctypes.CDLL) -> None:
    """By turns, so that what the driver kept of one would show at the other."""
    tiles = {config: opened(library, config) for config in (CONFIG, OTHER)}
    for bl, errors in ((20, (0, 0)), (21, (0, ERANGE)), (31, (0, ERANGE)), (32, (ERANGE, ERANGE))):
        assert tuple(driver("update", bl) for driver in tiles.values()) == errors
    assert [driver("program", 4, 0, 2) for driver in tiles.values()] == [0, ERANGE]
    assert [len(driver.written) for driver in tiles.values()] == [3 + 3, 1]


@pytest.mark.parametrize("kind", [Target, Scope, ChopperMode, Reference])
def test_enumerations_of_the_driver_are_those_of_the_settings(kind: type[IntEnum]) -> None:
    name = "chopper" if kind is ChopperMode else kind.__name__.lower()
    (listed,) = re.findall(rf"enum symtrack_{name} {{ (.*?) }};", (DRIVER / "symtrack.h").read_text())
    assert listed.split(", ") == [f"SYMTRACK_{name.upper()}_{code.name}" for code in sorted(kind)]
    assert [code.value for code in sorted(kind)] == list(range(len(kind)))


def test_the_names_of_two_configurations_are_different(tmp_path: Path) -> None:
    """The compiler refuses a macro that is defined twice with different texts."""
    source = tmp_path / "both.c"
    source.write_text('#include "symtrack_map.h"\n#include "a.h"\n#include "b.h"\nint both;\n')
    compiled(tmp_path, "-fsyntax-only", source)
    names = [set(re.findall(r"#define (\w+)", register_header(config))) for config in (CONFIG, OTHER)]
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & set(re.findall(r"#define (\w+)", map_header()))


def test_the_object_of_the_driver_knows_no_configuration() -> None:
    """Its macros are those of the map, which all configurations have."""
    source = (DRIVER / "symtrack.c").read_text()
    assert re.findall(r"#include (.*)", source) == ['"symtrack.h"']
    assert "_MAX" not in source
    assert "_RESET " not in source
