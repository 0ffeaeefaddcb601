# SPDX-License-Identifier: Apache-2.0
"""Runs as configurations of aihwkit: there and back, what is refused, and the program that makes the objects."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_export import ALGORITHMS, exported
from symtrack.model.exchange.aihwkit_fields import DEFAULTS, EXTRA
from symtrack.model.exchange.aihwkit_runs import Keeping
from symtrack.model.network.algorithms import Choppers, Rates
from symtrack.model.network.learning_tile import Programming
from symtrack.model.network.macro import Macro
from symtrack.model.spec.settings import ChopperMode, Scope
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec
from tests.model.exchange.recorded import RECORDED

PRESETS = [name for name, one in RECORDED["configurations"].items() if "device" in one and "ES2" not in name]
TASK = "weight-programming"


def spec(algorithm: str, **more: Any) -> TrainingSpec:
    """A run that can be exported."""
    given: dict[str, Any] = {}
    if algorithm == "tt-v1":
        given["rates"] = Rates.of(algorithm, fixed_fast_rate=0.5, gamma=0.2)
    return TrainingSpec(**{"task": "digits", "algorithm": algorithm, **given, **more})


def same(first: TrainingSpec, second: TrainingSpec) -> None:
    """As far as configurations go; numbers but for their last digits."""
    assert first.algorithm == second.algorithm
    assert first.choppers.chopper in (second.choppers.chopper, None)
    for name in ("devices", "slow_devices", "rates", "converters"):
        one, other = getattr(first, name), getattr(second, name)
        assert type(one) is type(other), name
        for field in fields(one) if one is not None else ():
            left, right = getattr(one, field.name), getattr(other, field.name)
            assert left == (pytest.approx(right, rel=1e-9) if isinstance(left, float) else right), (name, field.name)
    mine, theirs = (one.problem().tile_configs for one in (first, second))
    for left, right in zip(mine, theirs, strict=True):
        assert left.replace(momentum_bits=8, threshold_shift=1) == right.replace(momentum_bits=8, threshold_shift=1)


@pytest.mark.parametrize("name", ["CapacitorPreset", "ReRamESPreset", "TikiTakaReRamSBPreset", "AGADEcRamMOPreset"])
@pytest.mark.parametrize("task", [TASK, "digits"])
def test_presets_return_as_they_came(name: str, task: str) -> None:
    first = taken(RECORDED["configurations"][name], learning_rate=0.05).spec(task=task)
    there = exported(first)
    second = taken(json.loads(there.json()), learning_rate=there.learning_rate).spec(task=task)
    same(first, second)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_runs_return_as_they_were(algorithm: str) -> None:
    first = spec(algorithm)
    there = exported(first)
    second = taken(there.config, learning_rate=there.learning_rate).spec(task="digits")
    device = SoftBoundsReference()
    rates = first.rates or Rates.of(algorithm)
    slow = None if algorithm == "analog-sgd" else device
    problem = first.problem()
    if algorithm == "analog-sgd":
        assert any("clip errors only" in note for note in there.notes)
        assert taken({k: v for k, v in there.config.items() if k != EXTRA}).rates["clip_errors"] == 1
    assert first.problem().architecture.layers[0].scale is None
    assert rates.scale_rate != there.learning_rate
    assert [note for note in there.notes if "scale_rate" in note]
    same(replace(first, devices=device, slow_devices=slow, converters=problem.converters, rates=rates), second)


def test_rates_that_aihwkit_has_not_stand_in_a_field_of_our_own() -> None:
    given = spec("agad", rates=Rates.of("agad", learning_rate=0.07))
    there = exported(given)
    assert json.loads(there.json())[EXTRA] == {"scale_rate": 0.01}
    assert (
        "scale_rate = 0.01: it is that of the optimiser there, 0.07; the plain data keep it as symtrack" in there.notes
    )
    assert EXTRA not in there.python()
    back = taken(there.config, learning_rate=there.learning_rate)
    assert back.rates["scale_rate"] == 0.01
    assert "symtrack.scale_rate = 0.01: in place of 0.07, as aihwkit has it" in back.notes
    alike = exported(spec("agad", rates=Rates.of("agad", learning_rate=0.07, scale_rate=0.07)))
    assert EXTRA not in alike.config
    fixed = exported(spec("agad", rates=Rates.of("agad", scale_rate=0.0)))
    assert EXTRA not in fixed.config
    assert taken(fixed.config).rates["scale_rate"] == 0


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (3, "symtrack = 3: must be an object with scale_rate and clip_errors, as exported"),
        ({"gamma": 1}, "symtrack.gamma = 1: must be one of scale_rate, clip_errors"),
        ({"scale_rate": "x"}, "symtrack.scale_rate = 'x': must be a number"),
        ({"scale_rate": float("nan")}, "symtrack.scale_rate = nan: must be "),
        ({"clip_errors": 0}, "symtrack.clip_errors = 0: must be left out without SingleRPUConfig"),
    ],
)
def test_a_field_of_our_own_is_checked(extra: Any, message: str) -> None:
    config = {**exported(spec("agad")).config, EXTRA: extra}
    with pytest.raises((TypeError, ValueError)) as caught:
        taken(config)
    assert str(caught.value).startswith(message)
    fixed = {**exported(spec("agad", rates=Rates.of("agad", scale_rate=0.0))).config, EXTRA: {"scale_rate": 0.1}}
    with pytest.raises(ValueError, match=r"symtrack.scale_rate = 0.1: must be left out without mapping.learn_out_"):
        taken(fixed)


def test_choppers_reads_and_noise() -> None:
    by_chance = Choppers(chopper=ChopperMode.RANDOM, row_chopper=ChopperMode.RANDOM)
    tiles = {"row_chopper": 1, "chopper_probability": 0.03, "pulses_max": 4}
    device = SoftBoundsReference(read_noise_std=2.0, reference_std=0.1)
    given = spec(
        "c-tt-v2", choppers=by_chance, tiles=tiles, devices=device, slow_devices=SoftBounds(read_noise_std=3.0)
    )
    there = exported(given)
    cell = there.config["device"]
    assert (cell["in_chop_prob"], cell["in_chop_random"], cell["out_chop_prob"]) == (0.03, True, 0.03)
    assert cell["transfer_forward"]["w_noise"] == 0.002
    assert there.config["forward"]["w_noise"] == 0.003
    assert cell["transfer_update"]["desired_bl"] == 4
    second = taken(there.config, learning_rate=there.learning_rate)
    assert second.choppers == by_chance
    assert second.device == device
    regular = exported(spec("agad", tiles={"chopper_period": 49, "filter_shift": 3}))
    assert taken(regular.config).tiles["chopper_period"] == 49
    assert taken(regular.config).tiles["filter_shift"] == 3


def test_the_range_of_reads_returns() -> None:
    given = spec("agad", converters=Converters(read_bound=2.0))
    there = exported(given)
    assert there.config["device"]["transfer_forward"]["out_bound"] < there.config["forward"]["out_bound"]
    assert taken(there.config).converters == given.converters


def test_a_buffer_that_keeps_the_rest_returns() -> None:
    given = replace(spec("agad"), algorithm=Keeping.of("agad"))
    there = exported(given)
    assert there.config["device"]["forget_buffer"] is False
    assert taken(there.config).algorithm == given.algorithm


def test_what_is_said_elsewhere_is_noted() -> None:
    given = spec("agad", batch=4, schedule=Schedule(((1, 0.5),)), macro=Macro(70, 70))
    notes = exported(given).notes
    for name in ("schedule", "batch", "macro"):
        assert any(note.startswith(f"{name} = ") for note in notes)
    assert exported(given).config["device"]["auto_momentum"] == pytest.approx(0.96)


BAD: list[tuple[TrainingSpec, str]] = [
    (spec("e-rider"), "algorithm = 'e-rider': must be one of analog-sgd, tt-v1, tt-v2, c-tt-v2, agad for aihwkit"),
    (spec("tt-v2", calibration=5), "calibration = 5: must be 0, aihwkit has no counterpart"),
    (spec("agad", programming=Programming()), "programming = Programming("),
    (spec("agad", ideal_granularity=True), "ideal_granularity = True: must be False, aihwkit has no counterpart"),
    (spec("tt-v1", rates=Rates.of("tt-v1")), "fixed_fast_rate = 0.0: must be above zero, a TransferCompound scales no"),
    (spec("tt-v2", rates=Rates.of("tt-v2", reads=2)), "reads = 2: must be 1 for a ChoppedTransferCompound"),
    (spec("agad", choppers=Choppers(scope=Scope.TILE)), "scope = TILE: must be COLUMN for aihwkit"),
    (
        spec("c-tt-v2", choppers=Choppers(row_chopper=ChopperMode.REGULAR)),
        "row_chopper = REGULAR: must be OFF or RANDOM for aihwkit",
    ),
    (spec("agad", choppers=Choppers(chopper=ChopperMode.OFF)), "chopper = OFF: must be REGULAR for a Dynamic"),
    (spec("agad", tiles={"chopper_period": 1}), "chopper_period = 1: must be at least 2 for aihwkit"),
    (
        spec("agad", batch=4, rates=Rates.of("agad", momentum=0.5)),
        "momentum = 0.5: must be at least 0.75 with batch = 4",
    ),
    (spec("agad", devices=SoftBounds(half_select=0.1)), "devices.half_select = 0.1: must be 0, aihwkit has no such"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_what_has_no_counterpart_is_refused_by_name(given: TrainingSpec, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        exported(given)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_program_names_classes_and_fields_that_exist(algorithm: str) -> None:
    text = exported(spec(algorithm)).python()
    tree = ast.parse(text)
    made = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len(calls) >= 5
    for call in calls:
        assert isinstance(call.func, ast.Name)
        assert call.func.id in made
        assert {word.arg for word in call.keywords} <= set(DEFAULTS[call.func.id])
    assert made == sorted(made, key=made.index)
    assert any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "rpu_config" for node in tree.body)
