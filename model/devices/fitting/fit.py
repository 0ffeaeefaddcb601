# SPDX-License-Identifier: Apache-2.0
"""Fits device families to measured pulse responses: parameters, spread over the cells, noise, and a ranking.

`fit_problem` says what is minimised and what the families are ranked by, `fit_models` what their parameters mean. The
spread over the cells is that of their estimates, less what their uncertainty contributes:

    spread**2 = variance of the estimates - mean variance of their errors, given what the cells share

Families are ranked by BIC, but one comes behind the others if it owes its BIC to its few parameters alone: if another
family is more likely, and the free run of the first is off by more than FAR times the error of the other and TWICE what
noise does to that. BIC judges predictions from one pulse to the next, which a wrong family may hide in its noise. How
far the steps of a family are from the measured ones is `Fit.systematic`: errors of predictions, averaged in bins of
direction and weight, where noise averages out.

A fit comes with the golden integer cells of the family that is written, one for every measured cell. They are pulsed
without noise from the first weight (a free run), and the symmetric points are theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.analysis.characterize import nominal_symmetric_point, without_variation
from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.fitting import filter as ff
from symtrack.model.devices.fitting.data import UNKNOWN, Outlier, Recording
from symtrack.model.devices.fitting.guess import Guess
from symtrack.model.devices.fitting.interval import shifts
from symtrack.model.devices.fitting.models import HIGH, LOW, MODELS, OWN, STEP_DOWN, STEP_UP, Model, starts
from symtrack.model.devices.fitting.problem import FitProblem
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.pulsed import BOUND_MAX, Draws, Pulsed

_ROUNDS = 3  # of leaving readings out that no pulse explains
_TRIED = 32  # rows and columns of an array that has to work
_FITTED = {"dw_min", "dw_min_std", "read_noise_std", "up_down", "w_max", "w_min", "gamma_up", "gamma_down"}
_FITTED |= {"A_up", "A_down", "pow_gamma", "pow_up_down"}  # what a fit sets and may find at a limit
FAR, TWICE = 1.5, 2.0  # see above
SYSTEMATIC_MAX = 0.25  # share of a step by which those of a family may be off, without a warning
SHARE_MAX = 0.1  # of the range of the data by which a free run may be off
ALIKE = 10.0  # differences of BIC that tell no family from another
_RUNS = 8  # noisy ones of every cell
_BINS, _BIN_POINTS = 12, 8  # of one direction, at most; in one bin, at least
_NOISE_MAX = 1.4  # times the largest step, in these runs: more does not fit the word of a noisy step
_STEP_MIN = 1e-6  # of a device
_LOG_NORMAL = 0.4  # relative spread of steps from which normal ones would turn signs

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A family fitted to a recording.

    Attributes
    ----------
    device : with the estimated noise and spread.
    read_noise : standard deviation of a measured weight; in ``device``, too, as ``read_noise_std``.
    misfit : minus the logarithm of the likelihood.
    parameters : that the data determine, k above.
    bic : the smaller, the better.
    rms_step : RMS error of the predictions of the next weight.
    steps : s+ and s- of the cells, float64[2, cells], down first.
    bounds : of the cells, float64[2, cells], lower first.
    errors : of the predictions, float64[n], NaN where nothing was predicted.
    shifts : ends of the interval of the symmetric point, relative to it.
    bad : readings that no pulse explains, bool[n].
    """

    recording: Recording
    model: Model
    device: Pulsed
    read_noise: float
    misfit: float
    parameters: float
    bic: float
    rms_step: float
    steps: Real
    bounds: Real
    sets: Real
    nodes: Real
    errors: Real
    shifts: tuple[float, float]
    bad: NDArray[np.bool_]

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.model.family

    def saved(self) -> dict[str, Any]:
        """All but the recording as plain data, of which `restored` makes the same fit, bit for bit."""
        plain = {spec.name: getattr(self, spec.name) for spec in fields(self) if spec.name != "recording"}
        plain |= {"model": asdict(self.model), "device": asdict(self.device), "shifts": list(self.shifts)}
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in plain.items()}

    @cached_property
    def nominal(self) -> Pulsed:
        """The device without noise and spread."""
        return without_variation(self.device)

    @cached_property
    def cells(self) -> Cells:
        """The golden integer cells of the family, [cells, 1], one like each measured cell, without noise."""
        rows = self.recording.cells
        plain = self.nominal.cells(rows=rows, columns=1, seed=0, array="fit")
        steps = np.clip(to_weight(self.steps), 1, WEIGHT_ONE)[..., None]
        low, high = to_weight(np.clip(self.bounds, -BOUND_MAX, BOUND_MAX))[..., None]
        draws = Draws(rows=rows, columns=1, seed=0, array="fit")
        return replace(plain, step=steps, low=low, high=high, **self.nominal.response(draws, steps, low, high))

    @cached_property
    def free_run(self) -> Real:
        """Weights of the integer cells from the first measured one on, float64[n]."""
        return self._pulsed(self.cells)[:, 0]

    def _pulsed(self, cells: Cells) -> Real:
        """Weights of cells [cells, columns] that get the pulses of the recording, float64[n, columns]."""
        data = self.recording
        array = DeviceArray(cells=cells, key=derive_key(0, "fit", "noise"))
        columns = cells.shape[1]
        array.program(np.tile(to_weight(data.weights[data.first[:-1]])[:, None], columns))
        lengths = np.diff(data.first)
        weights = np.empty((len(data.weights), columns))
        for k in range(int(lengths.max())):
            there = k < lengths
            at = data.first[:-1][there] + k
            if k:
                counts = np.zeros(cells.shape, dtype=np.int64)
                counts[there] = np.array([-1, 1, 0])[data.up[at]][:, None]
                array.pulse(counts)
            weights[at] = array.weights[there] / WEIGHT_ONE
        return weights

    @cached_property
    def rms_of_noise(self) -> float:
        """RMS residual of a free run if the family is right: of cells that make noise against those that make none."""
        one = self.cells
        most = _NOISE_MAX * WEIGHT_ONE / max(one.largest_change(), int(one.step.max()), 1)
        std = int(to_weight(min(self.device.dw_min_std, most)))

        def several(values: Any) -> Any:
            return np.repeat(values, _RUNS, axis=-1) if isinstance(values, np.ndarray) and values.ndim > 1 else values

        kept = {spec.name: several(getattr(one, spec.name)) for spec in fields(one) if spec.name != "table"}
        noisy = replace(one, **{**kept, "noise": std})
        there = np.isfinite(self.recording.weights) & ~self.bad
        rest = (self._pulsed(noisy) - self.free_run[:, None])[there]
        return float(np.sqrt((rest**2).mean() + self.read_noise**2))

    @cached_property
    def systematic(self) -> float:
        """RMS difference of measured and fitted steps, in mean steps, without what noise makes of it."""
        data = self.recording
        there = np.flatnonzero(np.isfinite(self.errors) & (data.up != UNKNOWN))
        places = self.errors[there] * (2.0 * data.up[there] - 1)
        good = np.isfinite(data.weights) & ~self.bad
        last = np.maximum.accumulate(np.where(good, np.arange(len(good)), 0))  # a cell begins with a weight
        before = data.weights[last[there - 1]]
        number = max(min(_BINS, there.size // (2 * _BIN_POINTS)), 2)
        edges = np.quantile(before, np.linspace(0, 1, number + 1)[1:-1])
        bins = np.digitize(before, edges) + number * data.up[there]
        count = np.bincount(bins, minlength=2 * number)
        mean = np.bincount(bins, places, minlength=2 * number) / np.maximum(count, 1)
        square = np.bincount(bins, places**2, minlength=2 * number) / np.maximum(count, 1)
        excess = (mean**2 - np.maximum(square - mean**2, 0) / np.maximum(count - 1, 1))[count > 4]
        if not excess.size:
            return 0.0
        share = float((count[count > 4] * excess).sum() / count[count > 4].sum())
        _, moved, _, _ = data.increments()
        return float(np.sqrt(max(share, 0.0)) / max(float(np.abs(moved).mean()), 1e-12))

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Why the family is not like the data, a line each."""
        weights, found = self.recording.weights, []
        span = float(np.nanmax(weights) - np.nanmin(weights))
        if self.rms > max(SHARE_MAX * span, TWICE * self.rms_of_noise):
            found.append(
                f"the free run is off by {self.rms:.3g} of a range of {span:.3g}: the device is not like the data"
            )
        if self.systematic > SYSTEMATIC_MAX:
            found.append(f"its steps are off by {self.systematic:.0%} of a step: the device is not like the data")
        return tuple(found)

    @cached_property
    def float_run(self) -> Real:
        """The same by the float equations that were fitted: what the written family makes of them can be compared."""
        data = self.recording
        result = np.empty(len(data.weights))
        ff.run(self.model.kind, self.sets, self.nodes, data.first, data.up, data.weights[data.first[:-1]], result)
        return result

    @property
    def rms(self) -> float:
        """RMS residual of the free run, without outliers."""
        rest = (self.recording.weights - self.free_run)[~self.bad]
        return float(np.sqrt(np.nanmean(rest**2)))

    @cached_property
    def outliers(self) -> tuple[Outlier, ...]:
        """Cell, pulse and conductance of readings that no pulse explains: first those of the reader."""
        data, found = self.recording, list(self.recording.outliers)
        for k in np.flatnonzero(self.bad):
            cell = int(np.searchsorted(data.first, k, side="right")) - 1
            value = data.weights[k] * data.scales[cell] + data.offsets[cell]
            found.append((data.names[cell], int(data.numbers[k]), float(f"{value:.12g}")))
        return tuple(found)

    @property
    def deviation(self) -> float:
        """Largest distance of integer cells and float equations."""
        return float(np.abs(self.free_run - self.float_run).max())

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """Parameters that ended at a limit of their range, which the data may want beyond it; a line each.

        A spread, noise or exponent of 0 is no such limit.
        """
        found = []
        for spec in fields(self.device):
            values = getattr(self.device, spec.name)
            if spec.name in _FITTED and "low" in spec.metadata:
                low, high = spec.metadata["low"], spec.metadata["high"]
                if values >= high or values <= low != 0:
                    found.append(f"{spec.name} = {values:g}: at a limit of its range, {low:g} to {high:g}")
        for name, bounds, limit in zip(("w_min", "w_max"), np.abs(self.bounds), (BOUND_MAX, BOUND_MAX), strict=True):
            cells = np.flatnonzero(bounds >= limit)
            if self.recording.cells > 1 and cells.size:
                names = ", ".join(self.recording.names[k] for k in cells)
                found.append(f"{name} of cells {names}: at the limit of its range, {limit:g}")
        return tuple(found)

    @cached_property
    def symmetric_point(self) -> float | None:
        """Of the integer device without spread, None where one step is larger everywhere or both are the same."""
        return nominal_symmetric_point(self.device)

    @property
    def symmetric_point_interval(self) -> tuple[float, float] | None:
        """Where the symmetric point lies at 95 %, if the family is right; see `model.devices.fitting.interval`."""
        point = self.symmetric_point
        if point is None:
            return None
        low, high = self.device.w_min, self.device.w_max
        return max(point + self.shifts[0], low), min(point + self.shifts[1], high)

    @cached_property
    def symmetric_points(self) -> Real:
        """Of the integer cells, float64[cells], NaN where a cell has none."""
        points = self.cells.numeric_symmetric_point()[:, 0] / WEIGHT_ONE
        return np.where(self.cells.has_symmetric_point()[:, 0], points, np.nan)

    @property
    def symmetric_points_mean(self) -> tuple[float, float] | tuple[None, None]:
        """Mean and standard deviation of those that there are."""
        points = self.symmetric_points[np.isfinite(self.symmetric_points)]
        return (float(points.mean()), float(points.std())) if points.size else (None, None)


def _spread(values: Real, errors: Real) -> float:
    """Standard deviation of values, less the part of the variances of their errors."""
    if len(values) < 2:
        return 0.0
    return float(np.sqrt(max(values.var(ddof=1) - errors.mean(), 0.0)))


def _finished(whole: FitProblem, problem: FitProblem, theta: Real) -> Fit:
    """The result of ``problem``, which is ``whole`` without the readings that it gives up."""
    data, model = whole.recording, whole.model
    shared, own = problem.split(theta)
    sets, nodes = (part[0] for part in model.parts(shared[None], own[None]))
    if model.kind == ff.TABLE:  # steps are the mean of their curves, whatever the fit started from
        level = float(nodes.mean())
        nodes = nodes / level
        sets[:, [ff.UP, ff.DOWN]] *= level
        sets[:, ff.SIGMA] /= 1.0 if model.mult_noise else level
    information = problem.information(theta)
    covariance = np.zeros((data.cells, OWN, OWN))
    if problem.own:
        for cell in range(data.cells):  # given the shared parameters, whose errors are no spread
            here = np.arange(OWN) + problem.shared + OWN * cell
            covariance[cell] = np.linalg.inv(information[np.ix_(here, here)])

    def variance(by_up: Real, by_down: Real) -> Real:
        moves = np.zeros((data.cells, OWN))
        moves[:, STEP_UP], moves[:, STEP_DOWN] = by_up, by_down
        return np.einsum("ci,cij,cj->c", moves, covariance, moves)

    up, down = model.device_steps(sets)
    total, ratio = up + down, (up - down) / (up + down)
    mean_ratio = float(ratio.mean())
    up_down = 2 * mean_ratio / (1 + abs(mean_ratio))
    size_error = variance(up / total, down / total)
    half = (1 - ratio**2) / 2
    size = total / (2 - abs(up_down))
    relative = _spread(np.log(size), size_error)
    log_normal = relative > _LOG_NORMAL
    dw_min = float(np.exp(np.log(size).mean())) if log_normal else float(size.mean())
    common = {
        "dw_min": dw_min,
        "dw_min_dtod": relative if log_normal else _spread(size / dw_min, size_error),
        "dw_min_dtod_log_normal": log_normal,
        "dw_min_std": float(sets[0, ff.SIGMA]),
        "read_noise_std": float(sets[0, ff.READ]) / max(dw_min, _STEP_MIN),
        "up_down": up_down,
        "up_down_dtod": _spread(ratio, variance(half, -half)) * (2 - abs(up_down)) / 2,
    }
    bounds = np.clip(np.stack([sets[:, ff.LO], sets[:, ff.HI]]), -BOUND_MAX, BOUND_MAX)
    for name, values, place in (("w_min", bounds[0], LOW), ("w_max", bounds[1], HIGH)):
        mean = float(values.mean())
        common |= {name: mean, f"{name}_dtod": _spread(values / mean, covariance[:, place, place])}
    errors, _, _ = problem.predict(shared[None], own[None])
    parameters, misfit = problem.parameters(theta), whole.misfit(theta, ff.BAD)
    return Fit(
        recording=data,
        model=model,
        device=model.device(sets, nodes, common),
        read_noise=float(sets[0, ff.READ]),
        misfit=misfit,
        parameters=parameters,
        bic=2 * misfit + parameters * float(np.log(data.points)),
        rms_step=float(np.sqrt((errors**2).sum() / problem.recording.points)),
        errors=np.where(problem.predicted, errors[0], np.nan),
        shifts=shifts(problem, theta),
        steps=np.stack([down, up]),
        bounds=bounds,
        sets=sets,
        nodes=nodes,
        bad=np.isfinite(data.weights) & ~np.isfinite(problem.recording.weights),
    )


def _noise(problem: FitProblem, theta: Real, *, found: bool = False) -> tuple[FitProblem, Real]:
    """The problem with the more likely one of the two noises, and its solution; found: whether theta is that of it."""
    result = [(problem, theta if found else problem.solve(theta))]
    if any(spec.name == "mult_noise" for spec in fields(FAMILIES[problem.model.family])):
        model = replace(problem.model, mult_noise=not problem.model.mult_noise)
        other = FitProblem(problem.recording, model, problem.begin)
        result.append((other, other.solve(theta)))
    return min(result, key=lambda pair: pair[0].bic(pair[1]))


def _around_suspects(problem: FitProblem, theta: Real) -> Real:
    """The solution, or a likelier one that is found from that without the readings that are not trusted: few of them
    can keep the way to a peak closed.
    """
    suspects = problem.suspects(theta)
    if not suspects.any() or suspects.mean() > 0.1:
        return theta
    weights = np.where(suspects, np.nan, problem.recording.weights)
    without = FitProblem(replace(problem.recording, weights=weights), problem.model, problem.begin)
    again = problem.solve(without.solve(theta))
    return again if problem.bic(again) < problem.bic(theta) else theta


def fit_family(recording: Recording, family: str) -> Fit:
    """The best fit of one family; with additive noise instead of multiplicative if that is more likely."""
    guess = Guess.of(recording)
    problems = [FitProblem(recording, model, begin) for model in MODELS[family] for begin in starts(model, guess)]
    # All of them to the end: after a few iterations the highest start is often not the one that leads to the peak.
    found = [(one, one.solve(one.start)) for one in problems]
    # By BIC: with priors of different strength L would not compare.
    problem, theta = min(found, key=lambda pair: pair[0].bic(pair[1]))
    problem, theta = _noise(problem, theta, found=True)
    theta = _around_suspects(problem, theta)
    rest = problem
    whole = problem, theta
    for _ in range(_ROUNDS):
        bad = problem.outliers(theta)
        if np.array_equal(bad, np.isfinite(recording.weights) & ~np.isfinite(rest.recording.weights)):
            break
        if not bad.any():  # what seemed bad is not: the solution of all readings
            problem, theta = whole
            rest = problem
            break
        cleaned = replace(recording, weights=np.where(bad, np.nan, recording.weights))
        # With the other noise, too: bad readings look like noise that does not depend on the step.
        rest, theta = _noise(FitProblem(cleaned, problem.model, problem.begin), theta)
        problem = FitProblem(recording, rest.model, problem.begin)
    return _finished(problem, rest, theta)


def restored(recording: Recording, saved: Mapping[str, Any]) -> Fit:
    """The fit of a recording that `Fit.saved` has given, or JSON made of that."""
    plain = dict(saved)
    model = Model(**plain.pop("model"))
    device = FAMILIES[model.family](**plain.pop("device"))
    shifts = (plain["shifts"][0], plain["shifts"][1])
    bad = np.array(plain.pop("bad"), dtype=np.bool_)
    arrays = {name: np.array(value, dtype=np.float64) for name, value in plain.items() if isinstance(value, list)}
    return Fit(
        **{**plain, **arrays, "recording": recording, "model": model, "device": device, "shifts": shifts, "bad": bad}
    )


def digest(recording: Recording) -> str:
    """SHA-256 of what a fit of a recording depends on."""
    arrays = (recording.first, recording.up, recording.weights, recording.numbers, recording.scales, recording.offsets)
    result = hashlib.sha256(repr((recording.names, recording.outliers)).encode())
    for array in arrays:
        result.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    return result.hexdigest()


def why_not_built(one: Fit) -> str:
    """Why no array can be built of the device of a fit; empty if one can."""
    try:
        one.device.cells(rows=_TRIED, columns=_TRIED, seed=1, array="fit")
    except ValueError as error:
        return str(error)
    return ""


def fit(recording: Recording, families: Sequence[str] = tuple(MODELS)) -> list[Fit]:
    """Fits of several families, best first, without those of which no array can be built.

    Raises
    ------
    ValueError
        None is left.
    """
    return chosen({family: fit_family(recording, family) for family in families})


def chosen(fits: Mapping[str, Fit]) -> list[Fit]:
    """Of fits by family those of which an array can be built, best first; ValueError if there is none."""
    refused = {family: why_not_built(one) for family, one in fits.items()}
    left = [one for family, one in fits.items() if not refused[family]]
    if not left:
        told = next(reversed(refused.values()), "none was given")
        raise ValueError(f"conductance: must be like a device of {', '.join(fits)} ({told})")
    return ranked(left)


def _worse(one: Fit, other: Fit) -> bool:
    """Whether a fit is less likely than another, and its free run so far off that noise is no excuse."""
    return one.misfit > other.misfit and one.rms > max(FAR * other.rms, TWICE * other.rms_of_noise)


def ranked(fits: Sequence[Fit]) -> list[Fit]:
    """Best first: by BIC, but those that only have fewer parameters than a better one behind the others."""
    return sorted(fits, key=lambda one: (any(_worse(one, other) for other in fits), one.bic))


def alike(fits: Sequence[Fit]) -> list[Fit]:
    """Of ranked fits the best, and those that the data hardly tell from it."""
    return [one for one in fits if one.bic - fits[0].bic <= ALIKE and not any(_worse(one, other) for other in fits)]


def span_of_points(fits: Sequence[Fit]) -> tuple[float, float] | None:
    """Ends between which the symmetric point lies, whichever of these families is right."""
    ends = [one.symmetric_point_interval for one in alike(fits)]
    there = [both for both in ends if both is not None]
    return (min(low for low, _ in there), max(high for _, high in there)) if there else None
