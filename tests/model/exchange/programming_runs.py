# SPDX-License-Identifier: Apache-2.0
"""The same trainings of a matrix by aihwkit and by symtrack: configurations, and what they are here."""

from __future__ import annotations

from typing import Any

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.tasks.regression import EPOCH, weight_programming
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.trainer import Trainer

UPDATES, RATES = 6000, (0.1, 0.02)  # of the optimiser in the first and in the second half
SEEDS = 5
PRESETS = (  # with converters and noise of their own
    "ReRamESPreset",
    "CapacitorPreset",
    "EcRamPreset",
    "TikiTakaReRamESPreset",
    "TikiTakaEcRamPreset",
    "TTv2CapacitorPreset",
    "ChoppedTTv2CapacitorPreset",
    "AGADReRamESPreset",
    "AGADReRamSBPreset",
    "AGADCapacitorPreset",
)

FAST = {
    "class": "SoftBoundsReferenceDevice",
    "dw_min": 0.1,
    "w_max": 1.0,
    "w_min": -1.0,
    "dw_min_dtod": 0.3,
    "dw_min_dtod_log_normal": True,
    "up_down_dtod": 0.1,
    "subtract_symmetry_point": True,
}
SLOW = FAST | {"w_max_dtod": 0.0, "w_min_dtod": 0.0}
FINE = {"class": "SoftBoundsDevice", "dw_min": 0.002, "w_max": 1.0, "w_min": -1.0}
PERFECT = {"class": "IOParameters", "is_perfect": True}
UPDATE = {"class": "UpdateParameters", "desired_bl": 31}
OFFSETS = {"centred": {}, "offset": {"reference_mean": 0.4, "reference_std": 0.4}}
COMPOUNDS: dict[str, dict[str, Any]] = {
    "TransferCompound": {"fast_lr": 0.1, "transfer_lr": 0.5, "units_in_mbatch": True},
    "BufferedTransferCompound": {"fast_lr": 0.1, "thres_scale": 10.0, "momentum": 0.1},
    "ChoppedTransferCompound, no flips": {"in_chop_prob": 0.0, "fast_lr": 0.1, "auto_scale": True},
    "ChoppedTransferCompound": {"in_chop_prob": 0.1, "fast_lr": 0.1, "auto_scale": True},
    "ChoppedTransferCompound, regular": {
        "in_chop_prob": 0.1,
        "in_chop_random": False,
        "fast_lr": 0.1,
        "auto_scale": True,
    },
    "DynamicTransferCompound": {"in_chop_prob": 0.1, "tail_weightening": 5.0, "fast_lr": 0.1, "auto_scale": True},
}


def configuration(device: dict[str, Any]) -> dict[str, Any]:
    """A configuration of perfect converters."""
    kind = "UnitCellRPUConfig" if "unit_cell_devices" in device else "SingleRPUConfig"
    return {"class": kind, "device": device, "forward": PERFECT, "backward": PERFECT, "update": UPDATE}


def configurations() -> dict[str, dict[str, Any]]:
    """By name."""
    found = {"SoftBoundsDevice": configuration(FINE)}
    for name, offset in OFFSETS.items():
        found[f"SoftBoundsReferenceDevice, {name}"] = configuration(FAST | offset)
        for compound, given in COMPOUNDS.items():
            more: dict[str, Any] = {"class": compound.partition(",")[0], "transfer_forward": PERFECT}
            if compound.startswith(("Chopped", "Dynamic")):
                more["auto_granularity"] = 200.0
            more |= given | {"unit_cell_devices": [FAST | offset, SLOW]}
            found[f"{compound}, {name}"] = configuration(more)
    return found


def theirs(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What `model.exchange.aihwkit_recording` runs, all seeds of a configuration after each other."""
    target = (weight_programming().target / WEIGHT_ONE).tolist()
    common = {"target": target, "updates": UPDATES, "rates": RATES}
    return [{"configuration": one, "seed": seed, **common} for one in found.values() for seed in range(1, SEEDS + 1)]


def ours(config: dict[str, Any], seed: int) -> float:
    """RMS of W - T."""
    first, second = RATES
    schedule = Schedule(((UPDATES // 2 // EPOCH, second / first),))
    spec = taken(config, learning_rate=first).spec(
        task="weight-programming", schedule=schedule, seed=seed, tile_seed=seed
    )
    trainer = Trainer(spec)
    trainer.run(UPDATES)
    error = trainer.metrics().rms_error
    assert error is not None
    return error
