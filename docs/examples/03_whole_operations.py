# SPDX-License-Identifier: Apache-2.0
"""Calls the golden periphery operation by operation: an update, and transfers through filter and hidden buffer."""

import numpy as np

import symtrack

config = symtrack.TileConfig(rows=4, columns=6, lanes=2)
periphery = symtrack.Periphery(config)
generator = np.random.default_rng(1)


def vector(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Random signs (1 is negative) and magnitudes, of which 2**magnitude_bits stand for one."""
    return generator.integers(2, size=size), generator.integers(1 << config.magnitude_bits, size=size)


slots = periphery.update(*vector(config.columns), *vector(config.rows), bl=8)
coincidences = np.einsum("si,sj->ij", slots.rows.astype(int), slots.columns.astype(int))
print(f"{len(slots.up)} slots in the quadrants {sorted(set(slots.quadrant.tolist()))}; steps of every cell:")
print(coincidences)

settings = symtrack.Settings(gain=20)
for _ in range(2 * config.columns):  # two sweeps over all columns
    codes = generator.integers(50, 60, size=config.rows)  # what the ADC reads of one column of P
    written = periphery.transfer(codes, settings)
    if written.pulses.any():
        print(f"column {written.column}: pulses {written.pulses} to the slow array")
print("Q in LSB of the ADC:", (periphery.q.T / (1 << config.reference_fraction_bits)).round(1)[0])
print(f"{periphery.cycles} clock cycles if no stream waits")
