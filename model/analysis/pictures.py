# SPDX-License-Identifier: Apache-2.0
"""Plots of devices: pulse response, step size against weight with the symmetric point, spread over the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.analysis.characterize import nominal_symmetric_point, without_variation
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.files import picture

CELLS = 4  # shown with spread and noise
SPREAD = 64  # rows and columns of the array whose symmetric points are shown
RAMPS = 4
RAMP_MAX = 3000  # pulses in one direction: no device needs more to show its curve
POINTS = 200

Real = NDArray[np.float64]


def ramps(device: Pulsed, *, cells: int, seed: int, every: int = 0) -> tuple[Real, Real]:
    """Pulse numbers [n] and visible weights [n, cells] of ramps up and down; the first cell is nominal.

    A ramp takes twice the pulses that cross the range at full step, rounded up to ten. Points are taken after ``every``
    pulses, by default so many that some hundred remain.
    """
    length = min(-(-int(2 * (device.w_max - device.w_min) / device.dw_min) // 10) * 10, RAMP_MAX)
    signs = np.repeat(np.where(np.arange(RAMPS) % 2, -1, 1), length)
    every = every or max(1, length // POINTS)
    traces = []
    for variant, count in ((without_variation(device), 1), (device, cells - 1)):
        array = DeviceArray(
            cells=variant.cells(rows=count, columns=1, seed=seed, array="ramps"), key=derive_key(seed, "ramps")
        )
        trace = [array.weights[:, 0] / WEIGHT_ONE]
        for part in signs.reshape(-1, every) if len(signs) % every == 0 else signs[:, None]:
            array.pulse_column(0, np.full(count, part.sum()))
            trace.append(array.weights[:, 0] / WEIGHT_ONE)
        traces.append(np.array(trace))
    shown = np.concatenate(traces, axis=1)
    return np.linspace(0.0, len(signs), len(shown)), shown


def steps(device: Pulsed) -> tuple[Real, Real]:
    """Visible weights [n] and the sizes of the steps there [2, n], down and up, of a device without spread."""
    cells = without_variation(device).cells(rows=1, columns=1, seed=0, array="nominal")
    states = np.linspace(cells.low[0, 0], cells.high[0, 0], POINTS).astype(np.int64)
    sizes = np.array([[cells.changes(up, np.full((1, 1), v))[0, 0] for v in states] for up in (0, 1)])
    return (states - cells.reference[0, 0]) / WEIGHT_ONE, sizes / WEIGHT_ONE


def device_picture(devices: Mapping[str, Pulsed], *, seed: int, form: str = "png") -> bytes:
    """A picture with a line of three panels for every device."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(11, 2.6 * len(devices)), layout="constrained")
    panels = figure.subplots(len(devices), 3, squeeze=False)
    for (name, device), (response, step, spread) in zip(devices.items(), panels, strict=True):
        _response(response, device, seed)
        response.set(title=name, xlabel="pulse", ylabel="weight")
        weights, (down, up) = steps(device)
        point = nominal_symmetric_point(device)
        step.plot(weights, up, label="up")
        step.plot(weights, down, label="down")
        if point is not None:
            step.axvline(point, color="black", linestyle=":", label=f"SP {point:.3f}")
        step.set(xlabel="weight", ylabel="step", ylim=0)
        step.legend(fontsize="x-small")
        cells = device.cells(rows=SPREAD, columns=SPREAD, seed=seed, array="spread")
        points = cells.symmetric_point()[cells.has_symmetric_point()] / WEIGHT_ONE
        spread.hist(points, bins=60, color="tab:green")
        figures = f": {points.mean():.3f} ± {points.std():.3f}" if points.size else ""
        spread.set(xlabel=f"SP of {points.size:,} cells{figures}", yticks=[])
    for axes in panels.ravel():
        axes.grid(alpha=0.3)
    return picture(figure, dpi=80, form=form)


def _response(axes: Any, device: Pulsed, seed: int) -> None:
    pulses, weights = ramps(device, cells=CELLS, seed=seed)
    axes.plot(pulses, weights[:, 1:], linewidth=0.7, alpha=0.7)
    axes.plot(pulses, weights[:, 0], color="black", linewidth=1.2)
