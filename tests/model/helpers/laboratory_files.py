# SPDX-License-Identifier: Apache-2.0
"""Files of device data as laboratories write them, of one recording, and what has to be read of each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from symtrack.model.devices.fitting.columns import Options
from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.fitting.forms import read_recording

RAMP = 40
Points = list[tuple[int, float]]


def course(ramps: int = 2, rate: float = 0.06) -> Points:
    """Directions, and conductances of 3 to 7 uS in siemens, of a soft-bounds cell."""
    rng = np.random.default_rng(7)
    level, points = -0.6, []
    for sign in [1, -1] * ramps:
        for _ in range(RAMP):
            level += sign * rate * (1 - sign * level)
            points.append((sign, 5e-6 + 2e-6 * (level + 0.002 * rng.standard_normal())))
    return points


COURSE = course()
UP = [value for _, value in COURSE[:RAMP]]
DOWN = [value for _, value in COURSE[RAMP : 2 * RAMP]]


def recording(points: Points, *more: Points) -> Recording:
    """What has to be read."""
    cells = {str(cell): dict(enumerate(own)) for cell, own in enumerate((points, *more))}
    return make_recording(cells, scale=None, offset=None)


WHOLE, LISTS = recording(COURSE), recording(COURSE[: 2 * RAMP])


def same(one: Recording, other: Recording) -> bool:
    """Whether directions and weights of all cells are the same."""
    if not np.array_equal(one.first, other.first) or not np.allclose(one.weights, other.weights, atol=1e-4):
        return False
    starts = one.first[:-1]
    return bool(np.array_equal(np.delete(one.up, starts), np.delete(other.up, starts)))


def read(tmp_path: Path, content: str | bytes, **options: object) -> Recording:
    """The recording of a file."""
    file = tmp_path / "data.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_recording(file, options=Options(**options))  # type: ignore[arg-type]


def lines(rows: list[list[str]], separator: str) -> str:
    """Rows as a text."""
    return "".join(separator.join(row) + "\n" for row in rows)


def wide(factor: float = 1.0, power: int = 1) -> pd.DataFrame:
    """A voltage, and a column for each of two devices."""
    other = [value for _, value in course(rate=0.07)]
    values = np.array([[value for _, value in COURSE], other]).T
    return pd.DataFrame([[1.5 * sign, *row] for (sign, _), row in zip(COURSE, factor * values**power, strict=True)])


WIDE = recording(COURSE, course(rate=0.07))


def workbook(**sheets: pd.DataFrame) -> bytes:
    """An .xlsx file without names of columns."""
    file = io.BytesIO()
    with pd.ExcelWriter(file, engine="openpyxl") as out:
        for name, frame in sheets.items():
            frame.to_excel(out, sheet_name=name, header=False, index=False)
    return file.getvalue()


PLAIN = lines([[str(k), str(sign), f"{value:.6e}"] for k, (sign, value) in enumerate(COURSE)], ",")
NAMED = "pulse,direction,conductance\n" + PLAIN
PAIRS = list(zip(UP, DOWN, strict=True))
