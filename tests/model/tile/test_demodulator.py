# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden demodulator: a read with the signs of its rows."""

from __future__ import annotations

import numpy as np

from symtrack.model.tile.demodulator import demodulate


def test_demodulate_has_a_sign_for_every_row() -> None:
    r, subtracted = np.array([5, -7, 0]), np.array([2, 2, -2])
    assert demodulate(np.array([1, 1, 1]), r, subtracted).tolist() == [3, -9, 2]
    assert demodulate(np.array([-1, 1, -1]), r, subtracted).tolist() == [-3, -9, -2]
