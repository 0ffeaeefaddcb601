# SPDX-License-Identifier: Apache-2.0
"""Tests of the closed form of gates: its coefficients are those of the recorded syntheses, and so are its errors."""

import json

import numpy as np
import pytest

from symtrack.model.analysis import gates
from symtrack.model.spec.config import NAMED, TileConfig

CONTENT = json.loads(gates.FILE.read_text(encoding="utf-8"))


def test_the_recorded_coefficients_are_a_fit_to_the_recorded_syntheses() -> None:
    again = gates.fit(gates.measured(CONTENT))
    recorded = gates.recorded()
    assert set(again.coefficients) == set(recorded.coefficients) == set(gates.terms(NAMED["small"]))
    for name, value in again.coefficients.items():
        assert np.isclose(value, recorded.coefficients[name], rtol=1e-6, atol=1e-6), name
    assert (again.largest, again.rms) == pytest.approx((recorded.largest, recorded.rms), abs=1e-5)
    assert recorded.count == len(CONTENT["syntheses"]) > 30


def test_another_synthesis_makes_another_fit() -> None:
    changed = [(config, count * (1.1 if index == 0 else 1.0)) for index, (config, count) in enumerate(_measured())]
    assert gates.fit(changed).coefficients != gates.recorded().coefficients


def test_every_synthesis_is_met_within_the_stated_errors() -> None:
    errors = [gates.recorded().of(gates.terms(config)) / count - 1 for config, count in _measured()]
    assert 0 < max(map(abs, errors)) <= gates.recorded().largest < 0.06
    assert gates.recorded().rms < 0.03


def test_what_the_logic_grows_with() -> None:
    base = TileConfig(rows=16, columns=16, lanes=4)
    wide = [{"lanes": 8}, {"rows": 32}, {"columns": 32}, {"adc_bits": 12}, {"hidden_bits": 28}]
    for change in wide:
        assert gates.gates([base.replace(**change)]) > gates.gates([base]), change
    assert gates.gates([base.replace(shared_sources=1)]) < gates.gates([base])
    assert gates.gates([base, base]) == pytest.approx(2 * gates.gates([base]), abs=1)


def test_a_fit_needs_more_syntheses_than_terms() -> None:
    for some in ([], _measured()[:5]):
        with pytest.raises(ValueError, match=rf"measured: {len(some)} syntheses: must be more than the terms"):
            gates.fit(some)


def _measured() -> list[tuple[TileConfig, float]]:
    return gates.measured(CONTENT)
