# SPDX-License-Identifier: Apache-2.0
"""Start values of device fits, from straight lines through the measured steps.

    step(w) = at_zero * (1 -+ slope * w),  upwards -, downwards +

Increments share a noisy weight with their neighbour: with read noise r, their covariance from one to the next is -r**2.
The lines are biased by it, which does not matter for a start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.data import Recording

CELL_STEPS = 10  # steps of a cell in one direction, for a first guess of its own

Real = NDArray[np.float64]


def _spans(w: Real) -> bool:
    return len(w) > 2 and float(np.ptp(w)) > 1e-9


@dataclass(frozen=True)
class Guess:
    """First figures of a recording, direction 0 down and 1 up."""

    mean: Real  # step, of all cells
    at_zero: Real  # step of a straight line through the steps, at weight 0
    slope: Real  # of the line towards the bound, relative to ``at_zero``
    cells: Real  # ln of mean step of a cell / that of all cells, float64[2, cells]
    ends: Real  # largest distance from 0 downwards and upwards, float64[2, cells]
    sigma: float
    read: float

    @classmethod
    def of(cls, recording: Recording) -> Guess:
        """Straight lines through the steps; read noise from the covariance of successive increments."""
        w, moved, up, owner = recording.increments()
        scale = float(np.nanstd(recording.weights))
        mean, at_zero, slope = np.zeros(2), np.zeros(2), np.zeros(2)
        logs = np.zeros((2, recording.cells))
        for k in (0, 1):
            there = up == k
            slant, level = np.polyfit(w[there], moved[there], 1) if _spans(w[there]) else (0.0, 0.0)
            mean[k] = max(float(moved[there].mean()) if there.any() else 0.0, 1e-4 * scale)
            at_zero[k] = max(float(level), 0.2 * mean[k])
            slope[k] = -slant * (2 * k - 1) / at_zero[k]
            for cell in range(recording.cells):
                own = moved[there & (owner == cell)]
                if own.size >= CELL_STEPS:
                    logs[k, cell] = np.log(np.clip(own.mean() / mean[k], 0.5, 2.0))
        ends = np.zeros((2, recording.cells))
        for cell in range(recording.cells):
            ends[:, cell] = np.nanquantile(recording.weights[recording.of(cell)], (0.01, 0.99)) * (-1, 1)
        ends = np.maximum(ends, 0.05 * ends.max())
        known = np.minimum(recording.up, 1)  # an unknown pulse has no weight, so no increment
        rest = np.full(len(known), np.nan)
        for cell in range(recording.cells):
            here = recording.of(cell)
            signs = 2.0 * known[here][1:] - 1
            before = slice(here.start, here.stop - 1)
            after = slice(here.start + 1, here.stop)
            line = at_zero[known[after]] * (1 - slope[known[after]] * signs * recording.weights[before])
            rest[after] = np.diff(recording.weights[here]) - signs * line
        there = np.isfinite(rest)
        # Without noise the valley of the likelihood is too narrow to be found, hence never less than a tenth of a step.
        variance = max(float(rest[there].var()) if there.any() else 0.0, 0.1 * float(mean.mean()) ** 2)
        pairs = rest[1:][there[1:] & there[:-1]] * rest[:-1][there[1:] & there[:-1]]
        read = np.clip(-pairs.mean() if pairs.size else 0.0, 0.05 * variance, 0.5 * variance)
        sigma = np.sqrt(max(variance - 2 * read, 0.05 * variance)) / mean.mean()
        return cls(mean, at_zero, slope, logs, ends, float(np.clip(sigma, 0.01, 20)), float(np.sqrt(read) + 1e-6))
