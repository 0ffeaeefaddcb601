# SPDX-License-Identifier: Apache-2.0
"""What experiments, analog layers and imported configurations are told alike: checked, and made into parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.presets import load_device
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.network.algorithms import RESIDUALS, Choppers, CustomAlgorithm, Rates, own_rates
from symtrack.model.network.architecture import Architecture
from symtrack.model.network.learning_tile import Programming
from symtrack.model.network.writing import Writing
from symtrack.model.spec.validated import shown
from symtrack.model.tasks.dataset import Dataset
from symtrack.model.tasks.task import Problem


def task_of(data: Any, network: Any) -> tuple[str | Problem, Mapping[str, Any]]:
    """The task of a spec, and the options of its network if the task is a name."""
    if isinstance(data, Dataset):
        return data.task((32,) if network is None else network), {}
    if isinstance(data, str):
        if isinstance(network, Architecture):
            raise TypeError(f"network = {network!r}: must be a list or a mapping for a task that is named")
        if network is None or isinstance(network, Mapping):
            return data, network or {}
        if not isinstance(network, Sequence) or isinstance(network, str):
            raise TypeError(
                f"network = {shown(network)}: must be a list of the sizes of hidden layers, or a mapping of options"
            )
        if data in ("weight-programming", "noisy-quadratic"):
            raise ValueError(f"network = {network!r}: must be left out for the task {data}, which has one tile")
        return data, {"hidden": list(network)}
    if not hasattr(data, "architecture"):
        raise TypeError(f"data = {type(data).__name__}: must be a Dataset, the name of a task, or a task")
    if network is not None:
        raise ValueError(f"network = {network!r}: must be left out for a task that has its network")
    return data, {}


def device_of(name: str, device: Any) -> Pulsed | None:
    """A device from its name, its file or itself; errors call the argument ``name``."""
    if device is None or isinstance(device, Pulsed):
        return device
    if not isinstance(device, (str, Path)):
        raise TypeError(f"{name} = {shown(device)}: must be a preset, the path of a .toml file, or a device")
    try:
        return load_device(device)
    except ValueError as error:
        text = str(error)
        raise ValueError(
            text.replace("device = ", f"{name} = ", 1) if text.startswith("device = ") else f"{name}: {text}"
        ) from None


def rates_of(algorithm: str | CustomAlgorithm, given: Mapping[str, float] | Rates | None) -> Rates | None:
    """Those of an algorithm with the given ones in their place; `Rates`, or None, as they are."""
    if given is None or isinstance(given, Rates):
        return given
    own_rates(given)
    return Rates.of(algorithm, **given)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "rates": ((Mapping, Rates), "a mapping of rates by name, or Rates"),
    "schedule": ((list, tuple), "a list of pairs, (epoch, factor)"),
    "tiles": ((Mapping,), "a mapping of fields of tiles by name"),
    "macro": ((list, tuple), "a pair, (rows, columns)"),
    "converters": ((Converters,), "Converters"),
    "choppers": ((Choppers,), "Choppers"),
    "programming": ((Programming,), "Programming"),
    "residual": ((str,), f"one of {', '.join(RESIDUALS)}"),
    "weights": ((Mapping, list, tuple), "a list or a mapping of arrays [rows, columns]"),
    "writing": ((Writing,), "Writing"),
}
_GIVEN = ("schedule", "choppers", "residual")  # None stands for the default of the others


def check_options(**options: Any) -> None:
    """Check what an experiment, or an analog layer, is told, as far as its kind goes.

    Raises
    ------
    TypeError, ValueError
        An option is of no kind that it may be, or no pair where it must be one or consist of them.
    """
    for name, value in options.items():
        kinds, allowed = _KINDS[name]
        if not isinstance(value, kinds) and (value is not None or name in _GIVEN):
            raise TypeError(f"{name} = {shown(value)}: must be {allowed}")
        for field in value if isinstance(value, Mapping) and name != "weights" else ():
            if not isinstance(field, str):
                raise TypeError(f"{name}: {shown(field)}: must be the name of a field")
    pairs = [("schedule", pair) for pair in options.get("schedule", ())]
    if options.get("macro") is not None:
        pairs.append(("macro", options["macro"]))
    for name, pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError(f"{name}: {shown(pair)}: must be a pair of numbers")
