# SPDX-License-Identifier: Apache-2.0
"""Matrix-vector products of an analog array, as its DACs and ADCs see them.

    dac   code_j = round(x_j / max|x| * (2**(dac_bits - 1) - 1))
    adc   code_i = clip(round((sum_j w_ij * u_j + sigma * xi) / lsb)),   u_j = code_j / (2**(dac_bits - 1) - 1)
          sigma = sqrt(output_noise**2 + read_noise**2 * sum_j u_j**2)
    value y_i = code_i * lsb * max|x|,                                   lsb = output_bound / 2**(adc_bits - 1)

`round` takes halves upwards. Weights have 30 fractional bits, values (inputs, errors, outputs) 20; all sums are exact
int64, and every output has its own draw of noise. Read noise is that of every cell, r_ij * xi_ij in each product anew:
one draw of the variance of their sum is the same. The read of a column is the product with one input at full scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np

from symtrack.model.arithmetic.formats import WEIGHT_BITS, to_weight
from symtrack.model.arithmetic.noise import NORMAL_BITS, compiled_normal_from, compiled_word_at
from symtrack.model.arithmetic.quantile import normal_table
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.polynomials import MASK64
from symtrack.model.spec.validated import Validated, integer, number

_SIGMA_MAX = 32 << WEIGHT_BITS  # a draw times it has to fit 63 bits; every output is clipped long before
_NORMAL_HALF = 1 << (NORMAL_BITS - 1)
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
    output_bound: float = number(1e-3, 1024, 12.0, "full scale of the output, in units of weight times input")
    output_noise: float = number(0, 16, 0.06, "standard deviation of the output noise, in the same units")

    @cached_property
    def dac_max(self) -> int:
        """Largest input code."""
        return (1 << (self.dac_bits - 1)) - 1

    @cached_property
    def lsb(self) -> int:
        """One output code, as a weight."""
        return int(to_weight(self.output_bound / (1 << (self.adc_bits - 1))))

    @cached_property
    def _adc(self) -> tuple[int, int, int, int]:
        return self.dac_max, self.lsb, 1 << (self.adc_bits - 1), int(to_weight(self.output_noise))

    def dac(self, values: Int) -> tuple[Int, int]:
        """Input codes and the maximum they are relative to."""
        codes, maximum = _dac(values, self.dac_max)
        return codes, int(maximum)

    def product(self, weights: Int, codes: Int, noise: NoiseStream, read_noise: int = 0) -> Int:
        """ADC codes [R] of weights [R, C] times input codes [C], of cells with this read noise, a weight."""
        one, lsb, half, output_noise = self._adc
        sigma = self._sigma(codes, read_noise) if read_noise else output_noise
        first = noise.take(weights.shape[0])
        by_columns = weights.flags.f_contiguous
        output: Int = _product(weights, codes, by_columns, one, lsb, half, sigma, noise.key, first, normal_table())
        return output

    def _sigma(self, codes: Int, read_noise: int) -> int:
        """Noise of an output with the read noise of its cells, a weight, at most _SIGMA_MAX; Python's integers."""
        power = int((codes.astype(np.int64) ** 2).sum())
        return min(isqrt(self._adc[3] ** 2 + read_noise**2 * power // self.dac_max**2), _SIGMA_MAX)

    def read_column(self, weights: Int, column: int, noise: NoiseStream, read_noise: int = 0) -> Int:
        """ADC codes [R] of one column of weights [R, C]."""
        return self.product(weights[:, column : column + 1], np.array([self.dac_max]), noise, read_noise)

    def value(self, codes: Int, maximum: int) -> Int:
        """What output codes stand for when the inputs were relative to ``maximum``."""
        values: Int = _value(codes, self.lsb, maximum)
        return values


@njit(cache=True)
def _dac(values: Int, one: int) -> tuple[Int, int]:
    maximum = np.abs(values).max()
    if maximum == 0:
        return np.zeros_like(values), maximum
    return (2 * one * values + maximum) // (2 * maximum), maximum


@njit(cache=True)
def _value(codes: Int, lsb: int, maximum: int) -> Int:
    return _round_shift(codes * lsb * maximum, WEIGHT_BITS)


@njit(cache=True)
def _sums(weights: Int, codes: Int, by_columns: bool) -> Int:
    """Weights times codes, in the order of the memory."""
    totals = np.zeros(weights.shape[0], dtype=np.int64)
    if by_columns:
        for j in range(weights.shape[1]):
            if codes[j]:
                for i in range(weights.shape[0]):
                    totals[i] += weights[i, j] * codes[j]
    else:
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                totals[i] += weights[i, j] * codes[j]
    return totals


@njit(cache=True)
def _product(
    weights: Int,
    codes: Int,
    by_columns: bool,
    one: int,
    lsb: int,
    half: int,
    noise: int,
    key: np.uint64,
    first: int,
    table: Int,
) -> Int:
    totals = _sums(weights, codes, by_columns)
    unit = lsb * one
    for i in range(totals.size):
        if noise != 0:
            draw = compiled_normal_from(compiled_word_at(key, np.uint64(first + i)), table)
            totals[i] += one * ((noise * draw + _NORMAL_HALF) >> NORMAL_BITS)
        totals[i] = min(max((2 * totals[i] + unit) // (2 * unit), -half), half - 1)
    return totals
