# SPDX-License-Identifier: Apache-2.0
"""Every field of every class of aihwkit that is read: none goes by unnoticed, and no value passes that is none."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_fields import DEFAULTS
from symtrack.model.exchange.aihwkit_runs import Taken


def whole(kind: str) -> dict[str, Any]:
    """An object with all its fields as aihwkit has them."""
    found: dict[str, Any] = {"class": kind}
    for name, default in DEFAULTS[kind].items():
        if isinstance(default, str) and default in DEFAULTS:
            found[name] = whole(default)
        elif isinstance(default, dict):
            found[name] = whole(default["class"]) | default
        else:
            found[name] = copy.deepcopy(default)
    return found


def bases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Configurations with every class of parameters."""
    singles = [kind for kind in DEFAULTS if kind.endswith("Device")]
    for kind in singles:
        config, device = whole("SingleRPUConfig"), whole(kind)
        if kind == "SoftBoundsPmaxDevice":
            device |= {"alpha": 0.003}
        yield kind, config | {"device": device}
        if "write_noise_std" in device:
            yield f"{kind}, noisy", config | {"device": device | {"write_noise_std": 3.0, "lifetime": 100.0}}
    for kind in (kind for kind in DEFAULTS if kind.endswith("Compound")):
        cell = whole(kind) | {"unit_cell_devices": [whole("SoftBoundsReferenceDevice") for _ in range(2)]}
        yield kind, whole("UnitCellRPUConfig") | {"device": cell}
    yield "ChoppedTransferCompound, scaled", whole("UnitCellRPUConfig") | {"device": cell | {"auto_scale": True}}
    noisy = whole("IOParameters") | {"w_noise": 0.1, "w_noise_type": "ADDITIVE_CONSTANT"}
    yield "IOParameters, noisy", whole("SingleRPUConfig") | {"forward": noisy, "backward": noisy}
    mapping = whole("MappingParameter") | {"weight_scaling_omega": 0.5, "learn_out_scaling": True}
    yield "MappingParameter, scaled", whole("SingleRPUConfig") | {"mapping": mapping}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where all fields stand that hold no other parameters."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict) or (isinstance(item, list) and item and isinstance(item[0], dict)):
            yield from leaves(item, (*path, name))
        elif name not in ("class", "is_a"):
            yield (*path, name)


def others(value: Any) -> list[Any]:
    """Values that are not this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return ["NONE", "OTHER"] if value != "NONE" else ["OTHER"]
    if isinstance(value, list):
        return [[*value, 0.5], [0.25, 1.0]]
    if value is None:
        return [0.3]
    if isinstance(value, int):
        return [value + 1, value + 40, -1 if value >= 0 else -2]
    return [value * 1.1 + 0.01, value * 0.7 + 0.003, -value - 0.2]


def changed(base: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    result = copy.deepcopy(base)
    place: Any = result
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return result


def figures(found: Taken) -> Taken:
    return replace(found, notes=[], ignored=[])


BASES = dict(bases())


@pytest.mark.parametrize("name", BASES)
def test_no_field_goes_by_unnoticed(name: str) -> None:
    """A field that is changed changes the run, is noted, is told to be ignored, or is refused by its name."""
    base = BASES[name]
    before = taken(base)
    known = {*before.notes, *before.ignored}
    count, refusals = 0, []
    for path in leaves(base):
        field_name = str(path[-1])
        for value in others(_at(base, path)):
            count += 1
            try:
                after = taken(changed(base, path, value))
            except (TypeError, ValueError) as error:
                refusals.append((path, value, str(error)))
                continue
            said = {*after.notes, *after.ignored} ^ known
            noticed = figures(after) != figures(before) or any(field_name in line for line in said)
            assert noticed, (path, value)
    assert count > 150
    assert len(refusals) > 10
    for path, value, message in refusals:
        assert str(path[-1]) in message or _related(str(path[-1]), message), (path, value, message)


HOSTILE: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, 10**400, 1e308, -1e308, 1e29, 1e-300, 2.5, 0, -1),
    *(True, None, "x", "nan", [], [math.nan], [math.inf] * 2, ["x", 1.0], {}, {"class": "X"}),
)


@pytest.mark.parametrize("name", BASES)
def test_no_value_goes_through_that_is_none(name: str) -> None:
    """Infinity, NaN and other types are refused in one line that names the field and its value, or have no effect."""
    base = BASES[name]
    before = figures(taken(base))
    count = 0
    for path in leaves(base):
        if path[0] != "device" and name in DEFAULTS and name != "ConstantStepDevice":
            continue  # as there
        default = _at(base, path)
        for value in HOSTILE:
            try:
                after = taken(changed(base, path, value))
            except (TypeError, ValueError) as error:
                text = str(error)
                assert "\n" not in text, (path, value)
                assert ": must be " in text or "must have" in text, (path, value, text)
                assert str(path[-1]) in text or _related(str(path[-1]), text), (path, value, text)
                count += 1
                continue
            numbers = [after.rates.values(), [one.size for one in [after.thresholds] if one], [after.every]]
            assert all(math.isfinite(one) for some in numbers for one in some), (path, value)
            if not _alike(value, default):
                said = any(str(path[-1]) in line for line in after.ignored)
                assert figures(after) == before, (path, value)
                assert said or value == default, (path, value)
    assert count > 150


def _alike(value: Any, default: Any) -> bool:
    """A value that the field may have by its type."""
    if isinstance(default, list):
        numeric = isinstance(value, list) and all(isinstance(one, (int, float)) for one in value)
        return numeric and all(math.isfinite(one) for one in value)
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return type(value) in (int, float) and (value == 0 or 1e-30 <= abs(value) <= 1e30)
    return isinstance(default, type(value))


def _related(field_name: str, message: str) -> bool:
    """Errors that name what follows from a field: a Pmax device has other parameters, a device its limits."""
    if field_name in ("range_min", "range_max", "alpha", "p_max"):
        return bool(re.search(r"w_max|w_min|dw_min|up_down|alpha", message))
    return field_name == "piecewise_up" and "piecewise_down" in message


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value
