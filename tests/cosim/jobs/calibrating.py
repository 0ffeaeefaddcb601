# SPDX-License-Identifier: Apache-2.0
"""Simulation job that calibrates an array of random symmetric points and programs its reference array."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.model.analysis.zero_shifting import Theory
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Settings
from symtrack.model.tile.interface import PeripheryFactory

PULSES, SWEEPS = 400, 24
TOLERANCE = 64  # units of Q, 64 of them an ADC LSB
NO_VARIATION = {"dw_min_std": 0.0, "dw_min_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}


def calibrated(config: TileConfig, periphery: PeripheryFactory) -> dict[str, Any]:
    """Calibrate P, let the filter settle and program R by write and verify; returns all that comes of it."""
    rows, columns = config.rows, config.columns

    def cells(name: str, **spread: float) -> Any:
        device = SoftBounds(**{"dw_min": 0.01, "w_max": 1.0, "w_min": -1.0, **NO_VARIATION, **spread})
        return device.cells(rows=rows, columns=columns, seed=4, array=name)

    tile = Crossbar(
        config=config,
        periphery=periphery,
        fast=cells("fast", up_down=0.3, up_down_dtod=0.2),
        slow=cells("slow"),
        converters=Converters(),
        gamma=0.1,
        seed=4,
        name="tile",
        reference=cells("reference", dw_min=0.02, dw_min_std=0.3),
        programming=Settings(gain=1500, tolerance=TOLERANCE, rounds=40),
    )
    theory = Theory.of(tile.fast)
    tile.calibrate(PULSES, SWEEPS, NoiseStream(derive_key(4, "reads")))
    state = tile.periphery.state_arrays()
    return {
        "expected": theory.target + theory.error * np.exp(-theory.rate * PULSES),
        "target": theory.target,
        "start": theory.error,
        "step": theory.step,
        "p": tile.fast.weights.copy(),
        "r": tile.reference.copy(),
        "qref_weight": tile.to_weight(np.array(state["qref"]).T),
        "lsb": tile.converters.read_lsb,
        **{name: np.array(state[name]) for name in ("q", "qref", "slots", "reads", "reference_pulses", "unprogrammed")},
    }


def job(bench: Bench) -> dict[str, Any]:
    """The job `calibrated` with the RTL of the bench."""
    return calibrated(bench.config, bench.periphery)


def zeros(bench: Bench, pulses: int, sweeps: int) -> int:
    """A calibration whose reads are all zero; returns the cycles that it takes."""
    tile = bench.periphery(bench.config)
    tile.calibrate(pulses, np.zeros((sweeps * bench.config.columns, bench.config.rows), np.int64))
    return tile.cycles


class Stuck:
    """Cells of R that are read as zero, whatever is written to them."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.int64)

    def read(self) -> np.ndarray:
        """ADC codes [R]."""
        return self.codes

    def write(self, pulses: np.ndarray) -> None:
        """Takes no effect."""


def stuck(bench: Bench, rounds: int) -> tuple[int, int]:
    """A programming of cells that cannot be moved to Qref; returns its rounds and the cells that were given up."""
    config = bench.config
    tile = bench.periphery(config)
    tile.calibrate(0, np.full((2 * config.columns, config.rows), config.code_format.high))
    played = tile.program(0, Settings(rounds=rounds), Stuck(config.rows))
    return played, int(tile.state_arrays()["unprogrammed"])
