# SPDX-License-Identifier: Apache-2.0
"""Counter-based random numbers: ``word(key, n) = mix64(key + (n + 1) * STEP)``, SplitMix64 started at ``key``.

A draw is a function of its key and its number alone, so the results do not depend on the order of the draws, on the
number of threads, or on the machine. Keys are derived from a seed and names; for the noise of visible weights every
cell of an array has its own, ``cell_key = mix64(array_key + (cell + 1) * STEP)``; pulses have `devices.pulse_noise`.
Normal draws are sums of two entries of `normal_table`, looked up with the lowest 2 x 12 bits of a word: integers in
units of 2**-20.

Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011); Steele, Lea, Flood, Fast splittable
pseudorandom number generators (2014).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numba import config
from numpy.typing import NDArray

from symtrack.model.arithmetic.quantile import FRACTION_BITS, INDEX_BITS, normal_table
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.polynomials import MASK64, mix64
from symtrack.model.spec.validated import integral

STEP = np.uint64(0x9E3779B97F4A7C15)
NORMAL_BITS = FRACTION_BITS  # fractional bits of a normal draw

_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)
_INDEX_MASK, _INDEX_SHIFT = np.uint64((1 << INDEX_BITS) - 1), np.uint64(INDEX_BITS)
_HALF = np.uint64(32)

if config.DISABLE_JIT:  # words wrap on purpose; compiled code and arrays do so silently, scalars of numpy warn
    np.seterr(over="ignore")


def derive_key(seed: int, *names: str | int) -> int:
    """A 64-bit key for the stream of the given names; different names give unrelated streams.

    Raises
    ------
    TypeError
        The seed is no integer.
    """
    seed = integral("seed", seed)
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return mix64(int.from_bytes(digest[:8], "little"))


def word_at(key: np.uint64, number: np.uint64) -> np.uint64:
    """Draw ``number`` of the stream ``key``; for scalars and, elementwise, for uint64 arrays."""
    value = key + (number + np.uint64(1)) * STEP
    value = (value ^ (value >> _SHIFT_1)) * _MULTIPLIER_1
    value = (value ^ (value >> _SHIFT_2)) * _MULTIPLIER_2
    return value ^ (value >> _SHIFT_3)


def normal_from(word: np.uint64, table: Int) -> np.int64:
    """Standard normal integer, units of 2**-20, from a word; ``table`` is `normal_table()`."""
    return table[word & _INDEX_MASK] + table[(word >> _INDEX_SHIFT) & _INDEX_MASK]


compiled_word_at = njit(cache=True)(word_at)
compiled_normal_from = njit(cache=True)(normal_from)


def words(key: int, count: int, first: int = 0) -> NDArray[np.uint64]:
    """Draws ``first`` to ``first + count - 1`` of a stream, uint64[count]."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    return np.asarray(word_at(np.full(1, key & MASK64, dtype=np.uint64), numbers))  # type: ignore[arg-type]


def normals(key: int, count: int, first: int = 0) -> Int:
    """Standard normal draws, int64[count] in units of 2**-20."""
    return np.asarray(normal_from(words(key, count, first), normal_table()))  # type: ignore[arg-type]


def uniforms(key: int, count: int, bound: int, first: int = 0) -> Int:
    """Draws from 0 to ``bound - 1``, int64[count], ``bound`` at most 2**31; the bias is below ``bound * 2**-32``."""
    return ((words(key, count, first) >> _HALF).astype(np.int64) * bound) >> 32


def permutation(key: int, count: int) -> Int:
    """A random order of 0 to ``count - 1``, int64[count]: the order of the words of the stream."""
    return np.argsort(words(key, count), kind="stable")
