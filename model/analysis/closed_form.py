# SPDX-License-Identifier: Apache-2.0
"""A quantity as a sum of terms, with coefficients of least relative squares over measurements of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIGITS = 9  # of a coefficient


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Coefficients by the names of their terms, and the relative errors of measurements that they are not fitted to.

    Attributes
    ----------
    largest, rms : of all measurements, each predicted by a fit to the others.
    count : how many there are.
    """

    coefficients: Mapping[str, float]
    largest: float
    rms: float
    count: int

    def of(self, terms: Mapping[str, float]) -> float:
        """The sum of these terms."""
        return sum(self.coefficients[name] * value for name, value in terms.items())

    def errors(self) -> dict[str, float]:
        """What a file has of the errors."""
        return {"largest": round(self.largest, 5), "rms": round(self.rms, 5)}


def fit(measured: Sequence[tuple[Mapping[str, float], float]], what: str) -> Fit:
    """Fit coefficients to measurements.

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
    return Fit(
        coefficients=dict(zip(names, found, strict=True)),
        largest=float(np.abs(errors).max()),
        rms=float(np.sqrt((errors**2).mean())),
        count=len(measured),
    )


def _solve(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.abs(matrix).max(axis=0)
    scale[scale == 0.0] = 1.0
    found: NDArray[np.float64] = np.linalg.lstsq(matrix / scale, np.ones(len(matrix)), rcond=1e-10)[0] / scale
    return found
