# SPDX-License-Identifier: Apache-2.0
"""Tests of packing lanes into words: packing and unpacking are inverse, and lane 0 is lowest."""

from __future__ import annotations

import random

import numpy as np
import pytest

from symtrack.model.tile.packing import pack, pack_bits, pack_vectors, unpack, unpack_signed


@pytest.mark.parametrize("lanes", [1, 3, 17, 64])
@pytest.mark.parametrize("width", [1, 2, 9, 16])
def test_round_trip(lanes: int, width: int) -> None:
    rng = random.Random(lanes)
    unsigned = [rng.getrandbits(width) for _ in range(lanes)]
    assert unpack(pack(unsigned, width), width, lanes) == unsigned
    signed = [value - (1 << (width - 1)) for value in unsigned]
    assert unpack_signed(pack(signed, width), width, lanes) == signed


def test_lane_0_is_lowest() -> None:
    assert pack([1, -1, 0], 4) == 0x0F1
    assert unpack_signed(0x8F1, 4, 3) == [1, -1, -8]
    assert unpack(0x8F1, 4, 2) == [1, 15]
    assert pack_bits(np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1], np.uint8)) == 0x201
    assert pack_bits(np.array([True, True, False])) == 3


@pytest.mark.parametrize(
    ("columns", "rows", "lanes", "width"), [(5, 3, 2, 12), (1, 9, 4, 1), (7, 4, 1, 16), (3, 30, 17, 9)]
)
def test_vectors_of_an_update_are_beats_of_magnitudes_and_signs(
    columns: int, rows: int, lanes: int, width: int
) -> None:
    rng = np.random.default_rng(lanes)
    magnitude_words = -(-lanes * width // 64)
    beats = [-(-size // lanes) for size in (columns, rows)]
    words = np.full((sum(beats), magnitude_words + 1), 77, np.uint64)
    vectors = [rng.integers(0, high, size) for size in (columns, rows) for high in (2, 1 << width)]
    pack_vectors(*vectors, lanes, width, magnitude_words, words)
    numbers = [
        [sum(int(word) << 64 * k for k, word in enumerate(row)) for row in part]
        for part in (words[:, :magnitude_words], words[:, magnitude_words:])
    ]
    for signs, magnitudes, first, count in (
        (*vectors[:2], 0, beats[0]),
        (*vectors[2:], beats[0], beats[1]),
    ):
        for values, bits, packed in ((magnitudes, width, numbers[0]), (signs, 1, numbers[1])):
            lines = [value for number in packed[first : first + count] for value in unpack(number, bits, lanes)]
            assert lines == [*values, *[0] * (count * lanes - len(values))]
