# SPDX-License-Identifier: Apache-2.0
"""Tests of the algorithms as settings: what each one switches on, and the gain in physical units."""

from dataclasses import replace
from typing import Any

import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, Choppers, Rates, settings, without_effect
from symtrack.model.network.learning_tile import Programming
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Target
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

LSB = Converters().lsb


ROWS = {
    **NAMED,
    "rows": NAMED["odd"].replace(row_chopper=1),
    "no_point": NAMED["digits_hidden"].replace(symmetric_point=0),
}


def make(name: str | Algorithm, config: str = "digits_hidden", warming_up: bool = False, factor: float = 1, **rates):
    algorithm = ALGORITHMS[name] if isinstance(name, str) else name
    physics = {"config": ROWS[config], "rates": Rates(**rates), "dw_min": 0.001, "lsb": LSB}
    return settings(algorithm, **physics, warming_up=warming_up, factor=factor)


FAST, SLOW = Target
OFF, REGULAR, RANDOM = ChopperMode
COLUMN, TILE = Scope
ZERO, LATCHED, FILTERED = Reference
SWITCHES = {  # target, chopper, scope, reference, filter, direct; warm-up, residual
    "analog-sgd": ((SLOW, OFF, COLUMN, ZERO, True, False), False, False),
    "tt-v1": ((FAST, OFF, COLUMN, ZERO, True, True), False, True),
    "tt-v2": ((FAST, OFF, COLUMN, ZERO, True, False), False, False),
    "c-tt-v2": ((FAST, REGULAR, COLUMN, ZERO, True, False), False, False),
    "agad": ((FAST, REGULAR, COLUMN, LATCHED, True, False), True, False),
    "residual": ((FAST, OFF, COLUMN, LATCHED, False, True), False, True),
    "rider": ((FAST, OFF, COLUMN, FILTERED, True, True), False, True),
    "e-rider": ((FAST, REGULAR, COLUMN, LATCHED, True, False), True, True),
    "e-rider-a": ((FAST, RANDOM, TILE, FILTERED, True, True), False, True),
    "e-rider-b": ((FAST, RANDOM, TILE, LATCHED, True, True), True, True),
}


def test_every_algorithm_has_its_switches() -> None:
    assert list(SWITCHES) == list(ALGORITHMS)
    assert len({(switches, residual) for switches, _, residual in SWITCHES.values()}) == len(SWITCHES)


@pytest.mark.parametrize("name", SWITCHES)
def test_switches(name: str) -> None:
    switches, warm_up, residual = SWITCHES[name]
    result, algorithm = make(name, learning_rate=0.05), ALGORITHMS[name]
    assert (result.target, result.chopper, result.scope, result.reference, result.filter, result.direct) == switches
    assert (algorithm.warm_up, algorithm.residual) == (warm_up, residual)
    assert result.accumulate
    assert (result.latch, result.row_chopper, result.forget, result.momentum) == (False, OFF, True, 0)
    assert make(name, learning_rate=0.05, warming_up=True) == replace(result, accumulate=False)


def test_rows_are_chopped_where_the_tile_can() -> None:
    algorithm = replace(ALGORITHMS["e-rider"], row_chopper=REGULAR)
    assert make(algorithm, "rows").row_chopper == REGULAR
    assert make("e-rider", "rows").row_chopper == OFF
    with pytest.raises(ValueError, match=r"^row_chopper = REGULAR: must be OFF for a tile without row_chopper$"):
        make(algorithm)


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "analog-sgd"])
def test_a_calibrated_algorithm_keeps_its_reference(name: str) -> None:
    algorithm = replace(ALGORITHMS[name], row_chopper=RANDOM)
    calibrated = algorithm.calibrated()
    fixed = {"chopper": OFF, "row_chopper": OFF, "reference": LATCHED, "warm_up": False}
    assert calibrated == replace(algorithm, **fixed)
    assert calibrated.calibrated() == calibrated


