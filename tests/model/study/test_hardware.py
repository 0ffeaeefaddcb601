# SPDX-License-Identifier: Apache-2.0
"""Tests of the energy of a run: that of `model.analysis.energy` with the closed form's energies of events."""

from typing import Any

import pytest

from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import EVENTS, PARTS, EventEnergies, joules
from symtrack.model.network.chain import Chain
from symtrack.model.network.macro import Macro
from symtrack.model.spec.config import TileConfig
from symtrack.model.study.case import Case
from symtrack.model.study.execution import golden
from symtrack.model.study.hardware import hardware, joules_of
from symtrack.model.training.history import tiles_of
from symtrack.model.training.metrics import counts
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

RUNS: dict[str, dict[str, Any]] = {
    "perceptron": {"algorithm": "e-rider"},
    "convolutions": {"algorithm": "agad", "network": {"architecture": "lenet5"}},
    "macro": {"algorithm": "agad", "macro": Macro(48, 80)},
    "calibrated": {"algorithm": "tt-v2", "calibration": 300},
    "chain": {"algorithm": Chain(name="two", version=1, arrays=3, slowdown=4)},
}


@pytest.mark.parametrize("name", RUNS)
def test_energy_is_the_sum_over_tiles(name: str) -> None:
    run = TrainingSpec(task="digits", reference_mean=0.3, reference_std=0.1, **RUNS[name])
    trainer = Trainer(run)
    trainer.run(12)
    tiles = list(tiles_of(trainer).values())
    prints = [config.fingerprint for config in hardware(run)]
    assert [run.hardware(tile.config).fingerprint for tile in tiles] == prints
    expected = 0.0
    for tile in tiles:
        config = run.hardware(tile.config)
        told = EventEnergies.of(config, _events(config))
        expected += joules(counts([tile]), told, used=config.used(tile.config.rows, tile.config.columns))["digital"]
    found = golden(Case(experiment="energy", labels=(), run=run, steps=12))
    assert joules_of(run, found["tiles"]) == pytest.approx(expected, rel=1e-9)
    assert expected > 0


def _events(config: TileConfig) -> dict[str, dict[str, float]]:
    """The closed form's energies, all of it as data."""
    picojoules, nothing = event_fit.picojoules(config), dict.fromkeys(PARTS, 0.0)
    return {event: nothing | {"data": picojoules[event]} for event in EVENTS}
