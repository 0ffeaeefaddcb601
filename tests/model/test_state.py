# SPDX-License-Identifier: Apache-2.0
"""Tests of the names of state arrays."""

import numpy as np

from symtrack.model.state import named, part_of


def test_names_of_parts() -> None:
    arrays = {"scale": np.array(1), "fast_state": np.array(2)}
    whole = named("layer1", arrays) | named("layer10", {"scale": np.array(3)}) | {"steps": np.array(4)}
    assert list(whole) == ["layer1_scale", "layer1_fast_state", "layer10_scale", "steps"]
    assert part_of(whole, "layer1") == arrays
    assert part_of(part_of(whole, "layer1"), "fast") == {"state": np.array(2)}
    assert part_of(whole, "layer10") == {"scale": np.array(3)}
