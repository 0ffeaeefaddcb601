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
