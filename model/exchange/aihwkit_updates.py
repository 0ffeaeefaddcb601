# SPDX-License-Identifier: Apache-2.0
"""Parameters of aihwkit's pulse trains: of updates, and of the writes of a transfer."""

from __future__ import annotations

import math
from typing import Any

from symtrack.model.exchange.aihwkit_reader import Fields
from symtrack.model.exchange.aihwkit_runs import BOUNDS


def update_rates(update: Fields, rates: dict[str, Any], tiles: dict[str, Any]) -> dict[str, float]:
    """Rates that follow from the trains of updates, whose length and probabilities become those of the tiles."""
    most, name = BOUNDS["bl_max"]["high"], "desired_bl"
    bl = update.whole(name, 1)
    _trains(update)
    res = float(update.take("res"))
    if res > 0:
        steps = 1 / res if res <= 1 else res
        tiles["magnitude_bits"] = min(max(round(math.log2(steps)), 1), BOUNDS["magnitude_bits"]["high"])
    update.must("trains are as long as they need to be", update_bl_management=True)
    update.ignore("update_bl_management includes it", "update_management", "fixed_bl")
    update.done()
    tiles["bl_max"] = min(bl, most)
    if bl <= most:
        return {}
    if "fast_rate" not in rates:
        update.note(name, f"{most}, the longest train")
        return {}
    rate = rates["fast_rate"] * bl / most
    update.note(name, f"{most}, the longest train; fast_rate = {rate:g} makes as many pulses in the mean")
    return {"fast_rate": rate}


def writes(cell: Fields) -> int:
    """Most pulses of a write, from the pulse trains of transfers."""
    update = cell.child("transfer_update", "UpdateParameters")
    most, name = BOUNDS["pulses_max"]["high"], "desired_bl"
    bl = update.whole(name, 1)
    _trains(update)
    if cell.kind == "TransferCompound":
        if not update.take("update_bl_management"):
            update.must("writes are their reads in the mean", update_management=True)
    elif bl > 1:
        update.note(name, "a write of n pulses makes n, where aihwkit makes n in the mean")
    update.ignore("a write has the pulses that it needs", "update_bl_management", "update_management", "fixed_bl")
    update.done()
    if bl > most:
        update.note(name, f"{most} pulses, the most of a write")
    return min(bl, most)


def _trains(update: Fields) -> None:
    update.must("pulses are those of stochastic trains", pulse_type=("STOCHASTIC_COMPRESSED", "STOCHASTIC"))
    update.must("both lines are scaled alike", um_grad_scale=1)
    res = float(update.take("res"))
    if res > 0:
        update.must("probabilities are rounded to the nearest", sto_round=False)
    update.ignore("probabilities are not rounded at random", "sto_round")
    update.ignore("of deterministic trains only", "x_res_implicit", "d_res_implicit")
    update.ignore("it is measured only", "d_sparsity")
    if update.path.endswith("transfer_update"):
        update.ignore("a write has the pulses that it needs", "res")
    elif res <= 0:
        update.ignore("probabilities have magnitude_bits of the tile", "res")
    else:
        steps = 1 / res if res <= 1 else res
        bits = min(max(round(math.log2(steps)), 1), BOUNDS["magnitude_bits"]["high"])
        update.note("res", f"magnitude_bits = {bits}, steps of 1/{2**bits}")
