# SPDX-License-Identifier: Apache-2.0
"""Tests of learning-rate schedules: their factors, and what is refused."""

import pytest

from symtrack.model.training.schedule import Schedule


def test_factor_is_that_of_the_last_point() -> None:
    schedule = Schedule(((2, 0.5), (3, 0.1), (7, 2.0)))
    assert [schedule.factor(epoch) for epoch in range(9)] == [1, 1, 0.5, 0.1, 0.1, 0.1, 0.1, 2, 2]
    assert schedule.factors() == (1.0, 0.5, 0.1, 2.0)
    assert Schedule(((0, 0.5),)).factor(0) == 0.5
    assert Schedule().factor(5) == 1.0


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (((-1, 1.0),), "epoch = -1: must be from 0 to 1000000"),
        (((1, -0.5),), "factor = -0.5: must be from 0 to 1000"),
        (((1, float("nan")),), "factor = nan: must be from 0 to 1000"),
        (((3, 1.0), (3, 0.5)), "epoch = 3: must be above 3, that of the point before"),
        (((3, 1.0), (2, 0.5)), "epoch = 2: must be above 3"),
    ],
)
def test_bad_points(points: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(points)
