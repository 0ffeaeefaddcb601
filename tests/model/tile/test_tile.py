# SPDX-License-Identifier: Apache-2.0
"""Tests that the golden tile's two speeds agree: clock steps through streams that wait, and whole operations."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.spec.config import BEAT_LATENCY, NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Reference, Settings, Target
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.tile import TileModel
from tests.model.helpers.tile_driver import (
    CONFIGS,
    Cells,
    Driver,
    Update,
    assert_same,
    assert_same_calibration,
    assert_status,
    part,
    random_codes,
    random_programming,
    random_settings,
    random_sizes,
    random_update,
)


@pytest.mark.parametrize("wait", [0.0, 0.4])
@pytest.mark.parametrize("name", CONFIGS)
def test_steps_equal_operations(name: str, wait: float) -> None:
    config, seed = CONFIGS[name], 7
    print(f"{config!r} seed {seed}")
    driver, periphery, rng = Driver(config, wait=wait, seed=seed), Periphery(config), random.Random(seed)
    driver.reset()
    for _ in range(4 * config.columns + 4):
        sizes = random_sizes(config, rng)
        driver.use(*sizes)
        periphery.use(*sizes)
        drawn, used = part(config, sizes), periphery.used
        before, values = periphery.cycles, random_update(drawn, rng)
        assert_same(driver.update(values), periphery.update(**vars(values)))
        assert wait or driver.cycles == periphery.cycles - before
        for _ in range(rng.randint(0, 3)):
            before, codes, settings = periphery.cycles, random_codes(drawn, rng), random_settings(config, rng)
            assert_same(driver.transfer(codes, settings), periphery.transfer(codes, settings))
            assert wait or driver.cycles == periphery.cycles - before == used.transfer_cycles
        if rng.random() < 0.3:
            before, pulses = periphery.cycles, rng.choice((0, 1, 9)) * config.zero_shift
            sweeps = rng.choice((0, 1, 2)) * config.symmetric_point
            codes = np.array([random_codes(drawn, rng) for _ in range(sweeps * used.columns)])
            by_chance = rng.random() < 0.5
            stepped = driver.calibrate(pulses, codes, random=by_chance)
            assert_same_calibration(stepped, periphery.calibrate(pulses, codes, random=by_chance))
            expected = used.calibration_cycles(pulses, sweeps)
            assert wait or driver.cycles == periphery.cycles - before == expected
        if config.programmer:
            before, column, settings = periphery.cycles, rng.randrange(used.columns), random_programming(config, rng)
            twins = [Cells(drawn, before, periphery.qref[column, : used.rows]) for _ in range(2)]
            rounds = driver.program(column, settings, twins[0])
            assert rounds == periphery.program(column, settings, twins[1])
            assert twins[0].written == twins[1].written
            assert wait or driver.cycles == periphery.cycles - before == used.programming_cycles(rounds)
        assert_status(driver, periphery)
    assert_same(driver.tile.state_arrays(), periphery.state_arrays())


@pytest.mark.parametrize("name", ["tiny", "odd", "one"])
def test_cycle_counts(name: str) -> None:
    config = CONFIGS[name]
    driver, rng = Driver(config, wait=0, seed=3), random.Random(3)
    assert driver.reset() == config.clear_cycles
    for bl in (0, 1, config.bl_max):
        values = replace(random_update(config, rng), bl=bl)
        slots = driver.update(values).up.size
        assert driver.cycles == config.update_cycles(slots)
    driver.transfer(random_codes(config, rng), Settings())
    assert driver.cycles == config.transfer_cycles


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("operation", ["update", "transfer"])
def test_reset_in_the_middle(operation: str, direct: bool) -> None:
    config = NAMED["odd"].replace(columns=2, chopper_period=1, row_chopper=1)
    rng = random.Random(5)
    modes = {"chopper": ChopperMode.REGULAR, "row_chopper": ChopperMode.REGULAR, "reference": Reference.LATCHED}
    settings = Settings(**modes, gain=4000, direct=direct)
    values = replace(random_update(config, rng), x_magnitude=np.full(2, 4000), delta_magnitude=np.full(17, 4000), bl=31)
    for stop in range(1, config.transfer_cycles if operation == "transfer" else 30):
        driver, periphery = Driver(config, wait=0.2, seed=stop), Periphery(config)
        driver.reset()
        for _ in range(5):
            driver.transfer(random_codes(config, rng), settings)
        assert driver.step()["status__row_chopper"] == (1 << 17) - 1
        if operation == "update":
            driver.update(values, stop_after=stop)
        else:
            driver.transfer(random_codes(config, rng), settings, stop_after=stop)
        driver.reset()
        assert_same(driver.tile.state_arrays(), periphery.state_arrays())
        assert_status(driver, periphery)
        codes = random_codes(config, rng)
        assert_same(driver.transfer(codes, settings), periphery.transfer(codes, settings))
        assert_same(driver.update(values), periphery.update(**vars(values)))
        assert_same(driver.tile.state_arrays(), periphery.state_arrays())


def test_reset_while_clearing_starts_again() -> None:
    driver = Driver(NAMED["tiny"], wait=0, seed=1)
    for _ in range(NAMED["tiny"].clear_cycles - 1):
        assert driver.step()["status__busy"]
    assert driver.reset() == NAMED["tiny"].clear_cycles


def test_starts_like_after_reset() -> None:
    config = NAMED["tiny"]
    first, second = TileModel(config), Driver(config, wait=0, seed=1)
    second.step(rst=1)
    assert_same(first.state_arrays(), second.tile.state_arrays())
    periphery = Periphery(config)
    periphery.load_seeds([source.seed for source in config.sources])
    assert_same(first.state_arrays(), periphery.state_arrays())


def test_other_operations_do_nothing() -> None:
    config = NAMED["tiny"].replace(programmer=0)
    driver, periphery = Driver(config, wait=0, seed=1), Periphery(config)
    driver.reset()
    driver.command(Op.PROGRAM)
    assert driver.step()["command__ready"]
    driver.command(Op.CALIBRATE, settings__calibration_pulses=0, settings__calibration_sweeps=0)
    assert driver.step()["command__ready"]
    assert_same(driver.tile.state_arrays(), periphery.state_arrays())


def test_a_column_beyond_the_last_counts_as_the_last() -> None:
    config = NAMED["odd"]
    driver = Driver(config, wait=0, seed=1)
    driver.reset()
    driver.command(Op.PROGRAM, command__column=7, settings__rounds=1)
    assert driver.step()["read__column"] == 6


@pytest.mark.parametrize("operation", ["calibrate", "program"])
def test_a_reset_ends_a_long_operation(operation: str) -> None:
    config = NAMED["odd"]
    for stop in range(1, 60, 3):
        driver, periphery = Driver(config, wait=0.2, seed=stop), Periphery(config)
        driver.reset()
        ports = {"calibration_pulses": 9, "calibration_sweeps": 9, "calibration_random": 1, "rounds": 9, "tolerance": 0}
        op = Op.CALIBRATE if operation == "calibrate" else Op.PROGRAM
        driver.command(op, **{f"settings__{name}": value for name, value in ports.items()})
        for _ in range(stop):
            driver.step(pulses__ready=1, read__ready=1, codes__valid=1, writes__ready=1)
        driver.reset()
        assert_same(driver.tile.state_arrays(), periphery.state_arrays())
        assert_status(driver, periphery)
        settings = Settings(gain=900, rounds=3)
        twins = [Cells(config, stop, periphery.qref[1]) for _ in range(2)]
        assert driver.program(1, settings, twins[0]) == periphery.program(1, settings, twins[1])
        assert twins[0].written == twins[1].written


def test_trains_longer_than_bl_max_count_as_bl_max() -> None:
    config = TileConfig(rows=2, columns=2, lanes=1, bl_max=5)
    driver, periphery, rng = Driver(config, wait=0, seed=1), Periphery(config), random.Random(1)
    driver.reset()
    values = replace(random_update(config, rng), x_magnitude=np.array([9, 4000]), delta_magnitude=np.array([9, 3]))
    assert_same(driver.update(replace(values, bl=7)), periphery.update(**vars(replace(values, bl=5))))


@pytest.mark.parametrize(
    ("port", "value", "row_chopper", "same"),
    [
        ("settings__chopper", 3, 1, True),
        ("settings__reference", 3, 1, True),
        ("settings__row_chopper", 3, 1, True),
        ("settings__row_chopper", 1, 0, True),
        ("settings__row_chopper", 2, 0, True),
        ("settings__chopper", 1, 1, False),
        ("settings__reference", 1, 1, False),
        ("settings__reference", 2, 1, False),
        ("settings__row_chopper", 1, 1, False),
    ],
)
def test_other_settings_mean_off(port: str, value: int, row_chopper: int, same: bool) -> None:
    config = NAMED["tiny"].replace(columns=2, chopper_period=1, row_chopper=row_chopper)
    states = []
    for setting in (value, 0):
        driver, rng = Driver(config, wait=0, seed=2), random.Random(2)
        driver.reset()
        for mode in (1, 1, 1, 1, setting, setting, setting, setting):
            modes = dict.fromkeys(("chopper", "row_chopper", "reference", "accumulate", "filter"), 1)
            ports = {f"settings__{name}": on for name, on in modes.items()} | {port: mode, "settings__gain": 64}
            driver.command(Op.TRANSFER, settings__direct=0, settings__forget=0, **ports)
            for code in (*random_codes(config, rng).tolist(), *[0] * (BEAT_LATENCY + 5)):
                driver.step(read__ready=1, writes__ready=1, codes__valid=1, codes__code=code & 511)
        states.append(driver.tile.state_arrays())
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0]) == same


def test_target_of_an_update_is_sampled_with_its_command() -> None:
    """The driver changes all settings at random after the command; no chopper touches slots for W."""
    config, rng = CONFIGS["rows"], random.Random(9)
    driver, periphery = Driver(config, wait=0.2, seed=9), Periphery(config)
    driver.reset()
    for _ in range(3 * config.columns):
        codes, settings = (
            random_codes(config, rng),
            Settings(chopper=ChopperMode.REGULAR, row_chopper=ChopperMode.REGULAR),
        )
        driver.transfer(codes, settings)
        periphery.transfer(codes, settings)
    assert set(periphery.chopper) == {-1}
    assert set(periphery.row_chopper) == {-1, 1}
    values = Update(np.zeros(3, int), np.full(3, 4000), np.zeros(17, int), np.full(17, 4000), 31)
    quadrants = []
    for target in Target:
        slots = driver.update(replace(values, target=target))
        assert_same(slots, periphery.update(**vars(replace(values, target=target))))
        quadrants.append(set(slots.quadrant.tolist()))
    assert quadrants == [{1, 3}, {0}]


def test_payload_is_kept_when_nothing_is_new() -> None:
    driver, rng = Driver(NAMED["small"], wait=0.3, seed=4), random.Random(4)
    driver.reset()
    values = random_update(NAMED["small"], rng)
    driver.update(replace(values, x_magnitude=np.full(16, 9), delta_magnitude=np.full(16, 9), bl=3))
    driver.transfer(random_codes(NAMED["small"], rng), Settings(gain=4000))
    outputs = [driver.step() for _ in range(5)]
    assert all(output == outputs[0] for output in outputs)
    assert outputs[0]["pulses__last"]
    assert outputs[0]["writes__beat"] == NAMED["small"].row_beats - 1
    assert outputs[0]["read__column"] == 1


def flipped_bit(value: object) -> object:
    """A copy with the lowest bit of the last number flipped."""
    array = np.array(value)
    array.reshape(-1)[-1] ^= array.dtype.type(1)
    return array


@pytest.mark.parametrize("kind", ["state", "slots", "transfer"])
def test_one_flipped_bit_is_found(kind: str) -> None:
    config = NAMED["odd"].replace(residual_memory=1)
    periphery, rng = Periphery(config), random.Random(6)
    slots = periphery.update(np.ones(7, int), np.full(7, 4000), np.ones(17, int), np.full(17, 4000), 5)
    transfer = periphery.transfer(random_codes(config, rng), Settings(gain=100))
    content = {"state": periphery.state_arrays(), "slots": vars(slots), "transfer": vars(transfer)}[kind]
    assert_same(content, dict(content))
    for name in content:
        with pytest.raises(AssertionError, match=f"{name} differs"):
            assert_same(content | {name: flipped_bit(content[name])}, content)


@pytest.mark.parametrize("memory", ["q", "qref", "hidden", "residual"])
def test_one_flipped_bit_of_a_memory_shows_in_the_end(memory: str) -> None:
    config = NAMED["tiny"].replace(residual_memory=1)
    driver, periphery, rng = Driver(config, wait=0.2, seed=8), Periphery(config), random.Random(8)
    driver.reset()
    settings = Settings(reference=Reference.LATCHED, gain=1)
    for step in range(8):
        if step == 7:
            getattr(periphery, memory)[2, 1] ^= 1 << 5
        codes = random_codes(config, rng)
        last = replace(settings, accumulate=step < 7)  # which leaves what was accumulated
        driver.transfer(codes, last)
        periphery.transfer(codes, last)
    with pytest.raises(AssertionError, match=f"{memory} differs"):
        assert_same(driver.tile.state_arrays(), periphery.state_arrays())
