# SPDX-License-Identifier: Apache-2.0
"""Transfers of a tile that come one after the other, in one compiled call: read, transfer path, R, and pulses to W.

    codes = ADC(P_j + noise),   n, Qref, latches = transfer path,   R <- Qref where latched,   W_j <- W_j + n pulses

for the next columns j. Source: docs/tile.md, section 5, and docs/training.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symtrack.model.arithmetic.converters import read_codes
from symtrack.model.arithmetic.formats import ReadWords, read_word
from symtrack.model.compiled import njit
from symtrack.model.devices.kernels import column_words, pulse_cells
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.tile.reads import take_read

_round_shift = njit(round_shift)


class Copies(NamedTuple):
    """What a tile keeps of reads by columns, [C, R].

    Attributes
    ----------
    weights, words : R, as weights and as products read it.
    residual : D.
    """

    weights: Int
    words: ReadWords
    residual: Int


@njit(cache=True)
def transfer_columns(count, fast, slow, turned, copies, reads, modes, converters, sigmas, noise):  # type: ignore[no-untyped-def]
    """So many transfers.

    Parameters
    ----------
    fast, slow
        `model.devices.block.Memory` of P and W.
    turned
        Whether columns are the lines of both.
    copies
        `Copies`.
    reads, modes
        Of `model.tile.reads`.
    converters, sigmas
        `Converters.read_form` and what is the noise of a column's reads.
    noise
        Key, number of the first draw and table.

    Returns
    -------
    tuple[int, bool, bool]
        Pulses to W, and whether any h and any n was clipped.
    """
    rows, fraction_bits, (key, first, table) = reads.rows, reads.scaling.fraction_bits, noise
    pulses, saturated, clamped, words, lsb = 0, False, False, np.empty(rows, np.int32), converters[1]
    for k in range(count):
        column_words(fast, reads.choppers.place[0], turned, words)
        codes = read_codes(words, converters, sigmas, key, first + k * rows, table)
        column, n, latched, reference, residual, some_saturated, some_clamped, some = take_read(codes, reads, modes)
        if reads.scaling.has_residual:
            copies.residual[column] = residual
        for i in range(rows):
            if latched[i]:
                weight = _round_shift(reference[i] * lsb, fraction_bits)
                copies.weights[column, i] = weight
                copies.words[column, i] = read_word(weight)
        if some and turned:
            pulse_cells(column, 0, n.reshape((1, rows)), slow)
        elif some:
            pulse_cells(0, column, n.reshape((rows, 1)), slow)
        pulses, saturated, clamped = pulses + some, saturated | some_saturated, clamped | some_clamped
    return pulses, saturated, clamped
