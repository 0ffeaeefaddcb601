# SPDX-License-Identifier: Apache-2.0
"""Tests of resuming: a run that stops anywhere and goes on in another object ends as if it had not stopped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Rates
from symtrack.model.spec.config import NAMED
from symtrack.model.spec.settings import ChopperMode, Settings
from symtrack.model.tasks.task import TASKS
from symtrack.model.tile.operations import Periphery
from symtrack.model.training import checkpoint
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

END = 70  # two epochs and a bit; the second flips of the columns are behind


def arrays(trainer: Trainer) -> dict[str, np.ndarray]:
    return trainer._arrays()


def resumed(path: Path, stop: int, end: int = END, **arguments) -> Trainer:
    """A run that was evaluated and stopped after ``stop`` steps and went on in another object."""
    first = tiny.trainer(**arguments)
    first.run(stop)
    first.evaluate()
    first.save(path)
    second = tiny.trainer(**arguments)
    second.restore(path)
    second.run(end - stop)
    return second


def uninterrupted(stop: int, end: int = END, **arguments) -> Trainer:
    trainer = tiny.trainer(**arguments)
    trainer.run(stop)
    trainer.evaluate()
    trainer.run(end - stop)
    return trainer


def assert_equal(one: Trainer, other: Trainer) -> None:
    assert one.metrics() == other.metrics()
    assert one.curve == other.curve
    assert state_sha256(arrays(one)) == state_sha256(arrays(other))


STOPS = (0, 1, 7, 31, 32, 33, 64, 69, END)


@pytest.mark.parametrize(
    ("stop", "algorithm"),
    [
        pytest.param(stop, name, marks=[] if name == "e-rider" or stop in (7, 33) else pytest.mark.slow)
        for name in ALGORITHMS
        for stop in STOPS
    ],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path, algorithm: str, stop: int) -> None:
    one = resumed(tmp_path / "run.npz", stop, algorithm=algorithm)
    assert_equal(one, uninterrupted(stop, algorithm=algorithm))
    assert [point.step for point in one.curve] == sorted({stop, END})
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_resume_just_after_a_flip(tmp_path: Path) -> None:
    trainer, stops = tiny.trainer(), []
    before = [tile.periphery.chopper.copy() for tile in trainer.network.tiles]
    for step in range(1, END):
        trainer.run(1)
        after = [tile.periphery.chopper.copy() for tile in trainer.network.tiles]
        if any(np.any(old != new) for old, new in zip(before, after, strict=True)):
            stops.append(step)
        before = after
    assert len(stops) > 10
    for stop in stops[:: len(stops) // 5]:
        assert_equal(resumed(tmp_path / "run.npz", stop), uninterrupted(stop))


VARIANTS = {
    "batch": {"batch": 5},
    "schedule": {"schedule": Schedule(((0, 0.8), (1, 0.5), (2, 1.5)))},
    "images": {"task": tiny.images(), "batch": 3, "schedule": Schedule(((3, 0.5), (9, 0.7))), "rates": Rates(reads=2)},
    "weight-programming": {"task": TASKS["weight-programming"](), "batch": 2},
    "noisy-quadratic": {"task": TASKS["noisy-quadratic"](), "rates": Rates(learning_rate=1.0)},
    "stale": {"residual": "stale"},
    "slow devices": {"slow_devices": SoftBoundsReference(dw_min=0.002, reference_mean=0.1)},
}


@pytest.mark.parametrize(
    "stop", [1, 17, 31, pytest.param(0, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_kind_of_run_goes_on(tmp_path: Path, name: str, stop: int) -> None:
    one = resumed(tmp_path / "run.npz", stop, 32, **VARIANTS[name])
    assert_equal(one, uninterrupted(stop, 32, **VARIANTS[name]))
    assert state_sha256(arrays(one)) != state_sha256(arrays(uninterrupted(stop, 31, **VARIANTS[name])))


def test_going_back_takes_the_rate_along(tmp_path: Path) -> None:
    run = {"schedule": Schedule(((1, 0.5),)), "algorithm": "tt-v2"}
    trainer = tiny.trainer(**run)
    trainer.run(30)
    trainer.save(tmp_path / "run.npz")
    for _ in range(2):
        trainer.run(40)
        digest = trainer.metrics().state_sha256
        trainer.restore(tmp_path / "run.npz")
    trainer.run(40)
    assert trainer.metrics().state_sha256 == digest == tiny.digest(70, **run)


DEVICES = {
    "noisy": SoftBoundsReference(write_noise_std=2.0, dw_min=0.05),
    "disturbed": SoftBoundsReference(half_select=0.05, lifetime=300.0, stuck_fraction=0.2),
    "exponential": ExponentialStep(dw_min=0.01),
}


@pytest.mark.parametrize("name", list(DEVICES))
def test_every_effect_of_devices_goes_on(tmp_path: Path, name: str) -> None:
    offset = {} if name != "exponential" else {"reference_mean": 0.0, "reference_std": 0.0}
    run = {"devices": DEVICES[name], "rates": Rates(granularity=10.0), **offset}
    assert_equal(resumed(tmp_path / "run.npz", 41, **run), uninterrupted(41, **run))


def test_visible_weights_are_back(tmp_path: Path) -> None:
    run = {"devices": DEVICES["noisy"], "rates": Rates(granularity=10.0)}
    one, other = tiny.trainer(**run), tiny.trainer(**run)
    one.run(41)
    one.save(tmp_path / "run.npz")
    other.restore(tmp_path / "run.npz")
    for tile, twin in zip(one.network.tiles, other.network.tiles, strict=True):
        assert np.array_equal(tile.fast.weights, twin.fast.weights)
        assert np.array_equal(tile.slow.weights, twin.slow.weights)


def test_ideal_granularity_and_threads(tmp_path: Path) -> None:
    ideal = {"ideal_granularity": True}
    assert_equal(resumed(tmp_path / "run.npz", 13, **ideal), uninterrupted(13, **ideal))
    other = tiny.trainer(**ideal, threads=2)
    other.restore(tmp_path / "run.npz")
    assert other.steps == 13


def test_a_used_trainer_goes_back(tmp_path: Path) -> None:
    trainer = resumed(tmp_path / "run.npz", 13)
    trainer.evaluate()
    trainer.restore(tmp_path / "run.npz")
    assert (trainer.steps, len(trainer.curve)) == (13, 1)
    trainer.run(END - 13)
    assert_equal(trainer, uninterrupted(13))


def test_resume_in_another_process(tmp_path: Path) -> None:
    trainer = tiny.trainer()
    trainer.run(37)
    trainer.save(tmp_path / "run.npz")
    code = (
        "import sys; from tests.model.helpers import tiny; trainer = tiny.trainer(); trainer.restore(sys.argv[1]);"
        f"trainer.run({END - 37}); print(trainer.metrics().state_sha256)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run.npz")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == tiny.digest(END)


def test_random_flips_go_on() -> None:
    config = NAMED["tiny"].replace(chopper_probability=0.5)
    settings = Settings(chopper=ChopperMode.RANDOM, gain=7)
    codes = np.random.default_rng(3).integers(-256, 256, (40, config.rows))
    whole, first, second = Periphery(config), Periphery(config), Periphery(config)
    for code in codes:
        whole.transfer(code, settings)
    for code in codes[:17]:
        first.transfer(code, settings)
    second.restore(first.state_arrays())
    for code in codes[17:]:
        second.transfer(code, settings)
    assert state_sha256(second.state_arrays()) == state_sha256(whole.state_arrays())
    assert state_sha256(second.state_arrays()) != state_sha256(first.state_arrays())


def test_every_array_is_restored(tmp_path: Path) -> None:
    trainer = uninterrupted(20)
    changed = {name: array + 1 if array.dtype.kind == "f" else array ^ 1 for name, array in arrays(trainer).items()}
    checkpoint.write(tmp_path / "run.npz", settings=trainer.settings, arrays=changed)
    other = tiny.trainer()
    other.restore(tmp_path / "run.npz")
    restored = arrays(other)
    assert restored.keys() == changed.keys()
    for name, array in changed.items():
        assert np.array_equal(restored[name], array, equal_nan=array.dtype.kind == "f"), name
        assert restored[name].dtype == array.dtype, name
