# SPDX-License-Identifier: Apache-2.0
"""A configuration of aihwkit as an experiment, and an experiment as a configuration of aihwkit."""

import json
from pathlib import Path

import symtrack

# What aihwkit_recording.py writes of a live configuration; fields that are left out are as aihwkit has them.
DEVICE = {"class": "SoftBoundsReferenceDevice", "dw_min": 0.002, "w_max": 1.0, "w_min": -1.0, "reference_std": 0.3}
CONFIG = {
    "class": "UnitCellRPUConfig",
    "device": {
        "class": "DynamicTransferCompound",
        "unit_cell_devices": [DEVICE, DEVICE],
        "in_chop_prob": 0.1,
        "tail_weightening": 5.0,
        "fast_lr": 0.5,
        "auto_scale": True,
        "auto_granularity": 1000,
    },
}
Path("config.json").write_text(json.dumps(CONFIG))

taken = symtrack.from_aihwkit("config.json", learning_rate=0.05)
print(taken.algorithm, *taken.notes, sep="\n  ")
experiment = taken.experiment("digits", network=[16], seed=3)
print(f"accuracy {experiment.fit(steps=200).accuracy:.2f} after 200 samples")

there = symtrack.to_aihwkit(experiment)
print(there.python())
