"""Packing of several lanes into one word, lane 0 in the lowest bits.

    word = sum over lanes of (value mod 2**width) * 2**(width * lane)

Source: docs/tile.md, section 1.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.pulse_train import Bits


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
