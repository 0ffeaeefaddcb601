# SPDX-License-Identifier: Apache-2.0
"""Zero-shifting calibration, simulated: alternating or random pulses drive every cell to its symmetric point w*.

At w* an up and a down pulse have the same size. Per pulse, with as many up as down, the error e = w - w* shrinks by

    e <- (1 - rate) * e,    rate = (k_up + k_down) / 2,    k = change of the step size per weight,

because step_up(w) - step_down(w) = -(k_up + k_down) * e. Soft bounds with the steps dw * a_up * (1 - w / tau) and
dw * a_down * (1 + w / tau) have k = dw * a / tau and w* = tau * (a_up - a_down) / (a_up + a_down). From
|w0 - w*| * exp(-rate * N) = epsilon * |w*| follows

    N = ln(|w0 - w*| / (epsilon * |w*|)) * 2 * tau / (dw * (a_up + a_down)).

What stays of a pair is the limit cycle of alternating pulses, down to w* - share * s and back up by s, where s is the
step at w* and share = k_down / (k_up + k_down), or a random walk of step s (random signs), and the write noise of
standard deviation n of every pulse, summed with the weights (1 - rate)^m:

    floor^2 = (share * s)^2 + n^2 / (2 * rate)  (cyclic),      floor^2 = (s^2 + n^2) / (2 * rate)  (random).

s, n and rate are of order dw: the floor is of order dw for alternating pulses without noise only, and of order sqrt(dw)
in every other case. All formulas are the first order in dw, and in e where steps are no straight lines. The rounding of
a step to whole units of the weight format adds up to 2^-31 / rate: it shows in a noiseless floor from dw = 1e-4 down.

Pulses go in pairs. The error of a pair is read where the limit cycle cancels, at the mid-point of the weights after its
two pulses, or after its second pulse where signs are random and there is nothing to cancel. The mid-point settles at
w* + (1/2 - share) * s, which moves the number of pulses by a constant, whatever dw is. Lengths are in pulses per cell.
Pulses are integer arithmetic of `model.devices`; the figures drawn from them are float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.arithmetic.noise import derive_key, words
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.responses import Kind
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import integral

METHODS = ("cyclic", "random")
SCOPES = ("cell", "array")

_BLOCK = 64  # pulses whose signs are the bits of one random word
_TAIL = 10  # the last 1/10 of the pairs counts for the floor
_SETTLED = 14  # time constants, 1 / rate, after which nothing is left of the start: exp(-14) = 8e-7
_NEAR = WEIGHT_ONE >> 6  # the symmetric point, for differences: steps are rounded to units

Real = NDArray[np.float64]


def _rms(values: Real) -> float:
    return sqrt(float((values * values).sum()) / values.size)


def _slopes(cells: Cells) -> Real:
    """k of down and up pulses at the symmetric point, float64[2, R, C]; both are positive where steps vanish."""
    if cells.kind == Kind.LINEAR:
        return cells.slope / WEIGHT_ONE
    state = cells.symmetric_point() + cells.reference
    below, above = np.maximum(state - _NEAR, cells.low), np.minimum(state + _NEAR, cells.high)
    down, up = (cells.changes(index, above) - cells.changes(index, below) for index in (0, 1))
    return np.stack([down, -up]) / (above - below)


@dataclass(frozen=True, kw_only=True)
class Theory:
    """Predictions of the equations above for the cells of an array.

    Attributes
    ----------
    error : float64[R, C], at the start, in weights.
    target : float64[R, C], the symmetric point.
    rate : float64[R, C], relative decrease of the error per pulse.
    step, noise : float64[R, C], size of a pulse at the symmetric point, and standard deviation of its write noise.
    share : float64[R, C], the part of the limit cycle that lies below the symmetric point.
    """

    error: Real
    target: Real
    rate: Real
    step: Real
    noise: Real
    share: Real

    @classmethod
    def of(cls, array: DeviceArray) -> Theory:
        """The predictions for an array as it stands. Raises ValueError for cells without a symmetric point."""
        cells, target = array.cells, array.symmetric_point()
        slope = _slopes(cells)
        if slope.sum(axis=0).min() <= 0:
            raise ValueError("slope of the cells: must be above 0 in sum, else nothing pulls to a symmetric point")
        size = cells.changes(1, target + cells.reference) / WEIGHT_ONE
        full = np.sqrt((cells.step.astype(np.float64) ** 2).mean(axis=0)) / WEIGHT_ONE  # of both directions
        return cls(
            error=(array.weights - target) / WEIGHT_ONE,
            target=target / WEIGHT_ONE,
            rate=slope.mean(axis=0),
            step=size,
            noise=cells.noise / WEIGHT_ONE * (size if cells.multiplicative else full),
            share=slope[0] / slope.sum(axis=0),
        )

    @property
    def scale(self) -> float:
        """What errors are relative to: RMS over the cells of the symmetric points."""
        return _rms(self.target)

    def pulses(self, relative_error: float) -> float:
        """Pulses until the RMS error without a floor is ``relative_error * scale``; the closed form if all cells agree.

        Cells of different rates have no closed form, but an RMS error that falls: bisection.
        """

        def above(pulses: float) -> bool:
            return _rms(self.error * np.exp(-self.rate * pulses)) > relative_error * self.scale

        low, high = 0.0, 1.0 / float(self.rate.min())
        if not above(low):
            return 0.0
        while above(high):
            low, high = high, 2 * high
        while high - low > 1e-9 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if above(middle) else (low, middle)
        return high

    def long(self, relative_error: float) -> int:
        """An even number of pulses with room to reach the error, and the floor in the end."""
        return 2 * int(np.ceil(max(self.pulses(relative_error), _SETTLED / float(self.rate.mean()) / 2)))

    def floor(self, method: str) -> float:
        """RMS error that stays, as a weight."""
        limit = (self.share * self.step) ** 2 if method == "cyclic" else self.step**2 / (2 * self.rate)
        return float(np.sqrt(np.mean(limit + self.noise**2 / (2 * self.rate))))


@dataclass(frozen=True, kw_only=True)
class ZeroShifting:
    """Measured course of a zero-shifting; all errors are weights.

    rms: float64[pairs + 1], RMS over the cells of the error of a pair, entry 0 before the first.
    systematic: float64[pairs + 1], what the cells have in common of it, sum(e * e0) / sqrt(cells * sum(e0^2)) with e0
        the errors of the start: equal to ``rms`` up to the sign where all cells do the same. Noise averages out.
    touch: float64[2 * pairs + 1], RMS over the cells after every single pulse, limit cycle included.
    residual: float64[R, C], w - w* after the last pulse.
    """

    rms: Real
    systematic: Real
    touch: Real
    residual: Real

    @property
    def floor(self) -> float:
        """RMS over the cells and the last tenth of the pairs of the error after a pair."""
        tail = self.touch[::-2][: max(self.rms.size // _TAIL, 1)]
        return _rms(tail)


def prepared(
    device: Pulsed, *, rows: int, columns: int, start: float, relative_error: float, seed: int
) -> tuple[DeviceArray, Theory]:
    """An array before its calibration, all cells at the weight ``start``, and what theory says about it.

    Raises
    ------
    ValueError
        ``start`` is out of the bounds, a step is larger than half of the nearer one, the cells have no symmetric point,
        or ``relative_error`` of it is less than ten units of the weight format.
    """
    low, high = device.w_min, device.w_max
    if not low <= start <= high:
        raise ValueError(f"start = {start:g}: must be within the bounds, from {low:g} to {high:g}")
    if device.dw_min > min(high, -low) / 2:
        raise ValueError(f"dw_min = {device.dw_min:g}: must be at most half of the nearer bound, {min(high, -low):g}")
    cells = device.cells(rows=rows, columns=columns, seed=seed, array="calibration")
    array = DeviceArray(cells=cells, key=derive_key(seed, "calibration", "write noise"))
    array.program(np.full(cells.shape, to_weight(start)))
    theory = Theory.of(array)
    if theory.scale * relative_error < 1e-8:
        raise ValueError(
            f"up_down = {device.up_down:g}: must put the symmetric point so far from 0 that "
            f"relative_error = {relative_error:g} of it is at least 1e-8"
        )
    return array, theory


def reached(errors: Real, limit: float) -> int | None:
    """Index of the first error within the limit, None if there is none."""
    within = np.flatnonzero(np.abs(errors) <= limit)
    return int(within[0]) if within.size else None


def signs(method: str, *, scope: str, rows: int, columns: int, seed: int) -> Iterator[Int]:
    """Endless pulse counts of +1 and -1, int64[R, C] each.

    Cyclic: up, down, up, ... for all cells. Random, scope "array": one sign for all cells of a pulse, as a tile applies
    it in one slot; cells that are alike then share one walk. Scope "cell": a sign for every cell, independent samples
    of that walk, so that RMS and mean over the array are those of one cell. The stream has a key of its own.
    """
    if method == "cyclic":
        up = np.ones((rows, columns), dtype=np.int64)
        while True:
            yield up
            yield -up
    key = derive_key(seed, "calibration", "signs", scope)
    shape = (rows, columns) if scope == "cell" else (1, 1)
    count = shape[0] * shape[1]
    first = 0
    while True:
        block = words(key, count, first).reshape(shape)
        first += count
        for bit in range(_BLOCK):
            sign = ((block >> np.uint64(bit)) & np.uint64(1)).astype(np.int64) * 2 - 1
            yield np.broadcast_to(sign, (rows, columns))


def calibrate(
    array: DeviceArray,
    *,
    method: str,
    scope: str = "cell",
    pulses: int,
    seed: int,
    advance: Callable[[int], None] = lambda amount: None,
) -> ZeroShifting:
    """Zero-shift the cells of ``array`` from where they are.

    Parameters
    ----------
    array
        Is pulsed.
    method, scope
        One of `METHODS` and of `SCOPES`, see `signs`.
    pulses
        To every cell; even.
    seed
        Of random signs; the write noise has the array's own key.
    advance
        Told how many pulses are done, now and then.

    Raises
    ------
    ValueError
        A parameter is not allowed; the message names it, its value and what is allowed.
    """
    if method not in METHODS:
        raise ValueError(f"method = {method!r}: must be one of {', '.join(METHODS)}")
    if scope not in SCOPES:
        raise ValueError(f"scope = {scope!r}: must be one of {', '.join(SCOPES)}")
    if (pulses := integral("pulses", pulses)) < 2 or pulses % 2:
        raise ValueError(f"pulses = {pulses}: must be an even number from 2, pulses go in pairs")
    rows, columns = array.cells.shape
    target = array.symmetric_point().T.ravel()  # by columns
    start = (array.weights.T.ravel() - target) / WEIGHT_ONE
    direction = start / max(_rms(start), 1 / WEIGHT_ONE)
    rms, systematic, touch = np.empty(pulses // 2 + 1), np.empty(pulses // 2 + 1), np.empty(pulses + 1)
    rms[0] = touch[0] = _rms(start)
    systematic[0] = (start * direction).sum() / start.size
    previous = start
    stream = signs(method, scope=scope, rows=rows, columns=columns, seed=seed)
    for number, counts in enumerate(islice(stream, pulses), 1):
        array.pulse(counts)
        error = (array.weights.T.ravel() - target) / WEIGHT_ONE
        touch[number] = _rms(error)
        if number % 2 == 0:
            middle = (previous + error) / 2 if method == "cyclic" else error
            rms[number // 2] = _rms(middle)
            systematic[number // 2] = (middle * direction).sum() / start.size
        previous = error
        if number % _BLOCK == 0:
            advance(_BLOCK)
    advance(pulses % _BLOCK)
    return ZeroShifting(rms=rms, systematic=systematic, touch=touch, residual=previous.reshape(columns, rows).T)