def test_there_is_nothing_to_calibrate_without_the_fast_array() -> None:
    with pytest.raises(ValueError, match=r"^target = SLOW: must be FAST for a calibration, which is of P$"):
        ALGORITHMS["analog-sgd"].calibrated()


def test_agad_and_e_rider_differ_by_the_residual_alone() -> None:
    assert make("agad") == make("e-rider")
    assert not ALGORITHMS["agad"].residual
    assert ALGORITHMS["e-rider"].residual


@pytest.mark.parametrize("name", ["digits_hidden", "digits_output", "odd"])
def test_a_read_of_one_unit_writes_one_pulse(name: str) -> None:
    config = NAMED[name]
    gain = make("agad", name, learning_rate=0.1, granularity=100.0).gain
    read = 0.001 * 100 / config.columns / 0.1  # unit / rate, as a weight
    d = read * WEIGHT_ONE / LSB * (1 << config.reference_fraction_bits)
    assert gain * d == pytest.approx(1 << config.threshold_shift, rel=1 / gain)


@pytest.mark.parametrize("name", ["digits_hidden", "digits_output", "odd"])
def test_a_direct_read_of_dw_min_writes_one_pulse_per_rate(name: str) -> None:
    config = NAMED[name]
    gain = make("rider", name, learning_rate=0.05, granularity=17.0).gain
    d = 0.001 / 0.05 * WEIGHT_ONE / LSB * (1 << config.reference_fraction_bits)
    assert gain * d == pytest.approx(1 << config.threshold_shift, rel=1 / gain)
    assert gain == make("rider", learning_rate=0.05).gain


@pytest.mark.parametrize("name", ["agad", "rider"])
def test_a_schedule_scales_the_gain(name: str) -> None:
    gain = make(name, learning_rate=0.05).gain
    for factor in (0.5, 0.1, 1.5):
        assert make(name, learning_rate=0.05, factor=factor).gain == pytest.approx(gain * factor, abs=1)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 5.0])
def test_a_gain_that_does_not_fit_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match=r"gain = \d+ from learning_rate = .*: must be from 1 to 4095") as error:
        make("agad", learning_rate=rate)
    assert f"learning_rate = {rate}, granularity = 100.0, dw_min = 0.001" in str(error.value)


def test_the_error_of_a_gain_names_what_it_comes_from() -> None:
    with pytest.raises(
        ValueError, match=r"^gain = 0 from learning_rate = 0.05 \* 1e-06, dw_min = 0.001: must be from 1"
    ):
        make("rider", learning_rate=0.05, factor=1e-6)


@pytest.mark.parametrize("rate", [16.0, 1.0, 1e-5])
def test_the_error_of_a_gain_names_a_threshold_shift_that_fits(rate: float) -> None:
    small = NAMED["small"].replace(gain_bits=6)

    def gain(config: TileConfig) -> int:
        rates, agad = Rates(learning_rate=rate), ALGORITHMS["agad"]
        return settings(agad, config=config, rates=rates, dw_min=0.001, lsb=LSB, warming_up=False).gain

    with pytest.raises(ValueError, match="must be from 1 to 63") as error:
        gain(small)
    shift = int(str(error.value).rpartition("threshold_shift = ")[2])
    assert gain(small.replace(threshold_shift=shift)) in range(1, 64)


