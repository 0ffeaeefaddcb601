# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden reference latch: it takes Q in coarse steps, in the rows that latch."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.model.tile.reference_latch import latch


@pytest.mark.parametrize(("bits", "shift"), [(bits, shift) for bits in (4, 7) for shift in range(bits - 1)])
def test_a_latched_reference_is_q_in_coarse_steps(bits: int, shift: int) -> None:
    """Every Q of a format: the nearest multiple of 2**shift, halves upwards, as far as the format has one."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    q = np.arange(low, high + 1)
    multiples = [multiple for multiple in range(low, high + 1) if multiple % 2**shift == 0]
    expected = [min(multiples, key=lambda multiple: (abs(multiple - value), -multiple)) for value in q]
    coarse = latch(q, np.zeros_like(q), np.ones_like(q), shift, high)
    assert coarse.tolist() == expected
    assert abs(coarse - q).max() == (2**shift - 1 if shift else 0)  # at the upper end
    below = q <= multiples[-1]
    assert abs(coarse - q)[below].max() == 2**shift // 2
    assert shift == 0 or latch(q, q, np.ones_like(q), shift - 1, high).tolist() != expected


def test_only_the_rows_that_latch_take_q() -> None:
    q, qref = np.array([1, 2, 3, -4]), np.array([4, 5, 6, 7])
    assert latch(q, qref, np.array([0, 1, 0, 1]), 0, 127).tolist() == [4, 2, 6, -4]
    assert latch(q, qref, np.array([1, 0, 1, 0]), 1, 127).tolist() == [2, 5, 4, 7]
    assert latch(q, qref, np.zeros(4, np.int64), 1, 127).tolist() == qref.tolist()
    assert q.tolist() == [1, 2, 3, -4]
