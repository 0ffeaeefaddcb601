# SPDX-License-Identifier: Apache-2.0
"""A quantity as a sum of terms, with coefficients of least relative squares over measurements of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

DIGITS = 9  # of a coefficient


def fitted(measured: Sequence[tuple[Mapping[str, float], float]], what: str) -> tuple[dict[str, float], float, float]:
    """Coefficients by the names of the terms, and the largest and the root mean square of the relative errors.

    The error of a measurement is that of the sum which is fitted to all others.

    Parameters
    ----------
    measured
        The terms of each and its value, all with the same names.
    what
        What was measured, for messages.

    Raises
    ------
    ValueError
        There are too few to predict one from the others.
    """
    names = list(measured[0][0]) if measured else []
    if len(measured) <= len(names) or not names:
        raise ValueError(f"measured: {len(measured)} {what}: must be more than the terms")
    values = np.array([value for _, value in measured], np.float64)
    matrix = np.array([list(terms.values()) for terms, _ in measured], np.float64) / values[:, None]
    errors = np.empty(len(measured))
    for index in range(len(measured)):
        others = np.arange(len(measured)) != index
        errors[index] = matrix[index] @ _solve(matrix[others]) - 1.0
    found = [float(f"{value:.{DIGITS}g}") for value in _solve(matrix)]
    return dict(zip(names, found, strict=True)), float(np.abs(errors).max()), float(np.sqrt((errors**2).mean()))


def _solve(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.abs(matrix).max(axis=0)
    scale[scale == 0.0] = 1.0
    found: NDArray[np.float64] = np.linalg.lstsq(matrix / scale, np.ones(len(matrix)), rcond=1e-10)[0] / scale
    return found
