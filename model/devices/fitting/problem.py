# SPDX-License-Identifier: Apache-2.0
"""The likelihood of measured pulse responses, and its maximum.

Minimised over the parameters theta of `fit_models` is

    L = 1/2 sum(e**2 / S + ln(2 pi S)) + 1/2 (theta - center)' Q (theta - center)

with errors e and variances S of the predictions of `model.devices.fitting.filter`. The second part is a weak prior:
what the data do not determine stays near where it started, and curves of tables are smooth. The derivatives of all e
and S come from one pass over the pulses with one parameter moved per set, a deviation in all cells at once, since no
cell depends on another. With those, the Fisher information

    F = sum(de de / S + dS dS / (2 S**2)),

to which Q is added, stands for the second derivative in scipy's trust-region method. It says what is known, too:
F / (F + Q) has the trace k, the number of parameters that the data determine, and

    BIC = 2 * (first part of L) + k * ln(points)

ranks the families. It is taken over all readings with their normal density mixed with that of bad ones, so that none
adds more than -ln(c u) to it:

    -sum(ln((1 - c) * N(e; S) + c * u))    instead of the first part of L

A fit climbs on L without the readings that the mixture gives up, `outliers`: one that is followed by another like it is
a jump of the cell and stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from symtrack.model.devices.fitting import filter as ff
from symtrack.model.devices.fitting.data import Recording
from symtrack.model.devices.fitting.models import OWN, SHARED, Model, Start

_MOVE = 1e-5  # of a parameter, for a derivative
_ITERATIONS = 80
_SETTLED = 1e-6  # twice what L can still fall: a shift of a thousandth of a standard deviation
_TRUSTED = 0.5  # trust in a reading, below which it is an outlier
_GIVEN_UP = 0.02  # of the readings, at most
_BAD = 1e15  # L where a prediction is no number

Real = NDArray[np.float64]


class FitProblem:
    """L, its gradient and its second derivative by theta = shared parameters, then the deviations of every cell."""

    def __init__(self, recording: Recording, model: Model, begin: Start) -> None:
        self.recording, self.model, self.begin, self.shared = recording, model, begin, len(begin.shared)
        several = recording.cells > 1  # a single cell has no deviations
        self.own = OWN if several else 0
        self.start = np.concatenate([begin.shared, begin.own.ravel()]) if several else begin.shared
        self.center = np.concatenate([begin.shared, np.zeros(self.own * recording.cells)])
        widths = np.concatenate(
            [begin.widths, np.tile(begin.own_widths, recording.cells)[: self.own * recording.cells]]
        )
        self.prior = np.diag(widths**-2.0)
        if begin.smooth:
            curves = np.arange(SHARED, self.shared).reshape(-1, 2).T  # up and down
            for curve in curves:
                bend = np.diff(np.eye(len(curve)), n=2, axis=0) / begin.smooth
                self.prior[np.ix_(curve, curve)] += bend.T @ bend
            self.center[curves] = 0.0
        self._last: tuple[bytes, Real, Real] | None = None
        self._slopes: Real | None = None  # of theta at _last, float64[theta of a cell, n]

    def split(self, theta: Real) -> tuple[Real, Real]:
        """Shared parameters, and deviations float64[cells, OWN]."""
        own = np.zeros((self.recording.cells, OWN))
        if self.own:
            own[:] = theta[self.shared :].reshape(-1, OWN)
        return theta[: self.shared], own

    def predict(self, shared: Real, own: Real, bad: float = 0.0) -> tuple[Real, Real, Real]:
        """e, S and t, float64[sets, n], of shared[sets, n] and own[sets, cells, OWN]."""
        data = self.recording
        sets, nodes = self.model.parts(shared, own)
        errors, variances, trusts = np.empty((3, len(sets), len(data.weights)))
        kind, multiplicative = self.model.kind, self.model.mult_noise
        pulses = data.first, data.up, data.weights
        ff.predict(kind, multiplicative, sets, nodes, *pulses, bad, errors, variances, trusts)
        return errors, variances, trusts

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """Readings that are there, but for the first of every cell, bool[n]."""
        there = np.isfinite(self.recording.weights)
        there[self.recording.first[:-1]] = False
        return there

    def misfit(self, theta: Real, bad: float = 0.0) -> float:
        """First part of L, or of the criterion for a share of bad readings."""
        shared, own = self.split(theta)
        errors, variances, _ = self.predict(shared[None], own[None], bad)
        normal = -0.5 * (errors**2 / variances + np.log(2 * np.pi * variances))[0, self.predicted]
        if bad:
            normal = np.logaddexp(normal + np.log(1 - bad), np.log(bad * ff.DENSITY))
        value = -float(normal.sum())
        return value if np.isfinite(value) else _BAD

    def outliers(self, theta: Real) -> NDArray[np.bool_]:
        """Readings that no pulse explains, bool[n]; none where there are so many that the family is at fault.

        One, or two in a row, are bad if the next one is back where they should have been; else the cell has jumped.
        """
        shared, own = self.split(theta)
        errors, _, trusts = (part[0] for part in self.predict(shared[None], own[None], ff.BAD))
        owner = np.repeat(np.arange(self.recording.cells), np.diff(self.recording.first))
        there, weights = np.flatnonzero(self.predicted), self.recording.weights
        result = np.zeros(len(weights), dtype=np.bool_)
        for place in np.flatnonzero(trusts[there] < _TRUSTED):
            k, *later = (after for after in there[place : place + 3] if owner[after] == owner[there[place]])
            expected, near = weights[k] - errors[k], 0.5 * abs(errors[k])
            back = [abs(weights[after] - expected) < near for after in later]
            if not back or back[0]:
                result[k] = True
            elif back[1:] == [True]:  # the filter takes the second for a jump, so that it does not doubt it
                result[[k, later[0]]] = True
        if result.sum() > max(1, _GIVEN_UP * there.size):
            result[:] = False
        return result

    def suspects(self, theta: Real) -> NDArray[np.bool_]:
        """Readings that the filter does not trust, whether the cell has jumped or not, bool[n]."""
        shared, own = self.split(theta)
        _, _, trusts = (part[0] for part in self.predict(shared[None], own[None], ff.BAD))
        return self.predicted & (trusts < _TRUSTED)

    def __call__(self, theta: Real) -> float:
        return self.misfit(theta) + 0.5 * float((theta - self.center) @ self.prior @ (theta - self.center))

    def _derivatives(self, theta: Real) -> tuple[Real, Real]:
        """Gradient and Fisher information of the first part of L."""
        if self._last is None or self._last[0] != theta.tobytes():
            self._last = (theta.tobytes(), *self._differences(theta))
        return self._last[1:]

    def _differences(self, theta: Real) -> tuple[Real, Real]:
        count = self.shared + self.own
        shared, own = self.split(theta)
        moved, moved_own = np.tile(shared, (count + 1, 1)), np.tile(own, (count + 1, 1, 1))
        for k in range(count):
            if k < self.shared:
                moved[k + 1, k] += _MOVE
            else:
                moved_own[k + 1, :, k - self.shared] += _MOVE
        errors, variances, _ = self.predict(moved, moved_own)
        e, s = errors[0], variances[0]
        by_error, by_variance = (errors[1:] - e) / _MOVE, (variances[1:] - s) / _MOVE
        slope = by_error * (e / s) + by_variance * (0.5 * (1 - e * e / s) / s)
        slope[:, e == 0] = 0.0  # nothing was there to predict
        self._slopes = slope
        by_error /= np.sqrt(s)
        by_variance /= np.sqrt(2.0) * s
        blocks = np.zeros((self.recording.cells, count, count))
        ff.products(self.recording.first, by_error, blocks)
        ff.products(self.recording.first, by_variance, blocks)
        gradient, fisher = np.zeros(len(theta)), np.zeros((len(theta), len(theta)))
        for cell in range(self.recording.cells):
            here, begin = self.recording.of(cell), self.shared + self.own * cell
            places = np.r_[: self.shared, begin : begin + self.own]
            gradient[places] += slope[:, here].sum(axis=1)
            fisher[np.ix_(places, places)] += blocks[cell]
        return np.nan_to_num(gradient), np.nan_to_num(fisher)

    def block_gradients(self, theta: Real, length: int) -> Real:
        """Gradients of the first part of L of blocks of pulses of one cell, float64[blocks, theta]."""
        self._derivatives(theta)
        assert self._slopes is not None
        blocks = []
        for cell in range(self.recording.cells):
            here, begin = self.recording.of(cell), self.shared + self.own * cell
            places = np.r_[: self.shared, begin : begin + self.own]
            for first in range(here.start, here.stop, length):
                block = np.zeros(len(theta))
                block[places] = np.nan_to_num(self._slopes[:, first : min(first + length, here.stop)].sum(axis=1))
                blocks.append(block)
        return np.array(blocks)

    def gradient(self, theta: Real) -> Real:
        """Of L."""
        return self._derivatives(theta)[0] + self.prior @ (theta - self.center)

    def information(self, theta: Real) -> Real:
        """Fisher information and prior."""
        return self._derivatives(theta)[1] + self.prior

    def parameters(self, theta: Real) -> float:
        """k: how many the data determine."""
        return float(np.trace(np.linalg.solve(self.information(theta), self._derivatives(theta)[1])))

    def bic(self, theta: Real) -> float:
        """The criterion of the ranks."""
        return 2 * self.misfit(theta) + self.parameters(theta) * float(np.log(self.recording.points))

    def solve(self, begin: Real, iterations: int = _ITERATIONS) -> Real:
        """theta of the least L."""

        def settled(intermediate_result: OptimizeResult) -> None:
            x = intermediate_result.x
            slope = self.gradient(x)
            if slope @ np.linalg.solve(self.information(x), slope) < _SETTLED:
                raise StopIteration

        options = {"initial_trust_radius": 0.5, "max_trust_radius": 3.0, "gtol": 1e-2, "maxiter": iterations}
        result = minimize(
            self,
            begin,
            method="trust-exact",
            jac=self.gradient,
            hess=self.information,
            callback=settled,
            options=options,
        )
        return np.asarray(result.x)
