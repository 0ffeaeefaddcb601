# SPDX-License-Identifier: Apache-2.0
"""Learning-rate schedule: factors by epoch; that of the last point not after epoch e holds, 1 before the first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from symtrack.model.spec.validated import check

EPOCH_MAX = 10**6
FACTOR_MAX = 1000.0


@dataclass(frozen=True)
class Schedule:
    """Points (epoch, factor): after so many whole epochs the learning rate is multiplied by the factor.

    Raises
    ------
    ValueError
        Epochs are negative or do not increase, or a factor is not from 0 to `FACTOR_MAX`.
    """

    points: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        checked = tuple(
            (
                check("schedule: epoch", epoch, 0, EPOCH_MAX),
                check("schedule: factor", factor, 0, FACTOR_MAX, whole=False),
            )
            for epoch, factor in self.points
        )
        object.__setattr__(self, "points", checked)
        for (before, _), (epoch, _) in pairwise(self.points):
            if epoch <= before:
                raise ValueError(f"schedule: epoch = {epoch}: must be above {before}, that of the point before")

    def factor(self, epoch: int) -> float:
        """What multiplies the learning rate in an epoch, counted from 0."""
        return next((factor for start, factor in reversed(self.points) if start <= epoch), 1.0)

    def factors(self) -> tuple[float, ...]:
        """All that there are."""
        return (1.0, *(factor for _, factor in self.points))
