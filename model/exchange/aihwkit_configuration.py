# SPDX-License-Identifier: Apache-2.0
"""Configurations of aihwkit as runs: which algorithm, devices, rates, converters and tiles they are here.

    SingleRPUConfig            analog-sgd   learning_rate = lr
    TransferCompound           tt-v1        learning_rate = transfer_lr * lr,  gamma
    BufferedTransferCompound   tt-v2        threshold = thres_scale * dw_W
    ChoppedTransferCompound    c-tt-v2      threshold = buffer_granularity * dw_P [* auto_granularity / period]
                               tt-v2        the same with in_chop_prob = 0
    DynamicTransferCompound    agad         the same, eta = tail_weightening / N as a power of two

with lr the rate of the optimiser, N = ceil(1 / in_chop_prob) reads between two flips, dw the granularity of a device
(`model.exchange.aihwkit_devices.granularity`) and period = columns * transfer_every. Here a threshold is
dw_min * granularity / columns, so that with auto_granularity

    granularity = buffer_granularity * auto_granularity * dw_P / (dw_min_W * transfer_every).

`docs/aihwkit.md` has the whole table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from symtrack.model.exchange import aihwkit_devices
from symtrack.model.exchange.aihwkit_compounds import COMPOUNDS, compound, ratio_of
from symtrack.model.exchange.aihwkit_converters import agree, in_out
from symtrack.model.exchange.aihwkit_fields import EXTRA, EXTRA_RATES
from symtrack.model.exchange.aihwkit_reader import Fields, Remarks, kind_of, loaded
from symtrack.model.exchange.aihwkit_runs import BOUNDS, LIMITS, Taken
from symtrack.model.exchange.aihwkit_updates import update_rates
from symtrack.model.network.algorithms import own_rates
from symtrack.model.spec.validated import shown

CONFIGURATIONS = ("SingleRPUConfig", "UnitCellRPUConfig")


def taken(source: Any, *, learning_rate: float = 0.1) -> Taken:
    """Read a configuration.

    Parameters
    ----------
    source
        A live configuration or device of aihwkit, plain data of one, or the path of a JSON file.
    learning_rate
        That of the optimiser, which is no part of a configuration.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart; the message names it, its value and what is allowed.
    """
    numeric = isinstance(learning_rate, Real) and not isinstance(learning_rate, bool)
    if not (numeric and 0 < learning_rate < math.inf):
        raise ValueError(f"learning_rate = {shown(learning_rate)}: must be a finite number above zero")
    learning_rate = float(learning_rate)
    data, remarks = loaded(source), Remarks()
    devices = (*aihwkit_devices.FAMILIES, *COMPOUNDS)
    allowed = f"{' or '.join(CONFIGURATIONS)}, or one of their devices: {', '.join(devices)}"
    kind = kind_of(data, "rpu_config", (*CONFIGURATIONS, *devices), allowed)
    if kind not in CONFIGURATIONS:  # a device alone
        data = {"class": CONFIGURATIONS[kind in COMPOUNDS], "device": data}
    extra = data.get(EXTRA, {})
    config = Fields({name: value for name, value in data.items() if name != EXTRA}, "", CONFIGURATIONS, remarks)
    single = config.kind == "SingleRPUConfig"
    cell = config.child("device", *(aihwkit_devices.FAMILIES if single else COMPOUNDS))
    io = in_out(config.child("forward", "IOParameters"))
    agree(io, in_out(config.child("backward", "IOParameters")), "backward")
    values: dict[str, Any] = {"algorithm": "analog-sgd", "converters": io.converters, "slow_device": None}
    tiles = {"adc_bits": io.converters.adc_bits}
    found = _single(cell, learning_rate) if single else compound(cell, learning_rate, io)
    rates, more = found.pop("rates"), found.pop("tiles")
    values |= found
    if more:
        more["threshold_shift"] = "auto"
    update = config.child("update", "UpdateParameters")
    rates |= update_rates(update, rates, tiles)
    for name in ("device",) if single else ("slow_device",):
        values[name] = aihwkit_devices.with_read_noise(values[name], io.w_noise, "forward")
    rates["scale_rate"], network = _mapping(config.child("mapping", "MappingParameter"), learning_rate)
    rates |= _extra(extra, rates, remarks)
    _rest(config)
    config.done()
    lengths = [(cell, "fast_lr"), (update, "desired_bl")]
    sources = {} if single else {"learning_rate": [(cell, "transfer_lr")], "fixed_fast_rate": lengths[:1]}
    for name, value in rates.items():
        if not value <= LIMITS[name]:
            told = [holder.shown(of) for holder, of in ({"fast_rate": lengths} | sources).get(name, ())]
            raise ValueError(
                f"{name} = {value:g}, as it follows from the configuration: must be at most {LIMITS[name]} "
                f"({', '.join([*told, f'learning_rate = {learning_rate:g}'])})"
            )
    return Taken(
        rates=rates, tiles=tiles | more, network=network, notes=remarks.notes, ignored=remarks.ignored, **values
    )


def _single(cell: Fields, learning_rate: float) -> dict[str, Any]:
    device = aihwkit_devices.device(cell)
    ratio = ratio_of(cell, device)
    if ratio != 1:
        cell.note("dw_min", f"updates count in {ratio:g} dw_min, the step at weight zero: learning_rate / {ratio:g}")
    return {"device": device, "rates": {"learning_rate": learning_rate / ratio, "clip_errors": 1}, "tiles": {}}


def _mapping(mapping: Fields, learning_rate: float) -> tuple[float, dict[str, Any]]:
    """Rate of the output scales, and options of networks."""
    if mapping.take("digital_bias"):
        mapping.note("digital_bias", "the bias is the last column of the array")
    network: dict[str, Any] = {}
    omega = float(mapping.take("weight_scaling_omega"))
    if omega > 0:
        mapping.must("a layer has one output scale", weight_scaling_columnwise=False)
        mapping.must("errors are scaled, not rates", weight_scaling_lr_compensation=False)
        network["weight_scaling"] = omega
        mapping.note("weight_scaling_omega", f"W starts uniform within {omega:g}, weight_scaling of the network")
    else:
        mapping.ignore("weights are not scaled", "weight_scaling_columnwise", "weight_scaling_lr_compensation")
        mapping.note(
            "weight_scaling_omega", "W starts within weight_scaling of the network, which a fixed scale undoes"
        )
    rate = 0.0
    if mapping.take("learn_out_scaling"):
        mapping.must("a layer has one output scale", out_scaling_columnwise=False)
        mapping.note("learn_out_scaling", f"scale_rate = {learning_rate:g}, that of the optimiser")
        rate = learning_rate
    mapping.ignore("output scales are not learned", "out_scaling_columnwise")
    for theirs, ours in (("max_input_size", "tile_columns"), ("max_output_size", "tile_rows")):
        size = mapping.whole(theirs, 0, BOUNDS["rows"]["high"])
        if size != mapping.default[theirs]:
            if size:
                network[ours] = size + (ours == "tile_columns")  # the column of the bias
            mapping.note(
                theirs, f"{ours} of the network, with the bias" if size else "the largest tile is that of the network"
            )
    mapping.done()
    return rate, network


def _extra(extra: Any, rates: Mapping[str, float], remarks: Remarks) -> dict[str, float]:
    """Rates of a run that was exported, where aihwkit has none; they take the place of what it has instead."""
    if not isinstance(extra, Mapping):
        raise TypeError(f"{EXTRA} = {shown(extra)}: must be an object with {' and '.join(EXTRA_RATES)}, as exported")
    for name, value in extra.items():
        told = f"{EXTRA}.{name} = {shown(value)}"
        if name not in EXTRA_RATES:
            raise ValueError(f"{told}: must be one of {', '.join(EXTRA_RATES)}")
        if not rates.get(name):
            needed = "mapping.learn_out_scaling" if name == "scale_rate" else "SingleRPUConfig"
            raise ValueError(f"{told}: must be left out without {needed}")
        try:
            own_rates({name: value})
        except (TypeError, ValueError) as error:
            raise type(error)(f"{EXTRA}.{error}") from None
        remarks.notes.append(f"{told}: in place of {rates[name]:g}, as aihwkit has it")
    return dict(extra)


def _rest(config: Fields) -> None:
    pre_post = config.child("pre_post", "PrePostProcessingParameter")
    learned = pre_post.child("input_range", "InputRangeParameter")
    learned.must("inputs are relative to their maximum", enable=False)
    learned.ignore("no range is learned", *(name for name in learned.default if name != "enable"))
    learned.done()
    pre_post.done()
    runtime = config.child("runtime", "RuntimeParameter")
    runtime.ignore("of aihwkit's program only", *runtime.default)
    runtime.done()
    config.ignore("of aihwkit's program only", "tile_class", "tile_array_class")
