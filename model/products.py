"""Products of an analog array, as its converters see them.

    dac   code_j = round(x_j / max|x| * (2**(dac_bits - 1) - 1))
    adc   code_i = clip(round((sum_j w_ij * u_j + noise * xi) / lsb)),   u_j = code_j / (2**(dac_bits - 1) - 1)
    value y_i = code_i * lsb * max|x|,                                   lsb = output_bound / 2**(adc_bits - 1)

`round` takes halves upwards. Weights have 30 fractional bits, values (inputs, errors, outputs) 20; all sums are exact
int64, and every output has its own draw of noise. The read of a column is the product with one input at full scale.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numba import njit

from model.devices.cells import WEIGHT_BITS, to_weight
from model.fixed import Int, round_shift
from model.noise import NORMAL_BITS, compiled_normal_from, compiled_word_at
from model.polynomials import MASK64
from model.quantile import normal_table

VALUE_BITS = 20  # fractional bits of inputs, errors and outputs
VALUE_ONE = 1 << VALUE_BITS

_NORMAL_HALF = 1 << (NORMAL_BITS - 1)


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
class Converters:
    """Converters and output noise of an array.

    dac_bits: input converter, 2 to 16. adc_bits: output converter, 2 to 16. output_bound: full scale of the output, in
    units of weight times input, above 0 and at most 1024. output_noise: standard deviation in the same units, 0 to 16.

    Raises
    ------
    TypeError, ValueError
        A parameter has the wrong type or lies outside its range.
    """

    dac_bits: int = 7
    adc_bits: int = 9
    output_bound: float = 12.0
    output_noise: float = 0.06

    def __post_init__(self) -> None:
        limits = {"dac_bits": (2, 16), "adc_bits": (2, 16), "output_bound": (1e-3, 1024), "output_noise": (0, 16)}
        for spec in fields(self):
            value, (low, high) = getattr(self, spec.name), limits[spec.name]
            kinds, words = ((int,), "an integer") if spec.type == "int" else ((int, float), "a number")
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise TypeError(f"{spec.name} = {value!r}: must be {words} from {low} to {high}")
            if not low <= value <= high:
                raise ValueError(f"{spec.name} = {value!r}: must be from {low} to {high}")

    @cached_property
    def dac_max(self) -> int:
        """Largest input code."""
        return (1 << (self.dac_bits - 1)) - 1

    @cached_property
    def lsb(self) -> int:
        """One output code, as a weight."""
        return int(to_weight(self.output_bound / (1 << (self.adc_bits - 1))))

    @cached_property
    def _noise(self) -> int:
        return int(to_weight(self.output_noise))

    def dac(self, values: Int) -> tuple[Int, int]:
        """Input codes and the maximum they are relative to."""
        maximum = int(np.abs(values).max())
        if maximum == 0:
            return np.zeros_like(values), 0
        return (2 * self.dac_max * values + maximum) // (2 * maximum), maximum

    def product(self, weights: Int, codes: Int, noise: NoiseStream) -> Int:
        """ADC codes [R] of weights [R, C] times input codes [C]."""
        half, first = 1 << (self.adc_bits - 1), noise.take(weights.shape[0])
        return _product(weights, codes, self.dac_max, self.lsb, half, self._noise, noise.key, first, normal_table())

    def read_column(self, weights: Int, column: int, noise: NoiseStream) -> Int:
        """ADC codes [R] of one column of weights [R, C]."""
        return self.product(weights[:, column : column + 1], np.array([self.dac_max]), noise)

    def value(self, codes: Int, maximum: int) -> Int:
        """What output codes stand for when the inputs were relative to ``maximum``."""
        return round_shift(codes * self.lsb * maximum, WEIGHT_BITS)


@njit(cache=True)
def _product(
    weights: Int,
    codes: Int,
    one: int,
    lsb: int,
    half: int,
    noise: int,
    key: np.uint64,
    first: int,
    table: Int,
) -> Int:
    outputs = np.empty(weights.shape[0], dtype=np.int64)
    unit = lsb * one
    for i in range(weights.shape[0]):
        total = np.int64(0)
        for j in range(weights.shape[1]):
            total += weights[i, j] * codes[j]
        if noise != 0:
            draw = compiled_normal_from(compiled_word_at(key, np.uint64(first + i)), table)
            total += one * ((noise * draw + _NORMAL_HALF) >> NORMAL_BITS)
        outputs[i] = (2 * total + unit) // (2 * unit)
    return np.minimum(np.maximum(outputs, -half), half - 1)
