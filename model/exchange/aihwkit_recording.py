# SPDX-License-Identifier: Apache-2.0
"""Writes configurations of aihwkit as plain data, and, in an environment that holds it, records what they do.

    python aihwkit_recording.py configuration PROGRAM:NAME FILE   what a program calls so, a class or an object
    python aihwkit_recording.py presets FILE                      all presets, defaults, and responses of the devices
    python aihwkit_recording.py programming RUNS FILE             trainings of matrices, see `programming`

It is run by its path and needs nothing of symtrack; from symtrack, `plain` is all that is used. Plain data of an
object are its fields by name with ``class``, its class, and ``is_a``, the classes below that one, the nearest first.
Enumerations are their names, and other objects their classes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import getmro
from pathlib import Path
from types import ModuleType
from typing import Any

RUNS = [[1, 700], [-1, 1100], *[[1, 3], [-1, 2]] * 100, [1, 1500], [-1, 400], *[[1, 1], [-1, 1]] * 200]
"""Pulses of a recorded response: run lengths of both signs, 4600 in all."""
EXAMPLES: dict[str, dict[str, Any]] = {
    "ConstantStepDevice": {"dw_min": 0.0007, "up_down": 0.3},
    "LinearStepDevice": {"dw_min": 0.002, "gamma_up": 0.4, "gamma_down": 0.9, "up_down": -0.1, "w_max": 1.1},
    "SoftBoundsDevice": {"dw_min": 0.003, "up_down": 0.2, "w_min": -0.8},
    "SoftBoundsPmaxDevice": {"p_max": 900, "alpha": 0.003, "range_min": -1.0, "range_max": 1.0},
    "SoftBoundsReferenceDevice": {
        "dw_min": 0.004,
        "up_down": 0.15,
        "reference_mean": 0.2,
        "subtract_symmetry_point": True,
        "mult_noise": True,
    },
    "ExpStepDevice": {"dw_min": 0.004, "up_down": 0.05},
    "PowStepDevice": {"dw_min": 0.004, "pow_gamma": 1.7, "pow_up_down": 0.2, "up_down": -0.1},
    "PowStepReferenceDevice": {
        "dw_min": 0.004,
        "pow_gamma": 0.8,
        "pow_up_down": -0.1,
        "reference_mean": -0.1,
        "subtract_symmetry_point": True,
    },
    "PiecewiseStepDevice": {
        "dw_min": 0.002,
        "w_max": 0.8,
        "w_min": -0.6,
        "up_down": 0.1,
        "piecewise_up": [1.6, 1.3, 1.0, 0.8, 0.3, 0.1],
        "piecewise_down": [0.2, 0.7, 1.0, 1.1, 1.9, 2.0],
    },
}
"""Devices that are recorded beside the presets, one of every class."""


def plain(value: Any) -> Any:
    """A configuration as data that JSON can hold; see the module."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, type):
        return value.__name__
    if is_dataclass(value):
        kinds = [kind.__name__ for kind in getmro(type(value)) if "__dataclass_fields__" in vars(kind)]
        found = {"class": type(value).__name__, "is_a": [kind for kind in kinds if kind != type(value).__name__]}
        return found | {spec.name: plain(getattr(value, spec.name)) for spec in fields(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if getattr(value, "shape", None) == ():
        return value.item()  # a number of numpy
    return {"class": type(value).__name__}


def without_variation(device: Any) -> Any:
    """The same device without spread, noise and decay."""
    for name in vars(device):
        if name.endswith(("_dtod", "_std")) or name in ("lifetime", "dw_min_std_add", "dw_min_std_slope"):
            setattr(device, name, 0.0)
    return device


def response(device: Any, runs: list[list[int]] = RUNS, start: float = 0.0) -> list[float]:
    """Weights of one cell before the first and after every pulse. Every train has one slot, in which both lines fire.

    A probability above one does that whatever the granularity is, by which aihwkit divides the learning rate.
    """
    import torch
    from aihwkit.simulator.configs import SingleRPUConfig
    from aihwkit.simulator.parameters.enums import PulseType
    from aihwkit.simulator.parameters.training import UpdateParameters

    update = UpdateParameters(
        desired_bl=1, update_bl_management=False, update_management=False, pulse_type=PulseType.STOCHASTIC
    )
    config = SingleRPUConfig(device=device, update=update)
    tile = config.tile_class(1, 1, config)
    tile.set_weights(torch.tensor([[start]]))
    tile.set_learning_rate(100.0)
    one = torch.ones(1, 1)
    weights = [float(tile.get_weights()[0][0, 0])]
    for sign, count in runs:
        for _ in range(count):
            tile.update(one, -sign * one)
            weights.append(float(tile.tile.get_weights()[0, 0]))
    return weights


def presets() -> dict[str, Any]:
    """All presets as plain data, the defaults of all classes of parameters, and noise-free responses of the devices."""
    from aihwkit.simulator import presets as room
    from aihwkit.simulator.configs import compounds, configs, devices
    from aihwkit.simulator.parameters import inference, io, mapping, pre_post, runtime, training
    from aihwkit.version import __version__

    def of(module: Any, base: type) -> dict[str, type]:
        kinds = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
        return {name: kind for name, kind in sorted(kinds.items()) if is_dataclass(kind) and issubclass(kind, base)}

    defaults: dict[str, Any] = {}
    for module in (configs, compounds, devices, inference, io, mapping, pre_post, runtime, training):
        for name, kind in of(module, object).items():
            if kind.__module__ == module.__name__:
                try:
                    defaults[name] = plain(kind())
                except TypeError:
                    continue  # a base that cannot be made
    found = of(room, devices.PulsedDevice)
    recorded = {name: without_variation(kind()) for name, kind in found.items()}
    recorded |= {name: without_variation(getattr(devices, name)(**parameters)) for name, parameters in EXAMPLES.items()}
    return {
        "version": __version__,
        "configurations": {name: plain(kind()) for name, kind in of(room, configs.MappableRPU).items()},
        "devices": {name: plain(kind()) for name, kind in found.items()},
        "compounds": {name: plain(kind()) for name, kind in of(room, compounds.UnitCell).items()},
        "io": {name: plain(kind()) for name, kind in of(room, io.IOParameters).items()},
        "update": {name: plain(kind()) for name, kind in of(room, training.UpdateParameters).items()},
        "defaults": defaults,
        "responses": {
            name: {"device": plain(device), "pulses": RUNS, "weights": response(device)}
            for name, device in recorded.items()
        },
    }


def made(data: Any) -> Any:
    """The object of plain data, whose classes are found by their names; of enumerations by the field they are for."""
    from aihwkit.simulator import configs, presets
    from aihwkit.simulator.configs import compounds, devices
    from aihwkit.simulator.parameters import base, enums, inference, io, mapping, pre_post, runtime, training

    rooms = (presets, configs, compounds, devices, base, inference, io, mapping, pre_post, runtime, training)
    if isinstance(data, list):
        return [made(item) for item in data]
    if not isinstance(data, dict):
        return data
    kind = next(getattr(room, data["class"]) for room in rooms if hasattr(room, data["class"]))
    result = kind()
    for name, value in data.items():
        if name in ("class", "is_a", "tile_class", "tile_array_class", "symtrack"):
            continue
        before = getattr(result, name)
        if isinstance(before, Enum):
            value = type(before)[value] if hasattr(enums, type(before).__name__) else before
        else:
            value = made(value)
        setattr(result, name, value)
    return result


def programming(run: dict[str, Any]) -> float:
    """RMS of W - T after a training of W on T x with standard normal x, as of ``weight-programming``.

    run: ``configuration``, plain data; ``target``, the matrix T; ``updates``; ``rates``, that of the optimiser and that
    of its second half; ``seed`` of the inputs.
    """
    import numpy as np
    import torch

    target = torch.tensor(run["target"])
    rows, columns = target.shape
    config = made(run["configuration"])
    tile = config.tile_class(rows, columns, config)
    tile.set_weights(torch.zeros(rows, columns))
    inputs = np.random.RandomState(run["seed"]).standard_normal((run["updates"], columns)).astype(np.float32)
    for n, one in enumerate(torch.tensor(inputs)):
        if n % (run["updates"] // 2) == 0:
            tile.set_learning_rate(run["rates"][n // (run["updates"] // 2)])
        x = one[None]
        error = tile.forward(x) - x @ target.T
        tile.update(x, error)
    weights = tile.get_weights()[0]
    return float(((weights - target) ** 2).mean().sqrt())


def main(arguments: list[str]) -> None:
    """Do what the arguments say; see the module."""
    if not arguments or arguments[0] not in ("configuration", "presets", "programming"):
        raise SystemExit(__doc__)
    what, *names, file = arguments
    if what == "configuration":
        program, _, name = names[0].rpartition(":")
        module = sys.modules["configuration"] = ModuleType("configuration")  # where dataclasses look for theirs
        exec(compile(Path(program).read_text(encoding="utf-8"), program, "exec"), vars(module))
        value = getattr(module, name)
        result = plain(value() if isinstance(value, type) else value)
    elif what == "presets":
        result = presets()
    else:
        import torch

        torch.set_num_threads(1)
        result = [programming(run) for run in json.loads(Path(names[0]).read_text(encoding="utf-8"))]
    Path(file).write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
