# SPDX-License-Identifier: Apache-2.0
"""What a training asks of hardware beside what the tiles count: conversions of products and reads, and wear of cells.

dac_vectors   vectors that input converters made for products: for every tile, forward and backward, one for each of the
              arrays that a product passes, three of them with an analog residual and one without
adc_products  outputs of these products that were converted
adc_reads     rows of the columns that were read
endurance     pulses of the cells of an array: mean, most of one cell, and cells by the bits of their number of
              pulses, 0, 1, 2 to 3, 4 to 7, ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symtrack.model.network.network import Network
from symtrack.model.spec.fixed import Int

NAMES = {"fast": "P", "slow": "W", "programmed": "R"}  # of arrays; those of a chain keep their stages


def conversions(network: Network, samples: int) -> dict[str, int]:
    """Conversions of a training that has seen so many samples, evaluations apart."""
    vectors = converted = 0
    for index, layer in enumerate(network.layers):
        per_sample = layer.plan.patches
        for tile in layer.tiles:
            # No error goes back from the first layer.
            ways = [tile.config.rows] if index == 0 else [tile.config.rows, tile.config.columns]
            vectors += samples * per_sample * tile.passes * len(ways)
            converted += samples * per_sample * tile.passes * sum(ways)
    reads = sum(int(tile.periphery.state_arrays()["reads"]) * tile.config.rows for tile in network.tiles)
    return {"dac_vectors": vectors, "adc_products": converted, "adc_reads": reads}


def endurance(network: Network) -> dict[str, dict[str, Any]]:
    """Wear of the cells of all tiles, by array."""
    found: dict[str, list[Int]] = {}
    for layer in network.layers:
        for trained in layer.trained.values():
            for name, array in trained.arrays():
                found.setdefault(NAMES.get(name, name), []).append(array.pulse_numbers.reshape(-1))
    return {name: _wear(np.concatenate(parts)) for name, parts in found.items()}


def _wear(pulses: Int) -> dict[str, Any]:
    bits = np.frexp(pulses.astype(np.float64))[1]  # exact: 0 for 0, and n + 1 from 2**n on
    return {
        "mean": round(float(pulses.mean()), 3),
        "most": int(pulses.max()),
        "cells_by_bits": np.bincount(bits).tolist(),
    }
