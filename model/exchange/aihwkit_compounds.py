# SPDX-License-Identifier: Apache-2.0
"""Compounds of aihwkit, two devices a cross-point, as algorithms with their devices, rates and choppers.

The equations are in `model.exchange.aihwkit_configuration`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.exchange import aihwkit_devices
from symtrack.model.exchange.aihwkit_converters import InOut, agree, in_out
from symtrack.model.exchange.aihwkit_reader import Fields
from symtrack.model.exchange.aihwkit_runs import BOUNDS, LIMITS, Keeping, Thresholds
from symtrack.model.exchange.aihwkit_updates import writes
from symtrack.model.network.algorithms import Choppers
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode

COMPOUNDS = ("DynamicTransferCompound", "ChoppedTransferCompound", "BufferedTransferCompound", "TransferCompound")
_MOMENTUM_BITS = BOUNDS["momentum_bits"]["high"]


def compound(cell: Fields, learning_rate: float, io: InOut) -> dict[str, Any]:
    """Algorithm, devices, rates and tiles of a compound of two devices."""
    devices = cell.children("unit_cell_devices", *aihwkit_devices.FAMILIES)
    if len(devices) != 2:
        raise ValueError(f"{cell.name('unit_cell_devices')} = {len(devices)} devices: must be 2, P and W")
    fast, slow = (aihwkit_devices.device(one) for one in devices)
    steps = [ratio * one.dw_min for one, ratio in zip((fast, slow), map(ratio_of, devices, (fast, slow)), strict=True)]
    _transfers(cell)
    reading = in_out(cell.child("transfer_forward", "IOParameters"), transfer=True)
    agree(io, reading, cell.name("transfer_forward"), bounds=False)
    found: dict[str, Any] = {
        "slow_device": slow,
        "device": aihwkit_devices.with_read_noise(fast, reading.w_noise, cell.name("transfer_forward")),
    }
    if (bound := reading.converters.output_bound) != io.converters.output_bound:
        found["converters"] = replace(io.converters, read_bound=bound)
    rate, fixed_rates = cell.take("transfer_lr") * learning_rate, []
    if not cell.take("scale_transfer_lr"):
        rate = cell.take("transfer_lr")
        fixed_rates.append(f"{cell.name('scale_transfer_lr')} = False")
    if rate <= 0:
        raise cell.refused("transfer_lr", "above zero")
    rates: dict[str, Any] = {"reads": int(cell.take("n_reads_per_transfer"))}
    tiles: dict[str, Any] = {"pulses_max": writes(cell)}
    if cell.kind == "TransferCompound":
        found["algorithm"] = "tt-v1"
        rates |= {"learning_rate": rate * slow.dw_min / steps[1], "gamma": _gamma(cell)}
    else:
        cell.must("products are those of W; tt-v1, a TransferCompound, has gamma", gamma=0)
        cell.must("products are those of W", gamma_vec=([],))
        found |= _buffered(cell, steps, slow.dw_min, tiles)
        rates |= {"learning_rate": rate, "hidden_momentum": _momentum(cell, tiles)}
        if not cell.take("forget_buffer"):
            cell.must("without forget_buffer", momentum=0)
            found["algorithm"] = Keeping.of(found["algorithm"])
    automatic = cell.kind in ("ChoppedTransferCompound", "DynamicTransferCompound") and cell.take("auto_scale")
    fast_lr = float(cell.take("fast_lr"))
    if automatic and fast_lr > 0:
        rates["fast_rate"] = fast_lr
        found["momentum"] = float(cell.take("auto_momentum"))
        if not 0 <= found["momentum"] <= 1:
            raise cell.refused("auto_momentum", "from 0 to 1")
    else:
        if fast_lr <= 0:
            cell.note("fast_lr", f"the rate of P is that of the optimiser, {learning_rate:g}")
            fixed_rates.append(f"{cell.name('fast_lr')} = {fast_lr:g}")
        rates["fixed_fast_rate"] = (fast_lr if fast_lr > 0 else learning_rate) * fast.dw_min / steps[0]
        if "auto_momentum" in cell.default:
            cell.ignore("the rate of P is fixed", "auto_scale", "auto_momentum")
    found |= _every(cell)
    cell.done()
    return found | {"rates": rates, "tiles": tiles, "fixed_rates": tuple(fixed_rates)}


def ratio_of(cell: Fields, device: Pulsed) -> float:
    """Granularity in dw_min."""
    return aihwkit_devices.granularity(cell.kind, device) / device.dw_min


def _transfers(cell: Fields) -> None:
    """Fields of all compounds that have one counterpart only."""
    cell.ignore("the seed is that of the run", "construction_seed")
    cell.ignore("W has no array to transfer to", "no_self_transfer")
    cell.must("there are two arrays", transfer_every_vec=([],), transfer_lr_vec=([],))
    cell.must("transfers read columns", transfer_columns=True)
    cell.must("P is never reset", with_reset_prob=0)
    cell.must("columns come one after the other", random_selection=False)
    cell.whole("n_reads_per_transfer", 1, 1 if cell.kind in COMPOUNDS[:2] else int(LIMITS["reads"]))


def _every(cell: Fields) -> dict[str, Any]:
    """Between two transfers."""
    every, in_batches = float(cell.take("transfer_every")), cell.take("units_in_mbatch")
    if not every > 0:
        raise cell.refused("transfer_every", "above zero, a transfer that comes")
    if not in_batches and every != round(every):
        cell.note("transfer_every", f"{max(round(every), 1)} updates")
    return {"every": every, "in_batches": in_batches}


def _gamma(cell: Fields) -> float:
    weights = cell.take("gamma_vec")
    if len(weights) not in (0, 2) or (weights and weights[1] != 1):
        raise cell.refused("gamma_vec", "empty, or of P and W with 1 for W")
    name = "gamma_vec" if weights else "gamma"
    gamma = float(weights[0] if weights else cell.take("gamma"))
    cell.ignore("gamma_vec is given", "gamma")
    if not 0 <= gamma <= LIMITS["gamma"]:
        raise cell.refused(name, f"from 0 to {LIMITS['gamma']} for P")
    if gamma:
        cell.note(name, "products of P and W have converters of their own")
    return gamma


def _buffered(cell: Fields, steps: list[float], dw_min: float, tiles: dict[str, Any]) -> dict[str, Any]:
    """Algorithm, choppers and threshold of a compound with a buffer."""
    cell.must("a write is of whole pulses", step=1)
    if cell.kind == "BufferedTransferCompound":
        size = float(cell.take("thres_scale"))
        if not size > 0:
            raise cell.refused("thres_scale", "above zero")
        return {"algorithm": "tt-v2", "thresholds": Thresholds(size * steps[1] / dw_min, False)}
    cell.must("the rate of transfers does not follow that of P", correct_gradient_magnitudes=False)
    size, auto = float(cell.take("buffer_granularity")), float(cell.take("auto_granularity"))
    every = float(cell.take("transfer_every"))
    if size <= 0:
        cell.note("buffer_granularity", "1, as aihwkit has it")
    size = (size if size > 0 else 1.0) * steps[0] / dw_min
    by_period = auto > 0
    if auto < 0:
        cell.note("auto_granularity", "none, as aihwkit has it")
    if by_period and every > 0:
        size *= auto / every
    found: dict[str, Any] = {"thresholds": Thresholds(size, by_period)}
    cell.must("W is written through the buffer; tt-v1, a TransferCompound, has none", no_buffer=False)
    rows, probability = float(cell.take("out_chop_prob")), float(cell.take("in_chop_prob"))
    randomly = cell.take("in_chop_random")
    if rows > 0:
        if not (randomly and probability == rows):
            raise cell.refused("out_chop_prob", "0, or in_chop_prob with in_chop_random: a tile has one probability")
        tiles["row_chopper"] = 1
    else:
        cell.ignore("rows do not flip", "out_chop_prob")
    row_chopper = ChopperMode.RANDOM if rows > 0 else None
    if cell.kind == "DynamicTransferCompound":
        return found | _dynamic(cell, probability, tiles) | {"choppers": Choppers(row_chopper=row_chopper)}
    if not probability > 0:
        cell.ignore("nothing flips", "in_chop_random")
        return found | {"algorithm": "tt-v2"}
    if randomly:
        tiles["chopper_probability"] = _probability(cell, probability)
        found["choppers"] = Choppers(chopper=ChopperMode.RANDOM, row_chopper=row_chopper)
    else:
        tiles["chopper_period"] = _period(cell, probability)
    return found | {"algorithm": "c-tt-v2"}


def _dynamic(cell: Fields, probability: float, tiles: dict[str, Any]) -> dict[str, Any]:
    cell.must("flips are regular, so that a period has an end", in_chop_random=False)
    cell.must("reads are not corrected for their number", experimental_correct_accumulation=False)
    if not cell.take("forget_buffer") and cell.take("buffer_cap") > 0:
        raise cell.refused("buffer_cap", "0, H is as wide as its words")
    cell.ignore("H is as wide as its words", "buffer_cap")
    period = tiles["chopper_period"] = _period(cell, probability)
    tail = float(cell.take("tail_weightening"))
    eta = min(tail / period, 1.0)
    if not eta > 0:
        raise cell.refused("tail_weightening", "above zero")
    shift = tiles["filter_shift"] = min(max(round(-math.log2(eta)), 0), BOUNDS["filter_shift"]["high"])
    tiles["reference_fraction_bits"] = max(TileConfig().reference_fraction_bits, shift)
    if abs(eta - 2.0**-shift) > 1e-9:
        cell.note("tail_weightening", f"eta = 1/{2**shift} instead of {eta:g} (filter_shift = {shift})")
    return {"algorithm": "agad"}


def _period(cell: Fields, probability: float) -> int:
    high = BOUNDS["chopper_period"]["high"]
    if not 1 / high <= probability <= 1:
        raise cell.refused("in_chop_prob", f"from 1/{high} to 1")
    return flips_after(probability)


def flips_after(probability: float) -> int:
    """Reads between two regular flips: ceil(1 / p) in the single precision of aihwkit, and 2 at least."""
    import numpy as np

    return max(math.ceil(np.float32(1.0) / np.float32(probability)), 2)


def _probability(cell: Fields, probability: float) -> float:
    try:
        return TileConfig(chopper_probability=probability).chopper_probability
    except ValueError as error:
        raise cell.refused("in_chop_prob", str(error).rpartition("must be ")[2]) from None


def _momentum(cell: Fields, tiles: dict[str, Any]) -> float:
    momentum, name = float(cell.take("momentum")), "momentum"
    if not 0 <= momentum <= 1:
        raise cell.refused(name, "from 0 to 1")
    if momentum:
        tiles["momentum_bits"] = _MOMENTUM_BITS
        steps = 1 << _MOMENTUM_BITS
        units = min(round(momentum * steps), steps - 1)
        if units != momentum * steps:
            cell.note(name, f"{units}/{steps}, {units / steps:g}")
    return momentum
