# SPDX-License-Identifier: Apache-2.0
"""Waivers for equivalent mutants of the golden model: changes that no test can find, each with the reason."""

from __future__ import annotations

from typing import NamedTuple


class MutantWaiver(NamedTuple):
    """A change of one line, as the report shows it, its class and function, and the reason why no test can find it."""

    file: str
    scope: str
    before: str
    after: str
    reason: str


WAIVERS: tuple[MutantWaiver, ...] = (
    MutantWaiver(
        "model/analysis/coincidence.py",
        "joint_counts",
        "chunk = max(1, _CHUNK // bl) * bl",
        "chunk = max( 0, _CHUNK // bl) * bl",
        "a train is never longer than a chunk",
    ),
    MutantWaiver(
        "model/tile/update.py",
        "UpdatePipeline._slot",
        '"pulses__quadrant": int(quadrant[0]),',
        '"pulses__quadrant": int(quadrant[ -1]),',
        "the first of one quadrant is its last",
    ),
    MutantWaiver(
        "model/tile/sequencer.py",
        "SequencerModel.command",
        "elif op == Op.TRANSFER:",
        "elif op <= Op.TRANSFER:",
        "the only smaller code, that of an update, is dealt with before",
    ),
    MutantWaiver(
        "model/spec/polynomials.py",
        "is_primitive",
        "if polynomial >> DEGREE != 1 or not polynomial & 1 or polynomial.bit_count() % 2 == 0:",
        "if polynomial >> DEGREE != 1 and not polynomial & 1 or polynomial.bit_count() % 2 == 0:",
        "a short cut: x has no order modulo an even polynomial, and only those of degree 32 are asked about",
    ),
    MutantWaiver(
        "model/arithmetic/noise.py",
        "",
        "compiled_normal_from = njit(cache=True)(normal_from)",
        "compiled_normal_from = njit(cache=False)(normal_from)",
        "whether compiled code is kept",
    ),
    MutantWaiver(
        "model/analysis/coincidence.py",
        "_add_to_joint",
        "fires = np.empty(4, np.int64)",
        "fires = np.empty( 5, np.int64)",
        "a buffer may be larger",
    ),
    MutantWaiver(
        "model/tile/update.py",
        "UpdatePipeline.load",
        "if sequencer.state is State.PULSE:",
        "if sequencer.state == State.PULSE:",
        "an enumeration has one object for each value",
    ),
    MutantWaiver(
        "model/spec/polynomials.py",
        "square",
        "wide = sum(_SPREAD[(value >> (8 * i)) & 0xFF] << (16 * i) for i in range(DEGREE // 8))",
        "wide = sum(_SPREAD[(value >> (8 * i)) & 0xFF] << (16 * i) for i in range(DEGREE // 7))",
        "32 // 7 is 32 // 8",
    ),
    MutantWaiver(
        "model/arithmetic/quantile.py",
        "",
        "_BITS = 96  # working precision: the alternating series loses about 10 bits at z = 3.7",
        "_BITS = 95  # working precision: the alternating series loses about 10 bits at z = 3.7",
        "one bit less of 96 changes no entry",
    ),
    MutantWaiver(
        "model/analysis/coincidence.py",
        "",
        "_CHUNK = 1 << 16  # slots at a time, so that words stay in the cache",
        "_CHUNK = 1 << 15  # slots at a time, so that words stay in the cache",
        "how many slots are made at a time",
    ),
    MutantWaiver(
        "model/tile/update.py",
        "UpdatePipeline.reset",
        "self._quadrants = self._up = schedule(0, 0, 0)",
        "self._quadrants = self._up = schedule( -1, 0, 0)",
        "replaced before anything looks at it",
    ),
    MutantWaiver(
        "model/spec/polynomials.py",
        "is_primitive",
        "if polynomial >> DEGREE != 1 or not polynomial & 1 or polynomial.bit_count() % 2 == 0:",
        "if polynomial >> DEGREE != 1 or not polynomial & 1 or polynomial.bit_count() % 2 <= 0:",
        "a remainder is not negative",
    ),
    MutantWaiver(
        "model/tile/operations.py",
        "_schedule",
        "column_sign, row_sign = x_sign ^ (chopper < 0), delta_sign ^ (row_chopper < 0)",
        "column_sign, row_sign = x_sign ^ (chopper < 0), delta_sign ^ (row_chopper < 1)",
        "signs are 1 and -1",
    ),
    MutantWaiver(
        "model/tile/sequencer.py",
        "SequencerModel.__init__",
        "self.column = 0",
        "self.column = -1",
        "replaced before it is looked at, in a programming",
    ),
    MutantWaiver(
        "model/devices/block.py",
        "_power_factors",
        "lanes[_FACTOR + i], lanes[_SHIFT + i] = normalized(lanes[_FACTOR + i])",
        "lanes[_FACTOR + i], lanes[_SHIFT + i] = normalized(lanes[_FACTOR ^ i])",
        "the first lane is a multiple of 32, a power of two that the other is below, so + and ^ are the same",
    ),
    MutantWaiver(
        "model/tile/transfer.py",
        "TransferPipeline._offer",
        '"writes__latch": pack_bits(write.latches != 0),',
        '"writes__latch": pack_bits(write.latches > 0),',
        "flags are 0 and 1",
    ),
    MutantWaiver(
        "model/tile/tile.py",
        "TileModel._stream",
        "self._chopper_port = pack_bits(self._chopper.sign < 0)",
        "self._chopper_port = pack_bits(self._chopper.sign <= 0)",
        "signs are 1 and -1",
    ),
    MutantWaiver(
        "model/devices/responses.py",
        "normalized",
        "x, shift = np.int32(x << np.int32(2)), np.int32(shift + np.int32(2))",
        "x, shift = np.int32(x << np.int32(2)), np.int32(shift | np.int32(2))",
        "a multiple of 4 so far",
    ),
    MutantWaiver(
        "model/tile/operations.py",
        "_outside",
        "return -1",
        "return - 2",
        "any negative number says that none is outside",
    ),
    MutantWaiver(
        "model/devices/constant_step.py",
        "ConstantStep",
        "@dataclass(frozen=True, kw_only=True)",
        "@dataclass(frozen=True, kw_only=False)",
        "it has no fields but those that it inherits",
    ),
    MutantWaiver(
        "model/arithmetic/quantile.py",
        "",
        "_PI = 314159265358979323846264338327950288419716939937510 * _ONE // 10**50",
        "_PI = 314159265358979323846264338327950288419716939937511 * _ONE // 10**50",
        "the 51st digit is beyond 96 bits",
    ),
    MutantWaiver(
        "model/tile/update.py",
        "UpdatePipeline.load",
        "lines = slice(beat * config.lanes, min((beat + 1) * config.lanes, used.rows))",
        "lines = slice(beat * config.lanes, min((beat + 2) * config.lanes, used.rows))",
        "the next beat writes its lines anew",
    ),
    MutantWaiver(
        "model/tile/transfer.py",
        "TransferPipeline._threshold",
        "saturated, clamped = np.zeros(1, bool), np.zeros(1, bool)",
        "saturated, clamped = np.zeros(1, bool), np.zeros( 2, bool)",
        "whether any is set is all that is looked at",
    ),
    MutantWaiver(
        "model/tile/zero_shift.py",
        "polarities",
        "return (1 - np.arange(pulses) % 2).astype(np.uint8)",
        "return (1 ^ np.arange(pulses) % 2).astype(np.uint8)",
        "of 0 and 1",
    ),
    MutantWaiver(
        "model/arithmetic/quantile.py",
        "_density_and_distribution",
        "term, density, integral, n = _ONE, 0, 0, 0",
        "term, density, integral, n = _ONE, 0, 1, 0",
        "one part in 2**96 changes no entry",
    ),
    MutantWaiver(
        "model/spec/validated.py",
        "Validated",
        "@dataclass(frozen=True, kw_only=True)",
        "@dataclass(frozen=True, kw_only=False)",
        "it has no fields",
    ),
    MutantWaiver(
        "model/tile/quadrants.py",
        "schedule",
        "slots = np.empty(4 * bl, np.uint8)",
        "slots = np.empty( 5 * bl, np.uint8)",
        "a buffer may be larger",
    ),
    MutantWaiver(
        "model/tile/zero_shift.py",
        "polarities",
        "return (source.words(pulses)[:, 0] >> (CHOPPER_RANDOM_BITS - 1)).astype(np.uint8)",
        "return (source.words(pulses)[:, -1] >> (CHOPPER_RANDOM_BITS - 1)).astype(np.uint8)",
        "the first of one source is its last",
    ),
    MutantWaiver(
        "model/devices/array.py",
        "DeviceArray.move",
        "both = np.stack([np.maximum(-steps, 0), np.maximum(steps, 0)])",
        "both = np.stack([np.maximum(-steps, 0), np.maximum(steps, -1)])",
        "the flow takes what is below zero for zero",
    ),
    MutantWaiver(
        "model/tile/sequencer.py",
        "SequencerModel.__init__",
        "self.reads = 0",
        "self.reads = 1",
        "replaced with every command",
    ),
    MutantWaiver(
        "model/devices/block.py",
        "_power_factors",
        "state = np.int64(lanes[_STATE + i])",
        "state = np.int64(lanes[_STATE | i])",
        "the first lane is a multiple of 32, a power of two that the other is below, so + and OR are the same",
    ),
    MutantWaiver(
        "model/tile/update.py",
        "UpdatePipeline.step",
        "if self._age == 1:",
        "if self._age <= 1:",
        "at least 1 by then",
    ),
)


def waived(file: str, scope: str, before: str, after: str) -> bool:
    """There is a waiver for this change."""
    return any((file, scope, before, after) == waiver[:4] for waiver in WAIVERS)
