# SPDX-License-Identifier: Apache-2.0
"""Where Q starts: to ask what tracking is worth, references are given an error of one's choice before the first step.

    Q = share * symmetric point of P + noise * xi,    xi standard normal, one of each cell

With an algorithm that does not filter, Q stays there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.arithmetic.noise import NORMAL_BITS, derive_key, normals
from symtrack.model.network.network import Network
from symtrack.model.spec.fixed import bounded
from symtrack.model.spec.validated import Validated, number
from symtrack.model.tile.interface import Restorable


@dataclass(frozen=True, kw_only=True)
class ReferenceStart(Validated):
    """Where Q starts; see `Validated` for the errors of bad parameters."""

    share: float = number(0, 1, 1.0, "part of the symmetric points")
    noise: float = number(0, 4, 0.0, "standard deviation from cell to cell, a weight")


def start_references(network: Network, start: ReferenceStart, seed: int) -> None:
    """Set Q of all tiles, to the nearest word it can have.

    Raises
    ------
    TypeError
        A tile's periphery cannot be set to a state.
    """
    for layer in network.layers:
        for name, trained in layer.trained.items():
            tile, config = trained.tile, trained.config
            if not isinstance(tile.periphery, Restorable):
                kind = type(tile.periphery).__name__
                raise TypeError(f"reference_start: periphery = {kind}: must be one that can be set to a state")
            if not config.symmetric_point:
                raise ValueError("reference_start: must be left out for a tile without symmetric_point, which has no Q")
            draws = normals(derive_key(seed, name, "reference start"), config.rows * config.columns)
            spread = start.noise * draws.reshape(config.rows, config.columns) / (1 << NORMAL_BITS)
            weights = start.share * (tile.fast.symmetric_point() / WEIGHT_ONE) + spread
            per_weight = (WEIGHT_ONE << config.reference_fraction_bits) / tile.converters.read_lsb
            state, form = tile.periphery.state_arrays(), config.reference_format
            q = state["q"].copy()
            q[: config.columns, : config.rows] = bounded(
                np.rint(weights * per_weight).astype(np.int64), form.low, form.high
            ).T
            tile.periphery.restore(state | {"q": q})
