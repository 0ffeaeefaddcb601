# SPDX-License-Identifier: Apache-2.0
"""Runs as configurations of aihwkit: plain data, and the Python text that makes the objects.

The algorithms are those of `model.exchange.aihwkit_configuration`; what it takes from the plain data is the same run
again, as far as a configuration goes: `docs/aihwkit.md` lists what is no part of it. Rates that no field of aihwkit has
stand in a field of our own, `model.exchange.aihwkit_fields.EXTRA`, which the Python text leaves out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import Pulsed, with_reference_offset
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.exchange.aihwkit_compounds import flips_after
from symtrack.model.exchange.aihwkit_devices import FAMILIES, granularity, plain_device
from symtrack.model.exchange.aihwkit_fields import DEFAULTS, EXTRA
from symtrack.model.exchange.aihwkit_runs import Keeping
from symtrack.model.network.algorithms import Algorithm, Rates, named
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Scope
from symtrack.model.spec.validated import shown
from symtrack.model.training.spec import TrainingSpec

ALGORITHMS = {
    "analog-sgd": "",
    "tt-v1": "TransferCompound",
    "tt-v2": "ChoppedTransferCompound",
    "c-tt-v2": "ChoppedTransferCompound",
    "agad": "DynamicTransferCompound",
}
_SHARED = ("adc_bits", "bl_max", "pulses_max", "chopper_period", "chopper_probability", "filter_shift")
_ENUMERATIONS = {
    "mv_type": "AnalogMVType",
    "bound_management": "BoundManagementType",
    "noise_management": "NoiseManagementType",
    "w_noise_type": "WeightNoiseType",
    "pulse_type": "PulseType",
}
_KEPT = f"the plain data keep it as {EXTRA}"
_MODULES = {
    "aihwkit.simulator.configs.configs": ("SingleRPUConfig", "UnitCellRPUConfig"),
    "aihwkit.simulator.configs.compounds": tuple(name for name in DEFAULTS if name.endswith("Compound")),
    "aihwkit.simulator.configs.devices": tuple(FAMILIES),
    "aihwkit.simulator.parameters.io": ("IOParameters",),
    "aihwkit.simulator.parameters.mapping": ("MappingParameter",),
    "aihwkit.simulator.parameters.training": ("UpdateParameters",),
    "aihwkit.simulator.parameters.enums": tuple(_ENUMERATIONS.values()),
}


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A run as a configuration of aihwkit.

    Attributes
    ----------
    config : mapping
        Plain data, which `from_aihwkit` reads back.
    learning_rate : float
        That of the optimiser, which is no part of the configuration.
    notes : list of str
        A line for everything that is said elsewhere there, or works in another way.
    """

    config: Mapping[str, Any]
    learning_rate: float
    notes: list[str] = field(default_factory=list)

    def json(self) -> str:
        """The plain data as the text of a file."""
        return json.dumps(self.config, indent=2) + "\n"

    def python(self) -> str:
        """A program that makes ``rpu_config`` where aihwkit is installed."""
        classes: set[str] = set()
        value = _text(self.config, 0, classes)
        lines = [f'"""Configuration of aihwkit; the optimiser has the learning rate {self.learning_rate:g}."""', ""]
        for module, known in _MODULES.items():
            if names := sorted(classes & set(known)):
                lines.append(f"from {module} import {', '.join(names)}")
        return "\n".join([*lines, "", f"rpu_config = {value}"]) + "\n"


def _text(value: Any, depth: int, classes: set[str]) -> str:
    inner = "    " * (depth + 1)
    if isinstance(value, Mapping):
        kind = value["class"]
        classes.add(kind)
        lines = []
        for name, item in value.items():
            if name in _ENUMERATIONS:
                classes.add(_ENUMERATIONS[name])
                lines.append(f"{inner}{name}={_ENUMERATIONS[name]}.{item},")
            elif name not in ("class", EXTRA):
                lines.append(f"{inner}{name}={_text(item, depth + 1, classes)},")
        return "\n".join([f"{kind}(", *lines, "    " * depth + ")"])
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "\n".join(["[", *(f"{inner}{_text(item, depth + 1, classes)}," for item in value), "    " * depth + "]"])
    return repr(value)


