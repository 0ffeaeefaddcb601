# SPDX-License-Identifier: Apache-2.0
"""Golden transfer path for a whole column at once, in compiled code: what a read of the next column does.

    d = c_j * c'_i * (r - s),  s = 0, Qref or Q,
    h = saturate(H + gain * d),  n = clamp(trunc(h / threshold)),
    Q <- Q + round((r - Q) / 2**k),  D <- d,  then the choppers

The same as the stages of `model.tile.transfer`, of whose blocks it is made. Source: docs/tile.md, sections 5 to 8.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Reference, Settings
from symtrack.model.tile.chopper import Choppers, step, turn
from symtrack.model.tile.counters import total
from symtrack.model.tile.demodulator import demodulate
from symtrack.model.tile.hidden_buffer import accumulate, forget, subtract
from symtrack.model.tile.low_pass import filter_step
from symtrack.model.tile.random_bank import BankRegisters
from symtrack.model.tile.random_source import step_words
from symtrack.model.tile.reference_latch import latch
from symtrack.model.tile.residual_memory import keep
from symtrack.model.tile.threshold import write_pulses

_LATCHED, _FILTERED = int(Reference.LATCHED), int(Reference.FILTERED)
_keep = njit(keep)


class Scaling(NamedTuple):
    """What the transfer path takes from the configuration."""

    fraction_bits: int
    filter_shift: int
    latch_shift: int
    reference_high: int
    hidden_low: int
    hidden_high: int
    threshold_shift: int
    pulses_max: int
    momentum_bits: int
    dither_shift: int
    has_dither: bool
    has_residual: bool
    has_point: bool


def scaling_of(config: TileConfig) -> Scaling:
    """What the transfer path takes from a configuration."""
    return Scaling(
        fraction_bits=config.reference_fraction_bits,
        filter_shift=config.filter_shift,
        latch_shift=config.latch_shift,
        reference_high=config.reference_format.high,
        hidden_low=config.hidden_format.low,
        hidden_high=config.hidden_format.high,
        threshold_shift=config.threshold_shift,
        pulses_max=config.pulses_max,
        momentum_bits=config.momentum_bits,
        dither_shift=config.threshold_shift - config.dither_bits,
        has_dither=bool(config.dither_bits),
        has_residual=bool(config.residual_memory),
        has_point=bool(config.symmetric_point),
    )


class Modes(NamedTuple):
    """The settings of a transfer as integers."""

    reference: int
    filters: bool
    latch: int
    gain: int
    accumulates: bool
    direct: bool
    forgets: bool
    momentum: int
    chopper: int
    scope: int
    row_chopper: int


def modes_of(settings: Settings) -> Modes:
    """The settings of a transfer as integers."""
    return Modes(
        reference=int(settings.reference),
        filters=bool(settings.filter),
        latch=int(settings.latch),
        gain=int(settings.gain),
        accumulates=bool(settings.accumulate),
        direct=bool(settings.direct),
        forgets=bool(settings.forget),
        momentum=int(settings.momentum),
        chopper=int(settings.chopper),
        scope=int(settings.scope),
        row_chopper=int(settings.row_chopper),
    )


class Reads(NamedTuple):
    """What reads of columns work on and change in place.

    Attributes
    ----------
    q, qref, hidden, residual : int64[columns, rows] of all lines, as of `model.tile.operations.Periphery`.
    choppers, dither_bank : registers of the choppers, and of the dither of unbuffered writes.
    scaling : of the configuration.
    clipped : bool[2, rows], where the last read clipped h and n.
    rows, row_beats, columns : in use.
    """

    q: Int
    qref: Int
    hidden: Int
    residual: Int
    choppers: Choppers
    dither_bank: BankRegisters
    scaling: Scaling
    clipped: NDArray[np.bool_]
    rows: int
    row_beats: int
    columns: int


@njit(cache=True)
def dither(bank, scaling, beats, rows):  # type: ignore[no-untyped-def]
    """The dither u of the rows, int64[rows]: words of the lanes beat by beat, which the sources make."""
    result = np.zeros(rows, np.int64)
    if scaling.has_dither:
        words, first, second = step_words(bank.sources, beats), bank.first, bank.second
        for i in range(rows):
            beat, lane = i // first.size, i % first.size
            result[i] = (words[beat, first[lane]] ^ words[beat, second[lane]]) << scaling.dither_shift
    return result


@njit(cache=True)
def take_read(code, reads, modes):  # type: ignore[no-untyped-def]
    """Take in ADC codes [rows] of the next column.

    Parameters
    ----------
    code
        int64[rows].
    reads, modes
        `Reads` and `Modes`.

    Returns
    -------
    tuple
        The column, n, where R takes what is next, that reference, D of the column, whether any h and any n was
        clipped, and how many pulses n are.
    """
    state, rows, scaling = reads.choppers, reads.rows, reads.scaling
    column = state.place[0]
    sign = state.row_sign[:rows] * state.sign[column]
    latches = state.row_flipped[:rows] ^ state.flipped[column] | modes.latch
    uniform = dither(reads.dither_bank, scaling, reads.row_beats, rows)
    q, qref, hidden = reads.q[column, :rows], reads.qref[column, :rows], reads.hidden[column, :rows]
    clipped = reads.clipped
    n, reference, d = _through(code, q, qref, hidden, sign, latches, uniform, modes, scaling, clipped)
    if scaling.has_residual:
        residual = reads.residual[column, :rows]
        residual[:] = _keep(residual, d, np.full(rows, modes.accumulates))
        d = residual.copy()
    step(state, turn(state, modes.chopper, modes.scope, modes.row_chopper, reads.columns))
    latched = ((latches | (modes.reference == _FILTERED)) * scaling.has_point).astype(np.uint8)
    saturated, clamped = bool(clipped[0].any()), bool(clipped[1].any())
    return column, n, latched, reference, d, saturated, clamped, total(n)


@njit(cache=True)
def _through(code, q, qref, hidden, sign, latches, uniform, modes, scaling, clipped):  # type: ignore[no-untyped-def]
    """The blocks of the transfer path but the residual memory in their order: n, what R takes, and d.

    q, qref and hidden [rows] of the column and ``clipped`` change in place.
    """
    r = code << scaling.fraction_bits
    reference = latch(q, qref, latches, scaling.latch_shift, scaling.reference_high)
    subtracted = np.zeros_like(reference)
    if modes.reference == _LATCHED:
        subtracted = reference
    elif modes.reference == _FILTERED:
        subtracted = q.copy()
    d = demodulate(sign, r, subtracted)
    if modes.filters:
        q[:] = filter_step(q, r, scaling.filter_shift)
    qref[:] = reference
    if modes.reference == _FILTERED:
        reference = q.copy()
    clipped[:] = False
    if not modes.accumulates:
        return np.zeros_like(code), reference, d
    start = uniform if modes.direct else hidden
    h, clipped[0] = accumulate(start, d * modes.gain, scaling.hidden_low, scaling.hidden_high)
    n, clipped[1] = write_pulses(h, scaling.threshold_shift, scaling.pulses_max, modes.direct)
    if modes.direct:
        return n, reference, d
    if modes.forgets:
        hidden[:] = forget(h, n, modes.momentum, scaling.momentum_bits)
    else:
        hidden[:] = subtract(h, n, scaling.threshold_shift)
    return n, reference, d
