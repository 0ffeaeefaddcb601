"""Algorithms as settings: what each one switches on, and the gain in physical units."""

import pytest

from model.algorithms import ALGORITHMS, Rates, settings
from model.config import NAMED, Chopper, Reference
from model.devices.cells import WEIGHT_ONE
from model.products import Converters

LSB = Converters().lsb


def make(name: str, config: str = "digits_hidden", warming_up: bool = False, **rates: float):
    return settings(
        ALGORITHMS[name], config=NAMED[config], rates=Rates(**rates), dw_min=0.001, lsb=LSB, warming_up=warming_up
    )


@pytest.mark.parametrize(
    ("name", "chopper", "reference"),
    [
        ("tt-v2", Chopper.OFF, Reference.ZERO),
        ("c-tt-v2", Chopper.REGULAR, Reference.ZERO),
        ("agad", Chopper.REGULAR, Reference.LATCHED),
        ("e-rider", Chopper.REGULAR, Reference.LATCHED),
    ],
)
def test_switches(name: str, chopper: Chopper, reference: Reference) -> None:
    result = make(name)
    assert (result.chopper, result.reference) == (chopper, reference)
    assert result.accumulate
    assert not make(name, warming_up=True).accumulate


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


@pytest.mark.parametrize("rate", [0.0, 1e-9, 5.0])
def test_a_gain_that_does_not_fit_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match=r"gain = \d+ from learning_rate = .*: must be from 1 to 4095") as error:
        make("agad", learning_rate=rate)
    assert f"learning_rate = {rate}" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("learning_rate", -1.0, "from 0 to 16"),
        ("learning_rate", float("inf"), "from 0 to 16"),
        ("momentum", 1.5, "from 0 to 1"),
        ("gamma", "0.1", "a number from 0 to 16"),
        ("granularity", 0.5, "from 1 to 1e+06"),
    ],
)
def test_bad_rates_are_named(name: str, value: object, allowed: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        Rates(**{name: value})
    assert str(error.value) == f"{name} = {value!r}: must be {allowed}"
