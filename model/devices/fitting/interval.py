# SPDX-License-Identifier: Apache-2.0
"""How well a fit knows its symmetric point: an interval that holds it in about 95 of 100 recordings.

From the most likely theta, with the gradients g of L of blocks of BLOCK pulses and C the inverse of information and
prior, parameters are drawn in two ways, and the wider ends of both count:

    normal      theta + N(0, C), which is right if the family is
    bootstrap   theta - C * sum((m - 1) * g),   m how often each block is drawn: one Newton step of a fit to these
                blocks, which sees what a wrong family or noise that is no noise of a pulse does to it

Of several cells, those that make the mean device are drawn anew, too. The symmetric point is that of the float
equations of a device with the mean steps and bounds of the cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.fitting import filter as ff
from symtrack.model.devices.fitting.problem import FitProblem

DRAWS = 400  # of each kind
BLOCK = 25
LEVEL = 0.95
_HALVINGS = 50

Real = NDArray[np.float64]


@njit(cache=True)
def _crossings(kind, sets, nodes, result):  # type: ignore[no-untyped-def]
    """Weights where up and down steps are equal, float64[sets], or the bound to which the pulses lead."""
    for j in range(sets.shape[0]):
        c = sets[j]
        lo, hi = c[ff.LO], c[ff.HI]
        below, above = lo, hi
        for _ in range(_HALVINGS):
            w = 0.5 * (below + above)
            f, _ = ff.step(kind, 1, w, lo, hi, c[ff.UP], c[ff.UP + 1], c[ff.UP + 2], nodes[j])
            g, _ = ff.step(kind, 0, w, lo, hi, c[ff.DOWN], c[ff.DOWN + 1], c[ff.DOWN + 2], nodes[j])
            if f > g:
                below = w
            else:
                above = w
        result[j] = 0.5 * (below + above)


def symmetric_points(problem: FitProblem, shared: Real, own: Real, chosen: NDArray[np.int64]) -> Real:
    """Symmetric points of mean devices, float64[sets], of shared[sets, n], own[sets, cells, OWN], cells[sets, n]."""
    model = problem.model
    sets, nodes = model.parts(shared, own)
    mean = np.take_along_axis(sets, chosen[..., None], axis=1).mean(axis=1)
    if model.family == "soft-bounds":  # their slopes are those of the mean bounds
        mean[:, ff.UP + 1], mean[:, ff.DOWN + 1] = 1 / mean[:, ff.HI], -1 / mean[:, ff.LO]
    result = np.empty(len(mean))
    _crossings(model.kind, np.ascontiguousarray(mean), nodes, result)
    return result


def shifts(problem: FitProblem, theta: Real) -> tuple[float, float]:
    """Lower and upper end of the interval, relative to the symmetric point of theta; weights."""
    rng, cells = np.random.default_rng(0), problem.recording.cells
    covariance = np.linalg.inv(problem.information(theta))
    covariance = (covariance + covariance.T) / 2
    values, vectors = np.linalg.eigh(covariance)
    normal = rng.standard_normal((DRAWS, len(theta))) * np.sqrt(np.maximum(values, 0)) @ vectors.T
    gradients = problem.block_gradients(theta, BLOCK)
    counts = rng.multinomial(len(gradients), np.full(len(gradients), 1 / len(gradients)), size=DRAWS)
    bootstrap = -((counts - 1.0) @ gradients) @ covariance
    everything = np.arange(cells)
    ends = []
    for moves in (normal, bootstrap):
        drawn = rng.integers(0, cells, (DRAWS, cells))
        thetas = np.concatenate([theta[None], theta + moves])
        parts = [problem.split(one) for one in thetas]
        shared, own = (np.stack([part[k] for part in parts]) for k in (0, 1))
        points = symmetric_points(problem, shared, own, np.concatenate([everything[None], drawn]))
        ends.append(np.quantile(points[1:] - points[0], ((1 - LEVEL) / 2, (1 + LEVEL) / 2)))
    low, high = np.array(ends).T
    return float(min(low.min(), 0.0)), float(max(high.max(), 0.0))
