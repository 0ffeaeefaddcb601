# SPDX-License-Identifier: Apache-2.0
"""Write noise of a pulse in Python's integers, straight from the equations of `model.devices.pulse_noise`."""

from __future__ import annotations

M1, M2, M3, M4, STEP = 0x7FEB352D, 0x846CA68B, 0x85EBCA6B, 0x9E3779B1, 0x9E3779B9
WORD = 1 << 32


def word(key: int, cell: int, number: int) -> int:
    """Word of pulse ``number`` of a cell of the array with this key of 64 bits."""
    second, first = divmod(key % 2**64, WORD)
    k = mix((cell + first) % WORD)
    x = (k + number * STEP) % WORD
    x = (x ^ x >> 16) * M1 % WORD
    return mix(((x ^ x >> 15) + k * M3 + second) % WORD)


def mix(x: int) -> int:
    """The hash of a word."""
    x = (x ^ x >> 16) * M1 % WORD
    x = (x ^ x >> 15) * M2 % WORD
    return x ^ x >> 16


def draw(x: int) -> int:
    """Normal draw of a word, in units of 2**-12."""
    total = sum(x >> shift & 15 for shift in range(0, 32, 4))
    u = 32 * (total - 60) + 2 * (x * M4 % WORD >> 28) - 15
    q = u * u >> 6
    return u * (4935 + (q * (151 + (q * 217 >> 16)) >> 14)) + 256 >> 9


def sigma(noise: int) -> tuple[int, int]:
    """The 16 leading bits of a standard deviation with 30 fractional bits, and fractional bits of it times a draw."""
    drop = max(noise.bit_length() - 16, 0)
    return noise + (1 << drop >> 1) >> drop, 30 - drop + 12
