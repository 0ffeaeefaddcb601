# SPDX-License-Identifier: Apache-2.0
"""Packs the words of several lanes into one word, lane 0 in the lowest bits, and unpacks them.

    word = sum over lanes of (value mod 2**width) * 2**(width * lane)

Source: docs/tile.md, section 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int
from symtrack.model.tile.pulse_train import Bits

WORD = 64

Words = NDArray[np.uint64]


def pack(values: Iterable[int], width: int) -> int:
    """One word from signed or unsigned values of ``width`` bits."""
    word, mask = 0, (1 << width) - 1
    for lane, value in enumerate(values):
        word |= (value & mask) << (lane * width)
    return word


def unpack(word: int, width: int, lanes: int) -> list[int]:
    """The unsigned values of the lowest ``lanes`` lanes."""
    mask = (1 << width) - 1
    return [(word >> (lane * width)) & mask for lane in range(lanes)]


def unpack_signed(word: int, width: int, lanes: int) -> list[int]:
    """The two's complement values of the lowest ``lanes`` lanes."""
    half = 1 << (width - 1)
    return [(value ^ half) - half for value in unpack(word, width, lanes)]


def pack_bits(bits: Bits | NDArray[np.bool_]) -> int:
    """One word from an array of bits."""
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


def pack_words(values: NDArray[Any], width: int) -> Words:
    """Rows of values [n, lanes] of ``width`` bits as rows of 64-bit words [n, ceil(lanes * width / 64)]."""
    words = np.zeros((values.shape[0], -(-values.shape[1] * width // WORD)), np.uint64)
    pack_beats(values.reshape(-1), values.shape[1], width, words)
    return words


def unpack_words(words: Words, width: int, lanes: int) -> Int:
    """Rows of two's complement values [n, lanes] from rows of 64-bit words."""
    values = np.zeros((words.shape[0], lanes), np.int64)
    _unpack(words, width, values)
    return values


def pack_lines(bits: Bits) -> Words:
    """Rows of bits [n, lines] as rows of 64-bit words."""
    count, lines = bits.shape
    octets = np.zeros((count, -(-lines // WORD) * WORD // 8), np.uint8)
    octets[:, : -(-lines // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return octets.view("<u8")


def unpack_lines(words: Words, lines: int) -> Bits:
    """Rows of bits [n, lines] from rows of 64-bit words."""
    octets = np.ascontiguousarray(words, "<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=lines, bitorder="little")


@njit(cache=True)
def pack_beats(values: NDArray[Any], lanes: int, width: int, words: Words) -> None:
    """Pack values [n] into zeroed rows of words, ``lanes`` values a row; the last row may be short."""
    mask = np.uint64((1 << width) - 1)
    row, bit = 0, 0
    for value in values:
        word, shift = divmod(bit, WORD)
        masked = np.uint64(value) & mask
        words[row, word] |= masked << np.uint64(shift)
        if shift + width > WORD:
            words[row, word + 1] |= masked >> np.uint64(WORD - shift)
        bit += width
        if bit == lanes * width:
            row, bit = row + 1, 0


@njit(cache=True)
def pack_vectors(  # type: ignore[no-untyped-def]
    x_negative, x_magnitude, delta_negative, delta_magnitude, lanes, width, magnitude_words, words
) -> None:
    """Pack an update into rows of words: beats of x, then of δ, in each ``width`` bits a lane and then the signs."""
    words[...] = 0
    beats = -(-x_negative.size // lanes)
    pack_beats(x_magnitude, lanes, width, words[:beats, :magnitude_words])
    pack_beats(x_negative, lanes, 1, words[:beats, magnitude_words:])
    pack_beats(delta_magnitude, lanes, width, words[beats:, :magnitude_words])
    pack_beats(delta_negative, lanes, 1, words[beats:, magnitude_words:])


@njit(cache=True)
def _unpack(words: Words, width: int, values: Int) -> None:
    half, mask = np.int64(1) << (width - 1), np.uint64((1 << width) - 1)
    for row in range(values.shape[0]):
        for lane in range(values.shape[1]):
            word, shift = divmod(lane * width, WORD)
            value = words[row, word] >> np.uint64(shift)
            if shift + width > WORD:
                value |= words[row, word + 1] << np.uint64(WORD - shift)
            values[row, lane] = (np.int64(value & mask) ^ half) - half
