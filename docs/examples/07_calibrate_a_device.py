# SPDX-License-Identifier: Apache-2.0
"""Brings an array to its symmetric points with zero-shifting, theory beside measurement, for two step sizes."""

from dataclasses import replace

import symtrack

print("presets:", ", ".join(symtrack.PRESETS))
device = replace(symtrack.load_device("reram-soft-bounds"), up_down=0.4, dw_min_std=0.0)
for dw_min in (0.02, 0.01):
    result = symtrack.calibrate(replace(device, dw_min=dw_min), rows=8, columns=8, relative_error=0.05)
    print(
        f"dw_min {dw_min}: {result.pulses_measured} pulses a cell to 5 %, {result.pulses_theory:.0f} by the formula; "
        f"floor {result.floor:.5f}, {result.floor_theory:.5f} by the formula"
    )
