# SPDX-License-Identifier: Apache-2.0
"""Tests of algorithms of one's own: their identity, their hook, and that RTL does what the golden model does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from symtrack.cosim.compare.training import compare
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, CustomAlgorithm, Rates, definition, named
from symtrack.model.spec.settings import ChopperMode, Reference, Settings
from symtrack.model.training.checkpoint import describe
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

FIELDS: dict[str, Any] = {"chopper": ChopperMode.REGULAR, "reference": Reference.LATCHED, "warm_up": True}
OWN_AGAD = CustomAlgorithm(name="own agad", version=1, **FIELDS)


@dataclass(frozen=True, kw_only=True)
class Breathing(CustomAlgorithm):
    """AGAD whose gain is halved in every other sweep of ``sweep`` transfers."""

    sweep: int = 5

    def of_transfer(self, transfer: int, settings: Settings) -> Settings:
        return replace(settings, gain=max(settings.gain // 2, 1)) if transfer // self.sweep % 2 else settings


@dataclass(frozen=True, kw_only=True)
class Nothing(CustomAlgorithm):
    """One whose hook forgets to return."""

    def of_transfer(self, transfer: int, settings: Settings) -> Settings:
        return None  # type: ignore[return-value]


BREATHING = Breathing(name="breathing", version=1, **FIELDS)


def digest(algorithm: str | Algorithm, **arguments: Any) -> str:
    return tiny.digest(algorithm=algorithm, steps=120, **arguments)


def test_the_fields_of_a_known_algorithm_make_the_same_run() -> None:
    assert digest(OWN_AGAD) == digest("agad")
    assert digest(BREATHING) != digest("agad")
    assert digest(replace(BREATHING, sweep=10**9)) == digest("agad")


def test_rates_that_it_starts_from_are_its_own() -> None:
    own = CustomAlgorithm(name="slow", version=2, rates={"learning_rate": 0.02}, **FIELDS)
    assert Rates.of(own).learning_rate == 0.02
    assert Rates.of(own, learning_rate=0.3).learning_rate == 0.3
    with pytest.raises(ValueError, match=r"gamma = 0\.2: must be left out with slow, whose products have no residual"):
        Rates.of(own, gamma=0.2)


def test_it_is_named_by_class_fields_and_version(tmp_path: Path) -> None:
    keys = [
        describe("definition", definition(one))
        for one in (OWN_AGAD, replace(OWN_AGAD, version=2), BREATHING, replace(BREATHING, sweep=6))
    ]
    assert all(keys[i] != keys[j] for i in range(4) for j in range(i))
    run = tiny.trainer(algorithm=BREATHING)
    run.run(30)
    run.save(tmp_path / "run.npz")
    again = tiny.trainer(algorithm=BREATHING)
    again.restore(tmp_path / "run.npz")
    assert again.steps == 30
    with pytest.raises(ValueError, match=r"definition\.version = 1: must be 2, as in this run"):
        tiny.trainer(algorithm=replace(BREATHING, version=2)).restore(tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"definition\.sweep = 5: must be 6, as in this run"):
        tiny.trainer(algorithm=replace(BREATHING, sweep=6)).restore(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="algorithm = 'breathing': must be 'agad'"):
        tiny.trainer(algorithm="agad").restore(tmp_path / "run.npz")


def test_rtl_does_what_the_golden_model_does() -> None:
    run = TrainingSpec(
        task=tiny.task(), algorithm=BREATHING, reference_mean=0.3, reference_std=0.1, rates=Rates(granularity=20.0)
    )
    report = compare(run, engine="native", steps=150, samples=2)
    assert report["agree"], report["first_mismatch"]
    assert report["mismatches"] == 0
    assert report["compared_cycles"] > 5000
    assert (report["task"], report["algorithm"]) == ("tiny", "breathing")
    assert report["golden"]["counts"]["transfer_pulses"] > 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CustomAlgorithm(name="agad", version=1), ValueError, "name = 'agad': must be none of analog-sgd"),
        (lambda: CustomAlgorithm(name=" ", version=1), TypeError, "name = ' ': must be a text"),
        (lambda: CustomAlgorithm(name="own", version=0), ValueError, "version = 0: must be from 1 to 1000000"),
        (lambda: CustomAlgorithm(name="own", version="1"), TypeError, "version = '1': must be an integer"),
        (lambda: CustomAlgorithm(name="own"), TypeError, "version"),
        (
            lambda: CustomAlgorithm(name="own", version=1, chopper="regular"),
            TypeError,
            r"chopper = 'regular': must be one of ChopperMode\.OFF",
        ),
        (lambda: CustomAlgorithm(name="own", version=1, direct=1), TypeError, "direct = 1: must be true or false"),
        (
            lambda: CustomAlgorithm(name="own", version=1, rates={"speed": 1}),
            ValueError,
            "rates: speed = 1: must be on",
        ),
        (lambda: CustomAlgorithm(name="own", version=1, rates=[1]), TypeError, r"rates = \[1\]: must be a mapping"),
        (lambda: digest(Nothing(name="nothing", version=1)), TypeError, "of_transfer = None: must return Settings"),
        (lambda: named(ALGORITHMS["agad"]), TypeError, "or a CustomAlgorithm, which states its version"),
        (lambda: Trainer(TrainingSpec(algorithm=3)), TypeError, "algorithm = 3: must be a name"),  # type: ignore[arg-type]
    ],
)
def test_bad_ones_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
