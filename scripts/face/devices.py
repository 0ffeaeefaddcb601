# SPDX-License-Identifier: Apache-2.0
"""Devices: zero-shifting of an array of them, and parameters fitted to measured pulse responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symtrack.hardware import SEED_MAX
from symtrack.model.analysis.zero_shifting import calibrate as zero_shift
from symtrack.model.analysis.zero_shifting import prepared, reached
from symtrack.model.devices.fitting.columns import Options
from symtrack.model.devices.fitting.data import SCALES
from symtrack.model.devices.fitting.fit import span_of_points
from symtrack.model.devices.fitting.forms import read_recording
from symtrack.model.devices.fitting.models import MODELS
from symtrack.model.devices.presets import device_toml, load_device
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.spec.validated import check
from symtrack.scripts.families import fit_families

SIZE_MAX = 1024
PULSES_MAX = 10**9
JOBS_MAX = 256

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationResult:
    """Course of a zero-shifting; errors e = w - w* are weights, lengths are pulses per cell.

    Attributes
    ----------
    device : Pulsed
        The cells.
    pulses_measured : int or None
        First length with an error within the limit; None if the floor lies above it.
    pulses_theory : float
        The same by the formula.
    limit : float
        What was to be reached, ``relative_error`` times the root mean square of the symmetric points.
    rms : float64[pairs + 1]
        Root mean square over the cells of the error after each pair of pulses, entry 0 before the first.
    floor, floor_theory : float
        Error that stays, measured over the last tenth of the pulses and by the formula.
    residual : float64[R, C]
        w - w* of every cell after the last pulse.
    """

    device: Pulsed
    pulses_measured: int | None
    pulses_theory: float
    limit: float
    rms: Real
    floor: float
    floor_theory: float
    residual: Real


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceFit:
    """Device families fitted to a recording, and the best of them.

    Attributes
    ----------
    device : Pulsed
        The best family with estimated noise and spread; goes into `TrainingSpec` as it is.
    family : str
        Its name.
    ranking : mapping of str to float
        BIC of every family above that of the best, best first; differences above 10 are clear. It is negative where a
        family has a better BIC for its few parameters alone: the best is more likely and its free run much nearer.
    read_noise : float
        Standard deviation of a measured weight; ``device`` has it, too, as ``read_noise_std`` in units of dw_min.
    rms_one_pulse, rms_free_run : float
        Root mean square residual of predictions from pulse to pulse, and of the integer cells pulsed from the first
        weight on; weights.
    symmetric_point : float or None
        Of the device without spread; None where one step is larger everywhere.
    symmetric_point_interval : (float, float) or None
        Where it lies at 95 % if the family is right, from the likelihood and a bootstrap of pulses and cells.
    symmetric_point_interval_of_families : (float, float) or None
        The same over all families that the data do not tell from the best.
    symmetric_points : float64[cells]
        Of the cells that were measured, weights; NaN where a cell has none.
    weights, free_run : float64[n]
        Measured weights, cell after cell, NaN where missing, and those of the free run.
    scale, offset : float or None
        weight = (conductance - offset) / scale; None where every cell has its own.
    scales, offsets : float64[cells]
        Those of every cell.
    remarks : tuple of str
        What the reader of the file decided.
    warnings : tuple of str
        Why the best family is not like the data, a line each; empty where it is.
    limits : tuple of str
        Parameters of the device that ended at a limit of their range, a line each: what the data say lies beyond it.
    outliers : tuple of (str, int, float)
        Cell, pulse and conductance of readings that no pulse explains; they have no say in the fit.
    symmetric_point_conductance : float or None
        The symmetric point in the unit of the data, ``symmetric_point * scale + offset``; None where every cell has
        its own scale.
    unit : str
        That unit, empty if nobody told it; S where conductances were made of currents or resistances.
    understood : mapping of str to str
        How the file was read, a line for each part.
    """

    device: Pulsed
    family: str
    ranking: Mapping[str, float]
    read_noise: float
    rms_one_pulse: float
    rms_free_run: float
    symmetric_point: float | None
    symmetric_point_interval: tuple[float, float] | None
    symmetric_point_interval_of_families: tuple[float, float] | None
    symmetric_points: Real
    weights: Real
    free_run: Real
    scale: float | None
    offset: float | None
    scales: Real
    offsets: Real
    remarks: tuple[str, ...]
    warnings: tuple[str, ...]
    limits: tuple[str, ...]
    outliers: tuple[tuple[str, int, float], ...]
    symmetric_point_conductance: float | None
    unit: str
    understood: Mapping[str, str]

    def toml(self) -> str:
        """The device as the text of a file that `load_device` reads."""
        return device_toml(self.device)


def calibrate(
    device: Pulsed | str | Path,
    *,
    rows: int = 16,
    columns: int = 16,
    method: str = "cyclic",
    start: float = -0.5,
    relative_error: float = 0.01,
    pulses: int | None = None,
    seed: int = 1,
) -> CalibrationResult:
    """Zero-shifting: drive every cell to its symmetric point w* with as many pulses up as down.

    For soft bounds, -tau and tau, with up and down steps dw * a_up and dw * a_down at weight 0 the number of pulses to
    a relative error epsilon is::

        N = ln(|w0 - w*| / (epsilon * |w*|)) * 2 * tau / (dw * (a_up + a_down))

    Source: `model.analysis.zero_shifting`, which has the other families and the floor, too.

    Parameters
    ----------
    device : Pulsed, str or Path
        The cells: a device, the name of a preset, or a device's TOML file.
    rows, columns : int
        Size of the array.
    method : str
        ``cyclic``, alternating pulses, or ``random``, a random sign for every cell and pulse.
    start : float
        Weight of all cells before it.
    relative_error : float
        Error to be reached, in root mean square of the symmetric points.
    pulses : int, optional
        To every cell, an even number; without it, until the floor is reached.
    seed : int
        Of devices, write noise and random signs.

    Returns
    -------
    CalibrationResult
        The course, with theory beside measurement.

    Raises
    ------
    TypeError, ValueError
        An argument is not allowed, or the cells have no symmetric point.

    Examples
    --------
    >>> result = symtrack.calibrate("capacitor", rows=8, columns=8)
    >>> result.floor, result.floor_theory
    """
    cells = device if isinstance(device, Pulsed) else load_device(device)
    rows, columns = check("rows", rows, 1, SIZE_MAX), check("columns", columns, 1, SIZE_MAX)
    relative_error = check("relative_error", relative_error, 1e-6, 1.0, whole=False)
    seed = check("seed", seed, 0, SEED_MAX)
    array, theory = prepared(cells, rows=rows, columns=columns, start=start, relative_error=relative_error, seed=seed)
    length = theory.long(relative_error) if pulses is None else pulses
    length = check("pulses", length, 2, PULSES_MAX)
    course = zero_shift(array, method=method, pulses=length, seed=seed)
    limit = relative_error * theory.scale
    pairs = reached(course.rms, limit)
    return CalibrationResult(
        device=cells,
        pulses_measured=None if pairs is None else 2 * pairs,
        pulses_theory=theory.pulses(relative_error),
        limit=limit,
        rms=course.rms,
        floor=course.floor,
        floor_theory=theory.floor(method),
        residual=course.residual,
    )


def fit_device(
    data: str | Path,
    *,
    families: str | Sequence[str] = tuple(MODELS),
    scale: float | None = None,
    offset: float | None = None,
    scales: str = "auto",
    format: str = "auto",
    columns: Mapping[str, str | int] | None = None,
    sheet: str | int | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    reverse_down: bool | None = None,
    unit: str | None = None,
    read_voltage: float | None = None,
    jobs: int = 1,
) -> DeviceFit:
    """Fit device families to measured pulse responses by maximum likelihood, and rank them by BIC and free run.

    Parameters
    ----------
    data : str or Path
        A text or a workbook, such as a CSV file with the columns ``pulse``, ``direction`` (1 or -1), ``conductance``
        (after that pulse, in any unit) and, with several cells, ``cell``. Points may be missing. A column ``weight``
        instead has scale 1 and offset 0. ``docs/devices.md`` has the other forms.
    families : str or sequence of str
        One or several, to be fitted.
    scale, offset : float, optional
        weight = (conductance - offset) / scale; without them, from the data.
    scales : str
        ``one`` scale and offset of all cells, ``each`` cell its own, or ``auto``: each its own if the ranges of two
        cells differ by more than a factor of 4 or do not overlap.
    format : str
        ``rows``, ``up-down`` or ``lists``; ``auto`` finds it out.
    columns : mapping of str to str or int, optional
        What columns are, such as ``{"direction": 1, "current": "3-6"}``: names, numbers from 1, or ranges of them.
    sheet : str or int, optional
        Of a workbook.
    separator, decimal : str, optional
        ``tab``, ``semicolon``, ``bar``, ``comma`` or ``space``; and ``point`` or ``comma``.
    reverse_down : bool, optional
        Whether lists of pulses downwards are stored backwards; without it, if they rise to where those upwards ended.
    unit : str, optional
        Of the values, such as ``uS``, ``nA`` or ``kOhm``, where no name of a column tells it.
    read_voltage : float, optional
        In volts, of values that are currents.
    jobs : int
        Processes that fit a family each; the result is the same for every number.

    Returns
    -------
    DeviceFit
        The best device, and how the others compare.

    Raises
    ------
    ValueError
        The file cannot be used; the message names the line or the field, its value and what is allowed.

    Examples
    --------
    >>> found = symtrack.fit_device("pulses.csv")
    >>> symtrack.train(symtrack.TrainingSpec(devices=found.device), epochs=1)
    """
    chosen = (families,) if isinstance(families, str) else tuple(families)
    if not chosen:
        raise ValueError("families = []: must be at least one of " + ", ".join(MODELS))
    for family in chosen:
        if family not in MODELS:
            raise ValueError(f"families = {family!r}: must be among {', '.join(MODELS)}")
    if scales not in SCALES:
        raise ValueError(f"scales = {scales!r}: must be one of {', '.join(SCALES)}")
    if scale is not None:
        scale = check("scale", scale, 1e-30, 1e30, whole=False)
    if offset is not None:
        offset = check("offset", offset, -1e30, 1e30, whole=False)
    told = Options(
        format=format,
        columns=tuple(f"{role}={column}" for role, column in (columns or {}).items()),
        sheet=None if sheet is None else str(sheet),
        separator=separator,
        decimal=decimal,
        reverse_down=reverse_down,
        unit=unit,
        read_voltage=read_voltage,
    )
    recording = read_recording(data, scale=scale, offset=offset, scales=scales, options=told)
    fits = fit_families(recording, tuple(dict.fromkeys(chosen)), jobs=check("jobs", jobs, 1, JOBS_MAX))
    best = fits[0]
    return DeviceFit(
        device=best.device,
        family=best.family,
        ranking={one.family: one.bic - best.bic for one in fits},
        read_noise=best.read_noise,
        rms_one_pulse=best.rms_step,
        rms_free_run=best.rms,
        symmetric_point=best.symmetric_point,
        symmetric_point_interval=best.symmetric_point_interval,
        symmetric_point_interval_of_families=span_of_points(fits),
        symmetric_points=best.symmetric_points,
        weights=recording.weights,
        free_run=best.free_run,
        scale=recording.scale,
        offset=recording.offset,
        scales=recording.scales,
        offsets=recording.offsets,
        remarks=recording.remarks,
        warnings=best.warnings,
        limits=best.limits,
        outliers=best.outliers,
        symmetric_point_conductance=recording.conductance(best.symmetric_point),
        unit=recording.unit,
        understood=recording.understood,
    )