def test_direct_writes_start_from_a_smaller_rate_and_tt_v1_without_residual() -> None:
    assert Rates.of("agad") == Rates.of("e-rider") == Rates()
    assert Rates.of("rider") == Rates.of("e-rider-b") == Rates(learning_rate=0.05)
    assert Rates.of("tt-v1") == Rates(learning_rate=0.05, gamma=0.0)
    assert Rates.of("tt-v1", gamma=0.2, reads=3) == Rates(learning_rate=0.05, gamma=0.2, reads=3)
    for name in ALGORITHMS:
        if ALGORITHMS[name].target == FAST:
            assert make(name, **vars(Rates.of(name))).gain > 100


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("learning_rate", -1.0, "from 0 to 16"),
        ("learning_rate", float("inf"), "from 0 to 16"),
        ("momentum", 1.5, "from 0 to 1"),
        ("gamma", "0.1", "a number from 0 to 16"),
        ("granularity", 0.5, "from 1 to 1e+06"),
        ("transfer_every", 0, "from 1 to 1000000"),
        ("transfer_every", 1.5, "an integer from 1 to 1000000"),
        ("reads", 1025, "from 1 to 1024"),
        ("reads", True, "an integer from 1 to 1024"),
    ],
)
def test_bad_rates_are_named(name: str, value: object, allowed: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        Rates(**{name: value})
    assert str(error.value) == f"{name} = {value!r}: must be {allowed}"


RATES = {  # other values than those of every algorithm
    "granularity": 33.0,
    "gamma": 0.7,
    "reads": 2,
    "transfer_every": 3,
    "fast_rate": 0.3,
    "fixed_fast_rate": 0.02,
    "clip_errors": 1,
    "learning_rate": 0.02,
    "momentum": 0.5,
    "scale_rate": 0.5,
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_rate_changes_a_run_exactly_if_it_is_said_to(name: str, rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that change nothing are refused, as an option, in `Rates.of`, and in a run; all others change its state."""
    if rate in without_effect(ALGORITHMS[name]):
        allowed = f"{rate} = {RATES[rate]}: must be left out with {name}, "
        with pytest.raises(ValueError, match=allowed):
            Rates.of(name, **{rate: RATES[rate]})
        with pytest.raises(ValueError, match=allowed):
            tiny.trainer(name, rates=replace(Rates.of(name), **{rate: RATES[rate]}))
        monkeypatch.setattr(Rates, "check", lambda *_: None)
        assert digest(name, replace(Rates.of(name), **{rate: RATES[rate]})) == digest(name, Rates.of(name))
    else:
        assert digest(name, Rates.of(name, **{rate: RATES[rate]})) != digest(name, Rates.of(name))


def digest(name: str, rates: Rates) -> str:
    """Of the state after some steps with this tile, in which all algorithms write."""
    trainer = tiny.trainer(name, rates=rates, reference_mean=0.3, reference_std=0.1)
    trainer.run(80)
    return trainer.metrics().state_sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "analog-sgd", "slow_devices": SoftBounds()}, "slow_devices = SoftBounds.*must be left out"),
        ({"algorithm": "analog-sgd", "programming": Programming()}, "programming = Programming.*must be left out"),
        ({"algorithm": "tt-v2", "choppers": Choppers(scope=Scope.TILE)}, "scope = TILE: must be left out where"),
        ({"task": "weight-programming", "rates": Rates(scale_rate=0.5)}, r"scale_rate = 0.5: must be left out with a"),
    ],
)
def test_other_settings_without_effect_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(TrainingSpec(**changes))


@pytest.mark.parametrize("name", [ALGORITHMS["agad"], 3, None, ["agad"]], ids=["Algorithm", "3", "None", "list"])
def test_an_algorithm_is_named(name: object) -> None:
    with pytest.raises(TypeError, match=r"algorithm = .*: must be a name, one of analog-sgd, tt-v1") as error:
        Trainer(TrainingSpec(algorithm=name))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="algorithm = 'sgd': must be one of analog-sgd, tt-v1"):
        Rates.of("sgd")


def test_a_tile_without_symmetric_points_takes_algorithms_that_do_not_track_them() -> None:
    for name in ("tt-v1", "tt-v2", "c-tt-v2"):
        expected = replace(make(name, learning_rate=0.05), filter=False)
        assert make(name, "no_point", learning_rate=0.05) == expected
    for name, switches in SWITCHES.items():
        reference = switches[0][3]
        if reference != ZERO:
            told = rf"^reference = {reference.name}: must be ZERO for a tile without symmetric_point$"
            with pytest.raises(ValueError, match=told):
                make(name, "no_point", learning_rate=0.05)
