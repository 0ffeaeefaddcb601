# SPDX-License-Identifier: Apache-2.0
"""Versions of what runs compute: one goes up whenever equal settings give other numbers from then on.

They are part of checkpoints and of the keys of results, as is the definition of the algorithm: no state or result of
before is taken for one of now.
"""

SEMANTICS = {
    "devices": 2,  # responses, spread, noise and disturb of cells
    "periphery": 1,  # the tile: pulses, filter, choppers, writes
    "training": 2,  # products, converters, scales, tasks and their order
}

# devices 2, training 2: noise of 32-bit operations, steps that are rounded with their sign, reads of 28 fractional bits
EARLIER: tuple[dict[str, int], ...] = ({"devices": 1, "periphery": 1, "training": 1},)  # the newest first
