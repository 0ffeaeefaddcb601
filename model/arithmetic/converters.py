# SPDX-License-Identifier: Apache-2.0
"""Matrix-vector products of an analog array, as its DACs and ADCs see them.

    dac   code_j = round(x_j / max|x| * (2**(dac_bits - 1) - 1))
    adc   code_i = clip(round((sum_j w_ij * u_j + sigma * xi) / lsb)),   u_j = code_j / (2**(dac_bits - 1) - 1)
          sigma = sqrt(output_noise**2 + read_noise**2 * sum_j u_j**2)
    value y_i = code_i * lsb * max|x|,                                   lsb = output_bound / 2**(adc_bits - 1)

`round` takes halves upwards. Weights are what a read sees of them, words of 32 bits with 28 fractional bits; values
(inputs, errors, outputs) have 20. All sums are exact int64, and every output has its own draw of noise. Read noise is
that of every cell, r_ij * xi_ij in each product anew: one draw of the variance of their sum is the same. The read of a
column is the product with one input at full scale, and its converter may have a range of its own, ``read_bound``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import READ_DROP, WEIGHT_BITS, ReadWords, to_weight
from symtrack.model.arithmetic.noise import NORMAL_BITS, compiled_normal_from, compiled_word_at
from symtrack.model.arithmetic.quantile import normal_table
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.polynomials import MASK64
from symtrack.model.spec.validated import Validated, integer, number

BOUND_MIN = 1e-3
_SIGMA_MAX = 32 << WEIGHT_BITS  # a draw times it has to fit 63 bits; every output is clipped long before
_NORMAL_HALF = 1 << (NORMAL_BITS - 1)
_FLOAT_BITS = 52  # of integers that floats hold, and quotients of them
_COLUMNS = 64  # of weights that stay in a cache while the vectors go by
_LINE = 16  # words of a cache line
_AT_ONCE = 4  # columns that are added together
_WORTH_TURNING = 4  # vectors from which on a transposed copy of the weights pays
_round_shift = njit(round_shift)


class NoiseStream:
    """The draws of one key, taken in order; `position` is its state."""

    def __init__(self, key: int, position: int = 0) -> None:
        self.key = np.uint64(key & MASK64)
        self.position = position

    def take(self, count: int) -> int:
        """Number of the first of ``count`` fresh draws."""
        first = self.position
        self.position += count
        return first


@dataclass(frozen=True, kw_only=True)
class Converters(Validated):
    """Converters and output noise of an array; see `Validated` for the errors of bad parameters."""

    dac_bits: int = integer(2, 16, 7, "width of the input converter")
    adc_bits: int = integer(2, 16, 9, "width of the output converter")
    output_bound: float = number(BOUND_MIN, 1024, 12.0, "full scale of the output, in units of weight times input")
    output_noise: float = number(0, 16, 0.06, "standard deviation of the output noise, in the same units")
    read_bound: float = number(0, 1024, 0.0, "full scale of reads of columns, weights; 0: output_bound")

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0.0 < self.read_bound < BOUND_MIN:
            raise ValueError(f"read_bound = {self.read_bound!r}: must be 0 or from {BOUND_MIN} to 1024")

    @cached_property
    def dac_max(self) -> int:
        """Largest input code."""
        return (1 << (self.dac_bits - 1)) - 1

    @cached_property
    def lsb(self) -> int:
        """One output code of a product, as a weight."""
        return int(to_weight(self.output_bound / (1 << (self.adc_bits - 1))))

    @cached_property
    def read_lsb(self) -> int:
        """One output code of the read of a column, as a weight."""
        return int(to_weight((self.read_bound or self.output_bound) / (1 << (self.adc_bits - 1))))

    @cached_property
    def _adc(self) -> tuple[int, int, int, int]:
        return self.dac_max, self.lsb, 1 << (self.adc_bits - 1), int(to_weight(self.output_noise))

    def dac(self, values: Int) -> tuple[NDArray[np.int32], Int]:
        """Input codes [n, C] of n vectors of values, and the maxima [n] they are relative to."""
        codes, maxima = compiled_dac(values, self.dac_max)
        return codes, maxima

    @cached_property
    def form(self) -> tuple[int, int, int, bool]:
        """For compiled code: largest input code, LSB, half the range of codes, and whether floats hold every quotient
        that is not clipped.
        """
        return self._form(self.lsb)

    @cached_property
    def read_form(self) -> tuple[int, int, int, bool]:
        """`form` of the reads of columns."""
        return self._form(self.read_lsb)

    def _form(self, lsb: int) -> tuple[int, int, int, bool]:
        one, _, half, _ = self._adc
        return one, lsb, half, 2 * one * lsb * half < 1 << _FLOAT_BITS

    def sigmas(self, codes: NDArray[np.integer] | None, read_noise: int) -> Int:
        """Noise of outputs [n], or [1] of all, a weight, for input codes [n, C]; those matter with read noise only."""
        return self._sigmas(codes, read_noise) if read_noise and codes is not None else self._output_sigma

    @cached_property
    def _output_sigma(self) -> Int:
        return np.full(1, self._adc[3])

    def product(self, words: ReadWords, codes: Int, noise: NoiseStream, read_noise: int = 0) -> Int:
        """ADC codes [R] of words of weights [R, C] times input codes [C], of cells with this read noise, a weight."""
        place = noise.take(len(words)), len(words)
        return self.products(words, codes[None], noise.key, place, read_noise)[0]

    def products(
        self, words: ReadWords, codes: Int, key: np.uint64, place: tuple[int, int], read_noise: int = 0
    ) -> Int:
        """ADC codes [n, R] of words of weights [R, C] times n vectors of input codes [n, C].

        key, place: of the noise; output i of vector k has the draw ``place[0] + k * place[1] + i``.
        """
        sigmas, columns = self.sigmas(codes, read_noise), np.ascontiguousarray(words.T)
        outputs: Int = compiled_products(columns, True, codes, self.form, sigmas, key, place, normal_table())
        return outputs

    @cached_property
    def _column_sigmas(self) -> dict[int, Int]:
        return {}

    def read_sigmas(self, read_noise: int) -> Int:
        """`sigmas` of reads of a column."""
        if read_noise not in self._column_sigmas:
            self._column_sigmas[read_noise] = self.sigmas(np.array([[self.dac_max]]), read_noise)
        return self._column_sigmas[read_noise]

    def read_column(self, words: ReadWords, noise: NoiseStream, read_noise: int = 0) -> Int:
        """ADC codes [R] of a column with words of weights [R]."""
        sigmas, first = self.read_sigmas(read_noise), noise.take(len(words))
        codes: Int = read_codes(words, self.read_form, sigmas, noise.key, first, normal_table())
        return codes

    def _sigmas(self, codes: NDArray[np.integer], read_noise: int) -> Int:
        """Noise of outputs with the read noise of their cells, weights, at most _SIGMA_MAX; by Python's integers."""
        powers = (codes.astype(np.int64) ** 2).sum(axis=1).tolist()
        roots = [isqrt(self._adc[3] ** 2 + read_noise**2 * power // self.dac_max**2) for power in powers]
        return np.array([min(root, _SIGMA_MAX) for root in roots], np.int64)

    def value(self, codes: Int, maxima: Int) -> Int:
        """What output codes [n, R] stand for when the inputs were relative to ``maxima`` [n]."""
        values: Int = compiled_values(codes, self.lsb, maxima)
        return values


@njit(cache=True)
def by_inputs(words, forward, count):  # type: ignore[no-untyped-def]
    """Words [C, R] as `compiled_products` takes them for so many vectors, and whether each line of them is an input."""
    if forward or count < _WORTH_TURNING:
        return words, forward
    result = np.empty((words.shape[1], words.shape[0]), np.int32)
    for first in range(0, words.shape[0], _LINE):  # whose words of a row stay in a cache while the rows go by
        for i in range(words.shape[1]):
            for j in range(first, min(first + _LINE, words.shape[0])):
                result[i, j] = words[j, i]
    return result, True


@njit(cache=True)
def compiled_products(  # type: ignore[no-untyped-def]
    words, by_input, codes, form, sigmas, key, place, table
):
    """`Converters.products` with codes [n, inputs] of words [inputs, outputs], or [outputs, inputs]."""
    one, lsb, half, exact = form
    totals = np.zeros((len(codes), words.shape[1] if by_input else words.shape[0]), np.int64)
    if by_input:
        _add_columns(totals, words, codes)
    else:
        _add_rows(totals, words, codes)
    _digitize(totals, one, lsb, half, sigmas, key, place[0], place[1], table, exact)
    return totals


@njit(cache=True)
def read_codes(words, form, sigmas, key, first, table):  # type: ignore[no-untyped-def]
    """`Converters.read_column`."""
    one, lsb, half, exact = form
    totals = np.empty((1, words.size), np.int64)
    for i in range(words.size):
        totals[0, i] = np.int64(words[i]) * one
    _digitize(totals, one, lsb, half, sigmas, key, first, words.size, table, exact)
    return totals[0]


@njit(cache=True, error_model="numpy")
def compiled_dac(values: Int, one: int) -> tuple[NDArray[np.int32], Int]:
    """`Converters.dac`. In floats, which hold all quotients: these have 16 bits, and their divisors less than 36."""
    codes, maxima = np.zeros(values.shape, np.int32), np.zeros(len(values), np.int64)
    for k in range(len(values)):
        maximum = 0
        for j in range(values.shape[1]):
            maximum = max(maximum, abs(values[k, j]))
        maxima[k] = maximum
        if maximum >= 1 << _FLOAT_BITS - 18:  # codes have at most 16 bits
            for j in range(values.shape[1]):
                codes[k, j] = (2 * one * values[k, j] + maximum) // (2 * maximum)
        elif maximum:
            for j in range(values.shape[1]):
                code = np.floor(np.float64(2 * one * values[k, j] + maximum) / np.float64(2 * maximum))
                codes[k, j] = np.int32(code)
    return codes, maxima


@njit(cache=True)
def compiled_value(code: int, lsb: int, maximum: int) -> int:
    """What an output code stands for."""
    return _round_shift(code * lsb * maximum, WEIGHT_BITS)


@njit(cache=True)
def compiled_values(codes: Int, lsb: int, maxima: Int) -> Int:
    values = np.empty(codes.shape, np.int64)
    for k in range(len(codes)):
        for i in range(codes.shape[1]):
            values[k, i] = compiled_value(codes[k, i], lsb, maxima[k])
    return values


@njit(cache=True)
def _add_columns(totals, words, codes):  # type: ignore[no-untyped-def]
    """Add words [C, R] times codes to totals [n, R], a few columns at a time of those that have a code.

    Words and codes have 32 bits, so that vectors multiply them at once.
    """
    lines = np.uint64(words.shape[1])
    which, factors = np.zeros(_COLUMNS + _AT_ONCE, np.uint64), np.zeros(_COLUMNS + _AT_ONCE, np.int32)
    for first in range(0, words.shape[0], _COLUMNS):
        for k in range(len(codes)):
            found = 0
            for j in range(first, min(first + _COLUMNS, words.shape[0])):
                which[found], factors[found] = j, codes[k, j]
                found += codes[k, j] != 0
            factors[found : found + _AT_ONCE] = 0
            for n in range(0, found, _AT_ONCE):
                a, b, c, d = which[n], which[n + 1], which[n + 2], which[n + 3]
                one, two, three, four = factors[n], factors[n + 1], factors[n + 2], factors[n + 3]
                for i in range(lines):
                    left = np.int64(words[a, i]) * np.int64(one) + np.int64(words[b, i]) * np.int64(two)
                    right = np.int64(words[c, i]) * np.int64(three) + np.int64(words[d, i]) * np.int64(four)
                    totals[k, i] += left + right


@njit(cache=True)
def _add_rows(totals, words, codes):  # type: ignore[no-untyped-def]
    """Add words [R, C] times codes to totals [n, R]."""
    for i in range(words.shape[0]):
        for k in range(len(codes)):
            total = np.int64(0)
            for j in range(words.shape[1]):
                total += np.int64(words[i, j]) * np.int64(codes[k, j])
            totals[k, i] += total


@njit(cache=True, error_model="numpy")
def _digitize(  # type: ignore[no-untyped-def]
    totals, one, lsb, half, sigmas, key, first, stride, table, exact
):
    """Noise and ADC, in place; ``sigmas`` is [n], or [1] for all. ``exact``: floats hold what is not clipped."""
    unit, lines, flat = lsb * one, np.uint64(totals.shape[1]), totals.reshape(-1)
    twice, low, high = np.float64(2 * unit), np.float64(-half), np.float64(half - 1)
    sums, words, normals = np.empty(totals.shape, np.float64), np.empty(lines, np.uint64), np.empty(lines, np.int64)
    for k in range(len(totals)):
        sigma, draws = sigmas[k if sigmas.size > 1 else 0], np.uint64(first + k * stride)
        if sigma != 0:  # in parts of which the compiler makes vectors of all but the look-ups
            for i in range(lines):
                words[i] = compiled_word_at(key, draws + i)
            for i in range(lines):
                normals[i] = compiled_normal_from(words[i], table)
            for i in range(lines):
                noise = one * ((sigma * normals[i] + _NORMAL_HALF) >> NORMAL_BITS)
                totals[k, i] = total = (totals[k, i] << READ_DROP) + noise
                sums[k, i] = np.float64(total)
        else:
            for i in range(lines):
                totals[k, i] = total = totals[k, i] << READ_DROP
                sums[k, i] = np.float64(total)
    if exact:
        quotients = sums.reshape(-1)
        for n in range(np.uint64(flat.size)):
            code = np.floor((2.0 * quotients[n] + np.float64(unit)) / twice)
            flat[n] = np.int32(min(max(code, low), high))
    else:
        for n in range(np.uint64(flat.size)):
            flat[n] = min(max((2 * flat[n] + unit) // (2 * unit), -half), half - 1)
