# SPDX-License-Identifier: Apache-2.0
"""Plain data of objects, without aihwkit: dataclasses that are built as its configurations are."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.exchange import aihwkit_recording
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_fields import DEFAULTS
from symtrack.model.exchange.aihwkit_recording import EXAMPLES, RUNS, plain


class PulseType(Enum):
    STOCHASTIC = "Stochastic"


@dataclass
class UpdateParameters:
    desired_bl: int = 31
    pulse_type: PulseType = PulseType.STOCHASTIC


@dataclass
class SoftBoundsDevice:
    dw_min: float = 0.001
    construction_seed: int = 0


@dataclass
class MyDevice(SoftBoundsDevice):
    dw_min: float = 0.01


@dataclass
class SingleRPUConfig:
    tile_class: type = int
    device: SoftBoundsDevice = field(default_factory=MyDevice)
    update: UpdateParameters = field(default_factory=UpdateParameters)


def test_live_objects_are_read_by_their_fields() -> None:
    config = SingleRPUConfig()
    assert plain(config) == {
        "class": "SingleRPUConfig",
        "is_a": [],
        "tile_class": "int",
        "device": {"class": "MyDevice", "is_a": ["SoftBoundsDevice"], "dw_min": 0.01, "construction_seed": 0},
        "update": {"class": "UpdateParameters", "is_a": [], "desired_bl": 31, "pulse_type": "STOCHASTIC"},
    }
    assert taken(config) == taken(plain(config)) == taken(SingleRPUConfig)
    assert taken(config).device.dw_min == 0.01
    assert "tile_class = 'int': of aihwkit's program only" in taken(config).ignored


def test_other_values() -> None:
    assert plain([(1, None), {"a": 2.5}, "x", True]) == [[1, None], {"a": 2.5}, "x", True]
    assert plain([np.float32(0.5), np.int64(3)]) == [0.5, 3]
    assert plain(Path()) == {"class": type(Path()).__name__}


def test_every_class_of_devices_is_recorded() -> None:
    assert set(EXAMPLES) == {name for name in DEFAULTS if name.endswith("Device")}
    assert all(set(given) <= set(DEFAULTS[name]) for name, given in EXAMPLES.items())
    assert sum(count for _, count in RUNS) == 4600


def test_the_program_runs_by_its_path_without_symtrack(tmp_path: Path) -> None:
    """It writes the configuration of a program, and says how it is used."""
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\n\n@dataclass\nclass Device:\n    dw_min: float = 0.5\n"
    )
    file = aihwkit_recording.__file__
    words = [sys.executable, "-S", file, "configuration", "mine.py:Device", "out.json"]
    done = subprocess.run(words, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.json").read_text() == '{"class": "Device", "is_a": [], "dw_min": 0.5}\n'
    done = subprocess.run([sys.executable, file, "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "presets FILE" in done.stderr


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_plain(name: str) -> None:
    for value in DEFAULTS[name].values():
        assert value is None or isinstance(value, (bool, int, float, str, list, dict))
