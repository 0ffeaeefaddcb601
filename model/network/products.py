# SPDX-License-Identifier: Apache-2.0
"""Products of a tile with all vectors of a batch, in one compiled call.

    y = W u + gamma * c_out o ((P - R) (c_in o u))          or, with words D that are held digitally,
    y = W u + round(gamma * v),   v = round(t * lsb),   t = round(sum_j D_ij u_j),   |v| at most `SUM_MAX`

W, P and R each have a pass through the converters of their own, and of each vector all draws of W come before those of
P. Without gamma, and with D, there is the first pass only. What is added for D is exact up to its roundings, halves
upwards, each to words of values: t is one in units of an ADC LSB, v one of weight times input. u are the values
themselves, which pass no DAC.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from symtrack.model.arithmetic.converters import (
    by_inputs,
    compiled_dac,
    compiled_products,
    compiled_value,
    compiled_values,
)
from symtrack.model.arithmetic.formats import SUM_MAX, WEIGHT_BITS
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import round_shift

GAMMA_BITS = 20  # fractional bits of gamma
_TOGETHER = 32  # vectors whose sums stay in a cache

_round_shift = njit(round_shift)


@njit(cache=True)
def _part(sigmas, start, stop):  # type: ignore[no-untyped-def]
    return sigmas[start:stop] if sigmas.size > 1 else sigmas[:]


# fmt: off
@njit(cache=True)
def products_alone(  # type: ignore[no-untyped-def]
    vectors, forward, slow, fast, copied, gamma, choppers_in, choppers_out, one, lsb, half, exact,
    slow_sigmas, fast_sigmas, copied_sigmas, key, first, table,
):
    # fmt: on
    """Values [n, R] for vectors [n, C], or backward [n, C] for vectors [n, R].

    Parameters
    ----------
    slow, fast, copied
        int32[C, R], what is read of W, P and R.
    gamma
        With `GAMMA_BITS` fractional bits.
    one, lsb, half, exact
        `Converters.form`.
    slow_sigmas, fast_sigmas, copied_sigmas
        `Converters.sigmas` of the arrays.
    key, first, table
        Of the noise, and the number of its first draw.
    """
    form, count = (one, lsb, half, exact), len(vectors)
    outputs = slow.shape[1] if forward else slow.shape[0]
    stride, result = outputs * (3 if gamma else 1), np.empty((count, outputs), np.int64)
    slow, by_input = by_inputs(slow, forward, count)
    if gamma:
        fast, copied = by_inputs(fast, forward, count)[0], by_inputs(copied, forward, count)[0]
    for start in range(0, count, _TOGETHER):
        stop, at = min(start + _TOGETHER, count), first + start * stride
        codes, maxima = compiled_dac(vectors[start:stop], one)
        sigmas = _part(slow_sigmas, start, stop)
        main = compiled_products(slow, by_input, codes, form, sigmas, key, (at, stride), table)
        if not gamma:
            result[start:stop] = compiled_values(main, lsb, maxima)
            continue
        for k in range(len(codes)):
            for i in range(codes.shape[1]):
                codes[k, i] *= choppers_in[i]
        sigmas, place = _part(fast_sigmas, start, stop), (at + outputs, stride)
        ours = compiled_products(fast, by_input, codes, form, sigmas, key, place, table)
        sigmas, place = _part(copied_sigmas, start, stop), (at + 2 * outputs, stride)
        theirs = compiled_products(copied, by_input, codes, form, sigmas, key, place, table)
        for k in range(len(codes)):
            for i in range(outputs):
                residual = compiled_value((ours[k, i] - theirs[k, i]) * choppers_out[i], lsb, maxima[k])
                value = compiled_value(main[k, i], lsb, maxima[k])
                result[start + k, i] = value + _round_shift(residual * gamma, GAMMA_BITS)
    return result


# fmt: off
@njit(cache=True, parallel=True)
def products_shared(  # type: ignore[no-untyped-def]
    threads, vectors, forward, slow, fast, copied, gamma, choppers_in, choppers_out, one, lsb, half, exact,
    slow_sigmas, fast_sigmas, copied_sigmas, key, first, table,
):
    # fmt: on
    """`products_alone` with equal shares of the vectors for the threads."""
    outputs, count = slow.shape[1] if forward else slow.shape[0], len(vectors)
    stride, result = outputs * (3 if gamma else 1), np.empty((count, outputs), np.int64)
    for thread in prange(threads):
        start, stop = count * thread // threads, count * (thread + 1) // threads
        result[start:stop] = products_alone(
            vectors[start:stop], forward, slow, fast, copied, gamma, choppers_in, choppers_out, one, lsb, half, exact,
            _part(slow_sigmas, start, stop), _part(fast_sigmas, start, stop), _part(copied_sigmas, start, stop),
            key, first + start * stride, table,
        )  # fmt: skip
    return result


@njit(cache=True)
def digital_products(vectors, forward, residual, gamma, lsb, fraction_bits):  # type: ignore[no-untyped-def]
    """Values [n, R] of gamma * D for vectors [n, C], or backward [n, C] for vectors [n, R].

    Parameters
    ----------
    residual
        int64[C, R], D in units of ``lsb`` / 2**``fraction_bits``.
    gamma
        With `GAMMA_BITS` fractional bits.
    lsb
        One ADC code, a weight.
    """
    columns, rows = residual.shape
    result = np.zeros((len(vectors), rows if forward else columns), np.int64)
    limit = (SUM_MAX << WEIGHT_BITS) // lsb
    for k in range(len(vectors)):
        for j in range(columns):
            if not forward:
                for i in range(rows):
                    result[k, j] += residual[j, i] * vectors[k, i]
            elif vectors[k, j]:
                for i in range(rows):
                    result[k, i] += residual[j, i] * vectors[k, j]
        for i in range(result.shape[1]):
            total = min(max(_round_shift(result[k, i], fraction_bits), -limit), limit)
            result[k, i] = _round_shift(_round_shift(total * lsb, WEIGHT_BITS) * gamma, GAMMA_BITS)
    return result
