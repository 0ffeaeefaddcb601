"""What a run is judged by.

sp_rmse  = sqrt(mean over all cells of (weight(Q) - symmetric point of P)**2), as a weight
sha256   of name, type, shape and little-endian bytes of every state array, in the order of the names
counts   update_slots: slots with polarity phases; coincidences: steps of P by updates; transfer_pulses: to W;
         reads: columns converted; reference_pulses: to R, none while it is an ideal copy; cycles: clock cycles
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np

from model.analog_tile import AnalogTile
from model.devices.cells import WEIGHT_BITS

_DROP = 10  # squares of weights with 20 fractional bits add up in 64 bits


def sp_rmse(tiles: Sequence[AnalogTile]) -> float:
    """Root mean square error of the tracked symmetric points, as a weight."""
    total, cells = 0, 0
    for tile in tiles:
        tracked = tile.to_weight(tile.periphery.state_arrays()["q"].T)
        error = (tracked - tile.fast.symmetric_point()) >> _DROP
        total += int((error * error).sum())
        cells += error.size
    return sqrt(total / cells) / (1 << (WEIGHT_BITS - _DROP))


def state_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Digest of the arrays, equal on every machine exactly if they are."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {array.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def counts(tiles: Sequence[AnalogTile]) -> dict[str, int]:
    """Events of all tiles together."""
    states = [tile.periphery.state_arrays() for tile in tiles]
    return {
        "update_slots": sum(int(state["slots"]) for state in states),
        "coincidences": sum(tile.coincidences for tile in tiles),
        "transfer_pulses": sum(int(state["transfer_pulses"]) for state in states),
        "reads": sum(int(state["reads"]) for state in states),
        "reference_pulses": 0,
        "cycles": sum(int(tile.periphery.cycles) for tile in tiles),
    }
