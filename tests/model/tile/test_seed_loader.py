# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden seed loader: seeds through the port give the state that the host's call gives."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import Op, Settings, Target
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.seed_loader import SeedLoader, load_seeds, shift
from tests.model.helpers.tile_driver import CONFIGS, Driver, assert_same, random_update

SOURCES = ("row_sources", "column_sources", "chopper_source", "dither_sources", "row_chopper_sources")


def states(arrays: dict[str, np.ndarray]) -> list[int]:
    """The states of all sources in the order of ``TileConfig.sources``."""
    return [int(state) for name in SOURCES if name in arrays for state in arrays[name]]


@pytest.mark.parametrize("name", CONFIGS)
def test_seeds_of_the_configuration_are_loaded_by_the_port_and_by_the_host(name: str) -> None:
    config = CONFIGS[name]
    driver, periphery = Driver(config, wait=0, seed=1), Periphery(config)
    driver.step(rst=1)
    assert states(driver.tile.state_arrays()) == [source.seed for source in config.sources], "the default"
    assert driver.load(config.seeds) == config.clear_cycles
    assert states(driver.tile.state_arrays()) == list(config.seeds)
    assert_same(driver.tile.state_arrays(), periphery.state_arrays())


@pytest.mark.parametrize("name", CONFIGS)
def test_some_seeds_move_the_others_on(name: str) -> None:
    """At any time between operations; zeros are refused and move nothing."""
    config, rng = CONFIGS[name], random.Random(4)
    driver, expected = Driver(config, wait=0.2, seed=2), list(config.seeds)
    driver.reset()
    for _ in range(5):
        seeds = [rng.choice((0, rng.getrandbits(32), 1)) for _ in range(rng.randint(1, len(expected) + 2))]
        driver.load(seeds)
        kept = [seed for seed in seeds if seed]
        expected = (expected + kept)[len(kept) :]
        assert states(driver.tile.state_arrays()) == expected
        assert 0 not in expected
        periphery = Periphery(config)
        periphery.load_seeds(expected)
        values = replace(random_update(config, rng), target=Target.SLOW)  # which no chopper changes
        assert_same(driver.update(values), periphery.update(**vars(values)))
        expected = states(driver.tile.state_arrays())


def test_a_seed_waits_while_an_operation_runs() -> None:
    config = NAMED["tiny"]
    driver = Driver(config, wait=0, seed=3)
    driver.reset()
    before = states(driver.tile.state_arrays())
    driver.command(Op.UPDATE, command__bl=1)
    for _ in range(20):  # without vectors
        assert not driver.step(seeds__valid=1, seeds__state=7)["seeds__ready"]
    assert states(driver.tile.state_arrays()) == before


def test_a_seed_and_a_command_at_once() -> None:
    """The seed that was looked at in the cycle of the command goes in before the operation draws anything."""
    config, rng = NAMED["tiny"], random.Random(5)
    driver, periphery = Driver(config, wait=0, seed=3), Periphery(config)
    driver.reset()
    ports = {f"settings__{name}": int(value) for name, value in vars(Settings()).items()}
    ports |= {"settings__calibration_pulses": 9, "settings__calibration_random": 1}
    seed = rng.getrandbits(32)
    driver.step(seeds__valid=1, seeds__state=seed)
    driver.command(Op.CALIBRATE, seeds__valid=1, seeds__state=seed, **ports)
    outputs, ups = driver.step(seeds__valid=1, seeds__state=seed, pulses__ready=1), []
    assert outputs["seeds__ready"]
    while outputs["status__busy"]:
        outputs = driver.step(pulses__ready=1)
        if outputs["pulses__valid"]:
            ups.append(outputs["pulses__up"])
    periphery.load_seeds([*config.seeds[1:], seed])
    assert ups == periphery.calibrate(9, np.zeros((0, config.rows), np.int64), random=True).up.tolist()


def test_a_reset_returns_to_the_default() -> None:
    config = NAMED["odd"]
    driver = Driver(config, wait=0, seed=1)
    driver.reset()
    driver.step(seeds__valid=1, seeds__state=9)
    driver.step(rst=1, seeds__valid=1, seeds__state=9)
    assert not driver.step()["seeds__ready"]
    assert states(driver.tile.state_arrays()) == [source.seed for source in config.sources]


def test_banks_without_sources_are_passed_by() -> None:
    config = TileConfig(rows=2, columns=2, lanes=1, threshold_shift=0)
    banks = [Bank(config.row_bank), Bank(config.dither_bank), Bank(config.column_bank)]
    assert banks[1].state.size == 0
    count = banks[0].state.size
    load_seeds(banks, range(1, 2 * count + 1))
    shift(banks, 99)
    assert banks[0].state.tolist() == list(range(2, count + 2))
    assert banks[2].state.tolist() == [*range(count + 2, 2 * count + 1), 99]


def test_a_loader_looks_at_what_was_on_offer_before_and_takes_a_seed_in_three_cycles() -> None:
    loader, banks = SeedLoader(), [Bank(NAMED["tiny"].row_bank)]
    before = banks[0].state.tolist()
    taken = []
    for seed in (5, 5, 5, 0, 0, 0):
        loader.step(seed, valid=True, resting=True, banks=banks)
        taken.append((loader.loads, loader.refuses))
    none, loads, refuses = (False, False), (True, False), (False, True)
    assert taken == [none, loads, none, none, refuses, none]
    assert banks[0].state.tolist() == [*before[1:], 5]


@pytest.mark.parametrize(
    ("index", "seed", "error", "message"),
    [
        (3, 0, ValueError, r"^seeds\[3\] = 0: must be from 1 to 4294967295$"),
        (0, 1 << 32, ValueError, r"^seeds\[0\] = 4294967296: must be from 1 to 4294967295$"),
        (0, (1 << 32) + 1, ValueError, r"^seeds\[0\] = 4294967297: must be from 1 to 4294967295$"),
        (1, -1, ValueError, r"^seeds\[1\] = -1: must be"),
        (2, 1.0, TypeError, r"^seeds\[2\] = 1.0: must be an integer from 1 to 4294967295$"),
        (2, True, TypeError, r"^seeds\[2\] = True: must be an integer"),
    ],
)
def test_seeds_that_do_not_fit_are_refused_and_change_nothing(
    index: int, seed: object, error: type[Exception], message: str
) -> None:
    config = NAMED["tiny"]
    periphery, seeds = Periphery(config), list(config.replace(seed=5).seeds)
    seeds[index] = seed  # type: ignore[call-overload]
    with pytest.raises(error, match=message):
        periphery.load_seeds(seeds)
    assert states(periphery.state_arrays()) == list(config.seeds)


def test_another_number_of_seeds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^seeds = 3 states: must be 12, one for each source$"):
        Periphery(NAMED["tiny"]).load_seeds([1, 2, 3])
    with pytest.raises(ValueError, match=r"^seeds = 13 states: must be 12, one for each source$"):
        Periphery(NAMED["tiny"]).load_seeds(range(1, 14))