def exported(spec: TrainingSpec) -> Exported:
    """The configuration of a run.

    Raises
    ------
    ValueError
        Something of it has no counterpart in aihwkit; the message names it, its value and what is allowed.
    """
    keeping = isinstance(spec.algorithm, Keeping)
    name = spec.algorithm.base if isinstance(spec.algorithm, Keeping) else spec.algorithm
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise ValueError(f"algorithm = {str(spec.algorithm)!r}: must be one of {', '.join(ALGORITHMS)} for aihwkit")
    _refused(spec)
    problem = spec.problem()
    tile = _shared(problem.tile_configs)
    rule = spec.choppers.of(named(spec.algorithm))
    device = spec.devices or SoftBoundsReference()
    fast = with_reference_offset(device, mean=spec.reference_mean, std=spec.reference_std)
    slow = spec.slow_devices or with_reference_offset(device, mean=0.0, std=0.0)
    rates = spec.rates or Rates.of(spec.algorithm)
    converters = replace(spec.converters or problem.converters, adc_bits=tile.adc_bits)
    steps = [_granularity(one) for one in (fast, slow)]
    compound = ALGORITHMS[name]
    notes: list[str] = []
    products = slow if compound else fast
    io = _io(converters, products.read_noise_std * products.dw_min)
    if compound:
        cell: dict[str, Any] = {
            "class": compound,
            "unit_cell_devices": [_device(one, spec.batch, where) for one, where in _pair(fast, slow)],
        }
        reading = replace(converters, output_bound=converters.read_bound or converters.output_bound)
        cell |= {"transfer_forward": _io(reading, fast.read_noise_std * fast.dw_min)}
        cell |= _transfers(name, rates, tile)
        cell |= _fast(compound, rates, steps[0] / fast.dw_min, spec.batch)
        rate = rates.learning_rate
        if name == "tt-v1":
            rate *= steps[1] / slow.dw_min
            cell["gamma"] = rates.gamma
        else:
            granular = float(f"{rates.granularity * rates.transfer_every * slow.dw_min / steps[0]:.12g}")
            cell |= {"auto_granularity": granular, "momentum": rates.hidden_momentum}
            cell |= _choppers(name, rule, tile)
            if keeping:
                cell["forget_buffer"] = False
    else:
        cell, rate = _device(fast, spec.batch, "devices"), rates.learning_rate * steps[0] / fast.dw_min
    for what, value, told in (
        ("schedule", spec.schedule.factors() != (1.0,), "it is one of the optimiser"),
        ("batch", spec.batch != 1, "it is that of the data loader"),
        ("macro", spec.macro is not None, "arrays have the size of their layers"),
    ):
        if value:
            notes.append(f"{what} = {getattr(spec, what)!r}: {told}")
    mapping = _mapping(problem.architecture.layers, rates.scale_rate, notes)
    config = {
        "class": "UnitCellRPUConfig" if compound else "SingleRPUConfig",
        "device": cell,
        "forward": io,
        "backward": dict(io),
        "update": {"class": "UpdateParameters", "desired_bl": tile.bl_max},
        "mapping": mapping,
    }
    extra: dict[str, float] = {}
    if mapping.get("learn_out_scaling") and rates.scale_rate != rate:
        extra["scale_rate"] = rates.scale_rate
        notes.append(f"scale_rate = {rates.scale_rate!r}: it is that of the optimiser there, {rate:g}; {_KEPT}")
    if not compound and not rates.clip_errors:
        extra["clip_errors"] = 0
        notes.append(f"clip_errors = 0: updates that are too long for a train clip errors only there; {_KEPT}")
    if extra:
        config[EXTRA] = extra
    return Exported(config=config, learning_rate=rate, notes=notes)


def _refused(spec: TrainingSpec) -> None:
    for name, allowed in (
        ("calibration", 0),
        ("programming", None),
        ("ideal_granularity", False),
        ("weights", None),
    ):
        value = getattr(spec, name)
        if value != allowed:
            raise ValueError(f"{name} = {shown(value)}: must be {allowed}, aihwkit has no counterpart")


def _shared(tiles: tuple[TileConfig, ...]) -> TileConfig:
    for name in _SHARED:
        values = {getattr(tile, name) for tile in tiles}
        if len(values) > 1:
            told = ", ".join(map(str, sorted(values)))
            raise ValueError(f"tiles: {name} = {told}: must be the same for all, as a configuration is")
    return tiles[0]


def _pair(fast: Pulsed, slow: Pulsed) -> tuple[tuple[Pulsed, str], tuple[Pulsed, str]]:
    return (fast, "devices"), (slow, "slow_devices")


def _device(device: Pulsed, batch: int, name: str) -> dict[str, Any]:
    return plain_device(replace(device, lifetime=device.lifetime / batch) if device.lifetime else device, name)


