"""Packing and unpacking are inverse and put lane 0 lowest."""

from __future__ import annotations

import random

import numpy as np
import pytest

from model.lanes import pack, pack_bits, unpack, unpack_signed


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
