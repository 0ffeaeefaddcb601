# SPDX-License-Identifier: Apache-2.0
"""Checks and scales measured pulse responses of several cells; `model.devices.fitting.forms` reads them from files.

    weight = (conductance - offset) / scale

Weights have scale 1 and offset 0; conductances never do of themselves, whatever their size and sign, so that no fit
depends on their unit or offset. A point is missing if it has no conductance or is not there. A pulse that is not there
has the direction of the next one of its cell if the two before and the two after it agree in theirs; otherwise nobody
knows its direction. The first conductance of a cell is its start; pulses before it are not used.

All cells have one scale and one offset, unless their ranges do not allow it: if one range is more than RANGES times
another, or if the middle of all data is outside the range of a cell, every cell has its own, and goes from -1 to 1.
What its range is in the unit of the data is then no part of the device. A cell that does not follow its pulses has no
say in this.

A reading is bad, and taken as missing, if it is further from the median of the seven about it than half the range of
its cell and than nine of its larger steps. A peak between pulses of two directions has to leave the range, too. Smaller
ones are left to the likelihood (`model.devices.fitting.filter`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.pulsed import BOUND_MAX

POINTS_MIN = 30  # in each direction, of all cells together: fewer do not tell a family from another
CELL_POINTS_MIN = 5
PULSES_MAX = 200_000  # in all; the derivatives of a fit hold about 500 bytes a pulse
CELLS_MAX = 64
RANGES = 4.0  # ratio of the ranges of two cells that one scale can have
SCALES = ("auto", "one", "each")  # of the cells
_FOLLOWS = 3.0  # standard errors that the mean step of a cell is above 0
UNKNOWN = 2  # in ``up``
_REACH = 3  # readings on either side of one that is judged
_STEPS = 9.0  # larger steps from one reading to the next, that a good one may be off
_SHARE = 0.05  # of the readings of a cell: if more look bad, none is, since the device is like that
WEIGHTS_MAX = 0.95 * BOUND_MAX  # a bound has to lie beyond the weights
WEIGHTS_MIN = 0.02  # smaller weights come near the least bounds and steps of a device

Real = NDArray[np.float64]


Outlier = tuple[str, int, float]


@dataclass(frozen=True)
class Recording:
    """Pulses of several cells one after the other, cell after cell.

    Attributes
    ----------
    names : of the cells.
    first : int64[cells + 1], where the pulses of a cell begin; the first entry of a cell is its start, not a pulse.
    up : uint8[n], 1 for a pulse upwards, 0 for one downwards, UNKNOWN for one that may be either.
    weights : float64[n], after the pulse, NaN where missing.
    numbers : int64[n], of the pulses as in the file.
    scales, offsets : of the weights, float64[cells].
    remarks : what the reader decided, a line each.
    outliers : cell, pulse and conductance of the bad readings, which are missing in the weights.
    understood : how a file was read, a few lines by what they tell.
    unit : of the conductances, empty if it is not known.
    """

    names: tuple[str, ...]
    first: NDArray[np.int64]
    up: NDArray[np.uint8]
    weights: Real
    numbers: NDArray[np.int64]
    scales: Real
    offsets: Real
    remarks: tuple[str, ...] = field(default=())
    outliers: tuple[Outlier, ...] = field(default=())
    understood: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    @property
    def scale(self) -> float | None:
        """Of all cells; None if each has its own."""
        return float(self.scales[0]) if (self.scales == self.scales[0]).all() else None

    @property
    def offset(self) -> float | None:
        """Of all cells; None if each has its own."""
        return float(self.offsets[0]) if (self.offsets == self.offsets[0]).all() else None

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.names)

    @property
    def points(self) -> int:
        """Weights that are there, without the starts."""
        return int(np.isfinite(self.weights).sum()) - self.cells

    def of(self, cell: int) -> slice:
        """Where the pulses of a cell are."""
        return slice(int(self.first[cell]), int(self.first[cell + 1]))

    def conductance(self, weight: float | None) -> float | None:
        """A weight in the unit of the file; None if there is none, or if every cell has a scale of its own."""
        if weight is None or self.scale is None or self.offset is None:
            return None
        return weight * self.scale + self.offset

    def equations(self) -> list[str]:
        """How conductances become weights, a line, or one for each cell."""
        if self.scale is not None and self.offset is not None:
            return [f"weight = (conductance - {self.offset!r}) / {self.scale!r}"]
        each = zip(self.names, self.offsets.tolist(), self.scales.tolist(), strict=True)
        return [f"cell {name}: weight = (conductance - {offset!r}) / {scale!r}" for name, offset, scale in each]

    def increments(self) -> tuple[Real, Real, NDArray[np.uint8], NDArray[np.int64]]:
        """Weight before, mean step in the direction of the pulses, direction, cell.

        From point to point of a cell, if all pulses between them have one direction.
        """
        before, steps, up, owner = [], [], [], []
        for cell in range(self.cells):
            w, direction = self.weights[self.of(cell)], self.up[self.of(cell)]
            points = np.flatnonzero(np.isfinite(w))
            alike = np.cumsum(np.r_[0, direction[1:] != direction[:-1]])  # changes of direction so far
            left, right = points[:-1], points[1:]
            good = (alike[left + 1] == alike[right]) & (direction[right] != UNKNOWN)
            left, right = left[good], right[good]
            before.append(w[left])
            steps.append((w[right] - w[left]) * (2.0 * direction[right] - 1.0) / (right - left))
            up.append(direction[right])
            owner.append(np.full(len(left), cell))
        return np.concatenate(before), np.concatenate(steps), np.concatenate(up), np.concatenate(owner)


def make_recording(
    cells: Mapping[str, Mapping[int, tuple[int, float | None]]],
    *,
    scale: float | None,
    offset: float | None,
    scales: str = "auto",
) -> Recording:
    """Check and scale points {cell: {pulse: (direction, conductance)}}; ``scales`` is one of SCALES.

    Raises
    ------
    ValueError
        There are too few points, or none in one direction, or too many pulses, or the scale does not suit them.
    """
    remarks = []
    names = sorted(cells, key=lambda name: (len(name), name))
    if len(names) > CELLS_MAX:
        chosen = np.linspace(0, len(names) - 1, CELLS_MAX).round().astype(int)
        remarks.append(f"{CELLS_MAX} of {len(names)} cells are used, at equal distances")
        names = [names[k] for k in chosen]
    rows: dict[str, list[tuple[int, int, float]]] = {}
    outliers: list[Outlier] = []
    for name in names:
        bad = _bad_readings(cells[name])
        outliers += [(name, number, value) for number, value in bad.items()]
        rows[name] = _filled(name, {k: (up, None if k in bad else value) for k, (up, value) in cells[name].items()})
    total = sum(map(len, rows.values()))
    if total > PULSES_MAX:
        raise ValueError(f"pulse = {total} pulses of all cells: must be at most {PULSES_MAX}")
    pulses = [row for name in names for row in rows[name][1:] if math.isfinite(row[2])]
    for direction in (1, -1):
        count = sum(row[1] == direction for row in pulses)
        if count < POINTS_MIN:
            raise ValueError(f"direction = {count} points after pulses {direction:+d}: must be at least {POINTS_MIN}")
    each = [np.array([row[2] for row in rows[name]]) for name in names]
    values, lengths = np.concatenate(each), [len(own) for own in each]
    if scales == "each" and not (scale is None and offset is None):
        raise ValueError("scales = 'each': must come without scale and offset, which are those of all cells")
    reason = None if scales == "one" or not (scale is None and offset is None) else _apart(rows, names)
    if len(names) > 1 and (scales == "each" or reason):
        chosen_scales, chosen_offsets = _scalings(rows, names)
        remarks.append(f"each cell has a scale and an offset of its own, {reason or 'as given'}")
    else:
        one_scale, one_offset, remark = _scaling(values[np.isfinite(values)], scale, offset)
        chosen_scales, chosen_offsets = np.full(len(names), one_scale), np.full(len(names), one_offset)
        remarks.append(remark)
    everything = [row for name in names for row in rows[name]]
    recording = Recording(
        names=tuple(names),
        first=np.cumsum([0, *(len(rows[name]) for name in names)]),
        up=np.array([(UNKNOWN, 1, 0)[row[1]] for row in everything], dtype=np.uint8),
        weights=(values - np.repeat(chosen_offsets, lengths)) / np.repeat(chosen_scales, lengths),
        numbers=np.array([row[0] for row in everything]),
        scales=chosen_scales,
        offsets=chosen_offsets,
        remarks=tuple(remarks),
        outliers=tuple(outliers),
    )
    _, along, up, _ = recording.increments()
    rise, fall = (float(along[up == direction].mean()) if (up == direction).any() else 0.0 for direction in (1, 0))
    if rise + fall < 0:
        raise ValueError(
            f"direction: pulses 1 move the weight by {rise:.3g} on average, pulses -1 by {-fall:.3g}: "
            "must be upwards and downwards"
        )
    return recording


def _bad_readings(points: Mapping[int, tuple[int, float | None]]) -> dict[int, float]:
    """Pulse and conductance of the readings of a cell that no pulse can have made."""
    numbers = [number for number in sorted(points) if points[number][1] is not None]
    if len(numbers) < 4 * _REACH:
        return {}
    values = np.array([points[number][1] for number in numbers], dtype=np.float64)
    up = np.array([points[number][0] > 0 for number in numbers])
    padded = np.concatenate([np.full(_REACH, np.nan), values, np.full(_REACH, np.nan)])
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1)
    off = values - np.nanmedian(around, axis=1)
    low, high = np.quantile(values, (0.05, 0.95))
    half = (high - low) / 2
    far = np.abs(off) > max(half, _STEPS * float(np.quantile(np.abs(np.diff(values)), 0.9)))
    follows = np.append(up[1:], not up[-1])
    turn = (up != follows) & ((off > 0) == up)
    far &= ~turn | (values < low - half) | (values > high + half)
    if far.sum() > max(1.0, _SHARE * len(values)):
        return {}
    return {numbers[k]: float(values[k]) for k in np.flatnonzero(far)}


def _filled(name: str, points: Mapping[int, tuple[int, float | None]]) -> list[tuple[int, int, float]]:
    """Pulse, direction or 0, conductance or NaN, from the first conductance to the last, without gaps."""
    there = [number for number in sorted(points) if points[number][1] is not None]
    if len(there) < CELL_POINTS_MIN:
        raise ValueError(f"cell = {name!r} with {len(there)} points: must have at least {CELL_POINTS_MIN}")
    if there[-1] - there[0] > PULSES_MAX:
        raise ValueError(f"pulse = {there[-1]} of cell {name!r}: must be at most {PULSES_MAX} after the first")
    result: list[tuple[int, int, float]] = []
    numbers = [n for n in sorted(points) if there[0] <= n <= there[-1]]
    for k, number in enumerate(numbers):
        direction, value = points[number]
        around = {points[n][0] for n in numbers[max(k - 2, 0) : k + 2]}
        missing = direction if len(around) == 1 else 0
        if result:
            result.extend((between, missing, math.nan) for between in range(result[-1][0] + 1, number))
        result.append((number, direction, math.nan if value is None else value))
    return result


def _ends(rows: list[tuple[int, int, float]]) -> tuple[float, float, bool]:
    """Lowest and highest conductance of a cell, and whether it follows its pulses."""
    there = [row for row in rows if math.isfinite(row[2])]
    values = np.array([row[2] for row in there])
    steps = np.diff(values) * np.array([row[1] for row in there[1:]])
    error = float(steps.std()) / math.sqrt(steps.size)
    return float(values.min()), float(values.max()), float(steps.mean()) > _FOLLOWS * error


def _apart(rows: Mapping[str, list[tuple[int, int, float]]], names: Sequence[str]) -> str | None:
    """Why the cells cannot have one scale, if they cannot."""
    ends = {name: _ends(rows[name]) for name in names}
    ranges = {name: high - low for name, (low, high, follows) in ends.items() if follows and high > low}
    if len(ranges) < 2:
        return None
    wide, narrow = max(ranges, key=ranges.__getitem__), min(ranges, key=ranges.__getitem__)
    if ranges[wide] > RANGES * ranges[narrow]:
        return f"as the range of cell {wide} is {ranges[wide] / ranges[narrow]:.3g} times that of cell {narrow}"
    middle = (min(ends[name][0] for name in ranges) + max(ends[name][1] for name in ranges)) / 2
    for name in ranges:
        if not ends[name][0] < middle < ends[name][1]:
            return f"as the middle of all data, {middle:g}, is outside the range of cell {name}"
    return None


def _scalings(rows: Mapping[str, list[tuple[int, int, float]]], names: Sequence[str]) -> tuple[Real, Real]:
    """Scale and offset of every cell; a cell that does not follow its pulses has the middle one of the scales."""
    low, high, follows = (np.array(part) for part in zip(*(_ends(rows[name]) for name in names), strict=True))
    good = follows.astype(bool) & (high > low)
    half = (high - low) / 2
    return np.where(good, half, np.median(half[good] if good.any() else half)), (low + high) / 2


def _scaling(values: Real, scale: float | None, offset: float | None) -> tuple[float, float, str]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise ValueError(f"conductance = {low:g} everywhere: must change with the pulses")
    how = "given" if scale is not None and offset is not None else "so that the weights reach -1 or 1"
    if offset is None:
        offset = (low + high) / 2
    if scale is None:
        scale = max(high - offset, offset - low)
    if not low < offset < high:
        raise ValueError(f"offset = {offset:g}: must be a conductance between {low:g} and {high:g}")
    if max(high - offset, offset - low) > WEIGHTS_MAX * scale:
        least = max(high - offset, offset - low) / WEIGHTS_MAX
        raise ValueError(f"scale = {scale:g}: must be at least {least:g}, so that no weight is beyond {WEIGHTS_MAX:g}")
    if high - low < WEIGHTS_MIN * scale:
        most = (high - low) / WEIGHTS_MIN
        raise ValueError(f"scale = {scale:g}: must be at most {most:g}, so that the weights span {WEIGHTS_MIN:g}")
    return scale, offset, f"weight = (conductance - {offset!r}) / {scale!r}, {how}"
