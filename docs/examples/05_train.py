# SPDX-License-Identifier: Apache-2.0
"""Trains on devices whose symmetric points are off by 0.3, and shows how the filter finds them."""

import numpy as np

import symtrack

for algorithm in ("e-rider", "tt-v2"):
    spec = symtrack.TrainingSpec(
        task="digits",
        network={"hidden": [8]},
        algorithm=algorithm,
        reference_mean=0.3,
        reference_std=0.1,
        rates=symtrack.Rates.of(algorithm, fast_rate=1.0),  # the algorithm's own, but longer pulse trains
    )
    result = symtrack.train(spec, epochs=3, samples=6)
    print(f"{algorithm}: accuracy {result.metrics.accuracy:.0%}")
    for step, loss, error in zip(result.course.steps, result.course.loss, result.course.sp_rmse, strict=True):
        print(f"  step {step:4}: loss {loss:.3f}, error of the tracked symmetric points {error:.3f}")
    tile = result.tiles["layer0"]
    pulsed = tile.fast_pulses > 0
    print(f"  symmetric points {tile.symmetric_point[pulsed].mean():+.3f}, tracked {tile.tracked[pulsed].mean():+.3f}")
    assert np.isfinite(tile.slow).all()