def _granularity(device: Pulsed) -> float:
    kind = next(kind for kind, (family, _) in FAMILIES.items() if type(device) is family)
    return granularity(kind, device)


def _io(converters: Converters, w_noise: float) -> dict[str, Any]:
    half = 1 << (converters.adc_bits - 1)
    found: dict[str, Any] = {
        "class": "IOParameters",
        "inp_res": 1 / (2**converters.dac_bits - 2),
        "out_res": 1 / (2**converters.adc_bits - 2),
        "out_bound": converters.output_bound * (half - 1) / half,
        "out_noise": float(converters.output_noise),
        "bound_management": "NONE",
    }
    if w_noise:
        found |= {"w_noise": w_noise, "w_noise_type": "ADDITIVE_CONSTANT"}
    return found


def _transfers(algorithm: str, rates: Rates, tile: TileConfig) -> dict[str, Any]:
    """Between P and W; rates of transfers are that of the optimiser."""
    if algorithm != "tt-v1" and rates.reads != 1:
        raise ValueError(f"reads = {rates.reads}: must be 1 for a {ALGORITHMS[algorithm]}")
    managed = algorithm == "tt-v1" or tile.pulses_max > 1
    update = {
        "class": "UpdateParameters",
        "desired_bl": tile.pulses_max,
        "update_bl_management": managed,
        "update_management": managed,
    }
    return {
        "transfer_every": float(rates.transfer_every),
        "units_in_mbatch": True,
        "n_reads_per_transfer": rates.reads,
        "transfer_update": update,
    }


def _fast(compound: str, rates: Rates, ratio: float, batch: int) -> dict[str, Any]:
    if rates.fixed_fast_rate:
        return {"fast_lr": rates.fixed_fast_rate * ratio}
    if compound == "TransferCompound":
        raise ValueError(
            f"fixed_fast_rate = {rates.fixed_fast_rate!r}: must be above zero, a {compound} scales no rate"
        )
    momentum = 1 - (1 - rates.momentum) * batch
    if momentum < 0:
        raise ValueError(f"momentum = {rates.momentum!r}: must be at least {1 - 1 / batch:g} with batch = {batch}")
    return {"fast_lr": float(rates.fast_rate), "auto_scale": True, "auto_momentum": momentum}


def _choppers(name: str, rule: Algorithm, tile: TileConfig) -> dict[str, Any]:
    if rule.scope != Scope.COLUMN and rule.chopper != ChopperMode.OFF:
        raise ValueError(f"scope = {rule.scope.name}: must be COLUMN for aihwkit")
    if rule.row_chopper == ChopperMode.REGULAR:
        raise ValueError("row_chopper = REGULAR: must be OFF or RANDOM for aihwkit")
    if name == "agad" and rule.chopper != ChopperMode.REGULAR:
        raise ValueError(f"chopper = {rule.chopper.name}: must be REGULAR for a DynamicTransferCompound")
    found: dict[str, Any] = {"in_chop_prob": 0.0}
    if rule.row_chopper == ChopperMode.RANDOM:
        found["out_chop_prob"] = tile.chopper_probability
    if rule.chopper == ChopperMode.RANDOM:
        return found | {"in_chop_prob": tile.chopper_probability, "in_chop_random": True}
    if rule.chopper == ChopperMode.REGULAR:
        found |= {"in_chop_prob": _probability(tile.chopper_period), "in_chop_random": False}
    if name == "agad":
        found["tail_weightening"] = tile.chopper_period * 2.0**-tile.filter_shift
    return found


def _probability(period: int) -> float:
    """A probability after whose inverse aihwkit flips."""
    if period < 2:
        raise ValueError(f"chopper_period = {period}: must be at least 2 for aihwkit")
    return next(one for one in (1 / period, 1 / (period - 0.5)) if flips_after(one) == period)


def _mapping(layers: Any, scale_rate: float, notes: list[str]) -> dict[str, Any]:
    learned = any(layer.scale is None for layer in layers)
    found = {"class": "MappingParameter", "digital_bias": not any(layer.bias for layer in layers)}
    omegas = {layer.weight_scaling for layer in layers if layer.scale is None}
    if len(omegas) == 1:
        found["weight_scaling_omega"] = omegas.pop()
    elif omegas:
        notes.append(
            f"weight_scaling = {', '.join(map(str, sorted(omegas)))}: aihwkit has one of all layers, none is given"
        )
    if learned and scale_rate:
        found["learn_out_scaling"] = True
    return found
