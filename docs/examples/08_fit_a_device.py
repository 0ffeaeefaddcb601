# SPDX-License-Identifier: Apache-2.0
"""Fits device families to pulse responses in a CSV file, and trains on the best one."""

from pathlib import Path

import numpy as np

import symtrack

# What a measurement leaves: pulses up, then down, and the conductance after each, here of a made-up cell in uS.
folder = Path("build/examples")
folder.mkdir(parents=True, exist_ok=True)
generator, conductance, lines = np.random.default_rng(2), 20.0, ["pulse,direction,conductance", "0,1,20.0"]
for pulse in range(1, 401):
    direction = 1 if (pulse - 1) // 100 % 2 == 0 else -1
    step = 0.4 * (1 - conductance / 40) if direction > 0 else -0.3 * conductance / 40
    conductance += step + 0.05 * generator.standard_normal()
    lines.append(f"{pulse},{direction},{conductance:.4f}")
(folder / "pulses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

found = symtrack.fit_device(folder / "pulses.csv", families=["soft-bounds", "linear-step", "constant-step"])
print(f"{found.family}: dw_min {found.device.dw_min:.4f}, up_down {found.device.up_down:.3f}")
print("BIC above the best:", {name: round(bic, 1) for name, bic in found.ranking.items()})
(folder / "my_device.toml").write_text(found.toml(), encoding="utf-8")

spec = symtrack.TrainingSpec(
    network={"hidden": [8]},
    samples={"train": 100, "test": 50},
    algorithm="agad",
    devices=symtrack.load_device(folder / "my_device.toml"),
)
print(f"accuracy after 100 samples: {symtrack.train(spec, epochs=1, samples=0).metrics.accuracy:.0%}")
