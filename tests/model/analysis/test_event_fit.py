# SPDX-License-Identifier: Apache-2.0
"""Tests of the closed form of energies: its coefficients are those of the recorded measurements, as are its errors."""

import json

import numpy as np
import pytest

from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import EVENTS
from symtrack.model.spec.config import TileConfig

CONTENT = json.loads(event_fit.FILE.read_text(encoding="utf-8"))
MEASURED = event_fit.measured(CONTENT)


@pytest.mark.parametrize("event", EVENTS)
def test_the_recorded_coefficients_are_a_fit_to_the_recorded_tiles(event: str) -> None:
    again, recorded = event_fit.fit(MEASURED)[event], event_fit.recorded()[event]
    assert set(again.coefficients) == set(recorded.coefficients) == set(event_fit.terms(event, TileConfig()))
    for name, value in again.coefficients.items():
        assert np.isclose(value, recorded.coefficients[name], rtol=1e-6, atol=1e-6), name
    assert (again.largest, again.rms) == pytest.approx((recorded.largest, recorded.rms), abs=1e-5)


@pytest.mark.parametrize("event", EVENTS)
def test_every_tile_is_met_within_the_stated_errors(event: str) -> None:
    errors = [event_fit.picojoules(config)[event] / energies[event] - 1 for config, energies in MEASURED]
    assert 0 < max(map(abs, errors)) <= event_fit.recorded()[event].largest < 0.2
    assert event_fit.recorded()[event].rms < 0.08


def test_another_measurement_makes_another_fit() -> None:
    (config, energies), *others = MEASURED
    changed = event_fit.fit([(config, {event: 1.1 * energy for event, energy in energies.items()}), *others])
    for event in EVENTS:
        assert changed[event].coefficients != event_fit.recorded()[event].coefficients


def test_what_energies_grow_with() -> None:
    base = TileConfig(rows=16, columns=16, lanes=4)
    wide: list[tuple[dict[str, int], str]] = [
        ({"columns": 32}, "slot"),
        ({"rows": 32}, "slot"),
        ({"rows": 32}, "read"),
        ({"hidden_bits": 28}, "read"),
        ({"columns": 32}, "overhead"),
    ]
    for change, event in wide:
        assert event_fit.picojoules(base.replace(**change))[event] > event_fit.picojoules(base)[event], change


def test_a_fit_needs_more_tiles_than_terms() -> None:
    with pytest.raises(ValueError, match="measured: 4 tiles: must be more than the terms"):
        event_fit.fit(MEASURED[:4])
