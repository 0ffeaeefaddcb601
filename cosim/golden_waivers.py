"""Mutants of the golden model that survive and may: they do the same."""

from __future__ import annotations

from typing import NamedTuple


class Waiver(NamedTuple):
    """A change of one line, as the report shows it, and why no test can find it."""

    file: str
    before: str
    after: str
    reason: str


WAIVERS: tuple[Waiver, ...] = (
    Waiver(
        "model/coincidence.py",
        "chunk = max(1, _CHUNK // bl) * bl",
        "chunk = max( 0, _CHUNK // bl) * bl",
        "a train is never longer than a chunk",
    ),
    Waiver(
        "model/tile.py",
        '"pulses__quadrant": int(quadrant[0]),',
        '"pulses__quadrant": int(quadrant[ -1]),',
        "the first of one quadrant is its last",
    ),
    Waiver(
        "model/sequencer.py",
        "elif op == Op.TRANSFER:",
        "elif op <= Op.TRANSFER:",
        "the only smaller code, that of an update, is dealt with before",
    ),
    Waiver(
        "model/polynomials.py",
        "if polynomial >> DEGREE != 1 or not polynomial & 1 or polynomial.bit_count() % 2 == 0:",
        "if polynomial >> DEGREE != 1 and not polynomial & 1 or polynomial.bit_count() % 2 == 0:",
        "a short cut: x has no order modulo an even polynomial, and only those of degree 32 are asked about",
    ),
    Waiver(
        "model/noise.py",
        "compiled_normal_from = njit(cache=True)(normal_from)",
        "compiled_normal_from = njit(cache=False)(normal_from)",
        "whether compiled code is kept",
    ),
    Waiver(
        "model/devices/array.py",
        "if self.threads == 1 or self.weights.size < PARALLEL_CELLS:",
        "if self.threads == 1 and self.weights.size < PARALLEL_CELLS:",
        "which of two kernels that give the same is quicker",
    ),
)


def waived(file: str, before: str, after: str) -> bool:
    """There is a waiver for this change."""
    return any((file, before, after) == waiver[:3] for waiver in WAIVERS)
