# SPDX-License-Identifier: Apache-2.0
"""Quality metrics of a training run, counts of its events, and the digest of its state.

sp_rmse           sqrt(mean over all cells of (weight(Q) - symmetric point of P)**2), as a weight; cells of P that have
                  no symmetric point between their bounds are left out, and it is None if none has one
sp_rmse_pulsed    the same over the cells of P that were pulsed at least once
sha256            of name, type, shape and little-endian bytes of every state array, in the order of the names
update_slots      slots with polarity phases, and those of calibrations
coincidences      steps of P in these slots, or of W
transfer_pulses   pulses to W
reads             columns converted, of P and R
reference_pulses  pulses to R, none while it is an ideal copy
cycles            clock cycles
unprogrammed      cells of R that were given up, summed over all programmings
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from symtrack.model.arithmetic.formats import root_mean_square
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import shown


def sp_rmse(tiles: Sequence[Crossbar]) -> float | None:
    """Root mean square error of the tracked symmetric points, as a weight; None if no cell has one."""
    errors = np.concatenate([_sp_errors(tile)[tile.fast.cells.has_symmetric_point()] for tile in tiles])
    return root_mean_square(errors) if errors.size else None


def sp_rmse_pulsed(tiles: Sequence[Crossbar]) -> float | None:
    """The same over cells of P that were pulsed at least once; None if there are none."""
    pulsed = [(tile.fast.pulse_numbers > 0) & tile.fast.cells.has_symmetric_point() for tile in tiles]
    errors = np.concatenate([_sp_errors(tile)[there] for tile, there in zip(tiles, pulsed, strict=True)])
    return root_mean_square(errors) if errors.size else None


def words(tile: Crossbar, memory: str) -> Int:
    """Words of a memory, such as ``q``, ``qref`` or ``hidden``, of the cells of a tile [C, R]; it can have more.

    Zeros of a memory that the tile does without.
    """
    shape = tile.config.columns, tile.config.rows
    found = tile.periphery.state_arrays().get(memory, np.zeros(shape, np.int64))
    return found[: shape[0], : shape[1]]


def _sp_errors(tile: Crossbar) -> Int:
    errors: Int = tile.to_weight(words(tile, "q").T) - tile.fast.symmetric_point()
    return errors


def state_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Digest of the arrays, equal on every machine exactly if they are."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"arrays = {shown(arrays)}: must be a mapping of arrays by name")
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {array.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def counts(tiles: Sequence[Crossbar]) -> dict[str, int]:
    """Events of all tiles together."""
    states = [tile.periphery.state_arrays() for tile in tiles]
    return {
        "update_slots": sum(int(state["slots"]) for state in states),
        "coincidences": sum(tile.coincidences for tile in tiles),
        "transfer_pulses": sum(int(state["transfer_pulses"]) for state in states),
        "reads": sum(int(state["reads"]) for state in states),
        "reference_pulses": sum(int(state.get("reference_pulses", 0)) for state in states),
        "cycles": sum(int(tile.periphery.cycles) for tile in tiles),
    }


def unprogrammed(tiles: Sequence[Crossbar]) -> int:
    """Cells of R that were given up."""
    return sum(int(tile.periphery.state_arrays().get("unprogrammed", 0)) for tile in tiles)
