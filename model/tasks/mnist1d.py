# SPDX-License-Identifier: Apache-2.0
"""MNIST-1D: ten classes of noisy signals of 40 points, made from a seed by the package `mnist1d`.

    value = clip(round(64 * x) / 256, -1, 1)

x has mean 0 and standard deviation 1; a quarter of it keeps all but 0.06 % of the points within the limits. The package
uses log, exp and sums in the machine's order, whose last bits may differ from machine to machine. No point lies closer
than 1e-8 to a boundary of the rounding, ten million times what they can differ by: the values are the same everywhere.
Source: S. Greydanus, D. Kobak, Scaling Down Deep Learning with MNIST-1D (2024).
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_BITS, VALUE_ONE
from symtrack.model.spec.fixed import Int

CLASSES = 10
STEPS = 64  # per standard deviation
_FRACTION_BITS = 8


@cache
def samples() -> tuple[Int, Int, Int, Int]:
    """train_x int64[4000, 40], train_y int64[4000], test_x int64[1000, 40], test_y int64[1000], not to be changed."""
    from mnist1d.data import make_dataset  # takes seconds to import, which only this task needs

    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        data = make_dataset()  # seeds both global generators
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
    arrays = values(data["x"]), data["y"].astype(np.int64), values(data["x_test"]), data["y_test"].astype(np.int64)
    for array in arrays:
        array.flags.writeable = False
    return arrays


def values(x: np.ndarray) -> Int:
    """Points as values, from -1 to 1 with 8 fractional bits that count."""
    coarse = np.rint(x * STEPS).astype(np.int64) << (VALUE_BITS - _FRACTION_BITS)
    return np.clip(coarse, -VALUE_ONE, VALUE_ONE)
