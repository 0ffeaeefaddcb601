# SPDX-License-Identifier: Apache-2.0
"""Tests of checkpoint files: they are whole, and only a whole file of the same run and version is accepted."""

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.presets import PRESETS
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Choppers, Rates
from symtrack.model.semantics import EARLIER, SEMANTICS
from symtrack.model.spec.settings import ChopperMode, Scope
from symtrack.model.tile.operations import Periphery
from symtrack.model.training import checkpoint
from symtrack.model.training.checkpoint import VERSION
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

WRITTEN = Path(__file__).with_name("checkpoint_0.1.0.npz")  # by version 0.1.0, after 18 steps of two samples


def test_a_checkpoint_of_an_earlier_layout_of_the_code_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of classes and members that are in the file do not follow what the code calls them now."""
    choppers = Choppers(chopper=ChopperMode.RANDOM, scope=Scope.TILE)
    spec = {"choppers": choppers, "schedule": Schedule(((1, 0.5),)), "batch": 2, "seed": 4}
    with pytest.raises(ValueError, match=r"semantics\.devices = 1: must be 2, as in this run"):
        tiny.trainer(**spec).restore(WRITTEN)
    for name, version in EARLIER[-1].items():
        monkeypatch.setitem(SEMANTICS, name, version)
    run = tiny.trainer(**spec)
    run.restore(WRITTEN)
    assert (run.steps, run.notes, len(run.curve)) == (18, "written by version 0.1.0", 1)
    with np.load(WRITTEN) as file:
        there = {name: file[name] for name in file.files}
    same = [name for name, array in arrays(run).items() if np.array_equal(there.get(name), array)]
    assert len(same) > 40
    assert {"layer0_fast_state", "layer1_slow_pulse_numbers", "layer0_periphery_qref"} <= set(same)


def test_an_algorithm_that_is_defined_otherwise_does_not_go_on(
    trainer: Trainer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = {"choppers": Choppers(chopper=ChopperMode.RANDOM, scope=Scope.TILE), "schedule": Schedule(((1, 0.5),))}
    monkeypatch.setitem(ALGORITHMS, "e-rider", replace(ALGORITHMS["e-rider"], scope=Scope.TILE))
    with pytest.raises(ValueError, match=r"definition\.scope = <Scope.COLUMN: 0>: must be <Scope.TILE: 1>, as in this"):
        tiny.trainer().restore(path)
    for name, version in EARLIER[-1].items():
        monkeypatch.setitem(SEMANTICS, name, version)
    with pytest.raises(ValueError, match="definition = that of version 4: must be Algorithm, as in this run"):
        tiny.trainer(batch=2, seed=4, **earlier).restore(WRITTEN)
    changed = tiny.trainer()
    changed.save(path)
    tiny.trainer().restore(path)


@pytest.mark.parametrize("part", SEMANTICS)
def test_nor_what_computes_otherwise(part: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEMANTICS, part, SEMANTICS[part] + 1)
    now = SEMANTICS[part]
    with pytest.raises(ValueError, match=rf"semantics\.{part} = {now - 1}: must be {now}, as in this run"):
        tiny.trainer().restore(path)


def arrays(trainer: Trainer) -> dict[str, np.ndarray]:
    return trainer._arrays()


@pytest.fixture
def trainer() -> Trainer:
    result = tiny.trainer()
    result.run(20)
    result.evaluate()
    return result


@pytest.fixture
def path(tmp_path: Path, trainer: Trainer) -> Path:
    """The checkpoint of `trainer`."""
    trainer.save(tmp_path / "run.npz")
    return tmp_path / "run.npz"


def test_a_failed_write_leaves_the_old_file(trainer: Trainer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.read_bytes()
    trainer.run(3)

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        trainer.save(path)
    assert [file.read_bytes() for file in path.parent.iterdir()] == [old]


def test_flipped_bits_are_refused_or_harmless(trainer: Trainer, path: Path) -> None:
    data, right = path.read_bytes(), state_sha256(arrays(trainer))
    other, refused, rng = tiny.trainer(), [], Random(7)
    for bit in (rng.randrange(8 * len(data)) for _ in range(300)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            other.restore(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert state_sha256(arrays(other)) == right, bit
    assert len(refused) > 200
    assert all(text.startswith(f"checkpoint = {str(path)!r}: ") for text in refused)


def rewritten(path: Path, changes: dict[str, np.ndarray | None]) -> None:
    """The file with some arrays changed or left out, whole but for its SHA-256."""
    with np.load(path) as file:
        content = {name: file[name] for name in file.files} | changes
    np.savez(path, **{name: array for name, array in content.items() if array is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": np.array(21)}, "sha256 = [0-9a-f]{64}: must be that of the content"),
        ({"noise_position": None}, "sha256 = [0-9a-f]{64}: must be that of the content"),
        ({"sha256": None}, "sha256 = None: must be that of the content"),
        ({"sha256": np.zeros(2)}, r"sha256 = \[0. 0.\]: must be"),
        ({"version": np.array(VERSION + 1)}, f"version = {VERSION + 1}: must be {VERSION}"),
        ({"version": None}, f"version = absent: must be {VERSION}"),
        ({"version": np.array([1, 1])}, rf"version = \[1 1\]: must be {VERSION}"),
        ({"steps": np.array([{}], dtype=object)}, "must be a whole checkpoint file"),
    ],
)
def test_changed_content(path: Path, changes: dict, message: str) -> None:
    rewritten(path, changes)
    with pytest.raises(ValueError, match=message):
        tiny.trainer().restore(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, r"array steps: must be int64\[\], and is absent"),
        ({"more": np.zeros(3)}, r"array more: must be absent, and is float64\[3\]"),
        ({"steps": np.array(2.0)}, r"array steps: must be int64\[\], and is float64\[\]"),
        ({"layer0_reference": np.zeros((3, 4), int)}, r"must be int64\[3, 5\], and is int64\[3, 4\]"),
    ],
)
def test_other_arrays(trainer: Trainer, path: Path, changes: dict, message: str) -> None:
    content = {name: array for name, array in (arrays(trainer) | changes).items() if array is not None}
    checkpoint.write(path, settings=trainer.settings, arrays=content)
    with pytest.raises(ValueError, match=message):
        tiny.trainer().restore(path)


def test_settings_left_out(trainer: Trainer, path: Path) -> None:
    with np.load(path) as file:
        content = {name: file[name] for name in file.files if name not in ("settings", "sha256")}
    np.savez(path, sha256=np.array(state_sha256(content)), **content)
    with pytest.raises(ValueError, match="task = absent: must be Task, as in this run"):
        trainer.restore(path)


def test_files_that_are_none(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"checkpoint = '.*no.npz': must be a readable file \(No such file"):
        tiny.trainer().restore(tmp_path / "no.npz")
    with pytest.raises(ValueError, match=r"must be a readable file \(Is a directory\)"):
        tiny.trainer().restore(tmp_path)
    whole = path.read_bytes()
    np.save(tmp_path / "array.npy", np.zeros(3))
    for data in (b"", b"text", whole[:100], whole[:-1], whole[100:], (tmp_path / "array.npy").read_bytes()):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"run.npz': must be a whole checkpoint file"):
            tiny.trainer().restore(path)


def other_task(**changes):
    return replace(tiny.task(), **changes)


X = tiny.task().train_x
LAYERS = tiny.task().tile_configs
OTHERS = [
    ({"seed": 2}, "seed = 1: must be 2, as in this run"),
    ({"algorithm": "agad"}, "algorithm = 'e-rider': must be 'agad'"),
    ({"rates": Rates(gamma=0.2)}, "rates.gamma = 0.1: must be 0.2"),
    ({"reference_mean": 0.2}, "physics.fast.reference_mean = 0.3: must be 0.2"),
    ({"devices": SoftBoundsReference(dw_min=0.002)}, "physics.fast.dw_min = 0.001: must be 0.002"),
    ({"converters": Converters(output_noise=0.05)}, "physics.converters.output_noise = 0.06: must be 0.05"),
    ({"batch": 2}, "batch = 1: must be 2"),
    ({"schedule": Schedule(((3, 0.5),))}, "schedule.points = 0 items: must be 1 items"),
    ({"slow_devices": SoftBoundsReference(dw_min=0.002)}, "physics.slow.dw_min = 0.001: must be 0.002"),
    (
        {"task": other_task(architecture=replace(tiny.task().architecture, activation="relu"))},
        "task.architecture.activation = 'tanh': must be 'relu'",
    ),
    ({"ideal_granularity": True}, "physics.ideal_granularity = False: must be True"),
    ({"task": other_task(name="other")}, "task.name = 'tiny': must be 'other'"),
    ({"task": other_task(train_x=X ^ np.eye(*X.shape, dtype=int))}, "task.train_x = data with SHA-256 "),
    ({"task": other_task(test_y=1 - tiny.task().test_y)}, "task.test_y = data with SHA-256 "),
    (
        {"task": other_task(tile_configs=(LAYERS[0], LAYERS[1].replace(seed=3)))},
        r"task.layers\[1\].seed = 2: must be 3",
    ),
    (
        {"devices": ExponentialStep(), "reference_mean": 0.0, "reference_std": 0.0},
        "physics.fast = SoftBoundsReference: must be ExponentialStep",
    ),
]


@pytest.mark.parametrize(("changes", "message"), OTHERS)
def test_other_runs(path: Path, changes: dict, message: str) -> None:
    trainer = tiny.trainer(**changes)
    before = state_sha256(arrays(trainer))
    with pytest.raises(ValueError, match=f"checkpoint = '.*run.npz': {message}") as error:
        trainer.restore(path)
    assert "\n" not in str(error.value)
    assert state_sha256(arrays(trainer)) == before


class Fixed:
    """What RTL looks like: all methods of a periphery but `restore`."""

    def __init__(self, config) -> None:
        self._golden = Periphery(config)
        self.cycles = 0

    def __getattr__(self, name: str):
        if name == "restore":
            raise AttributeError(name)
        return getattr(self._golden, name)


def test_a_periphery_that_cannot_be_set_is_refused(tmp_path: Path) -> None:
    trainer = tiny.trainer(periphery=Fixed)
    trainer.run(20)
    trainer.save(tmp_path / "run.npz")
    with pytest.raises(TypeError, match="periphery = Fixed: must be one that can be set to a state, such as Periphery"):
        trainer.restore(tmp_path / "run.npz")
    golden = tiny.trainer()
    golden.restore(tmp_path / "run.npz")
    golden.run(25)
    assert golden.metrics().state_sha256 == tiny.digest(45)


def test_what_was_added_later_is_no_setting_while_it_is_off() -> None:
    """Checkpoints and keys of results of before it are still those of the same run."""
    off, on = (checkpoint.describe("device", replace(PRESETS["ecram"], read_noise_std=value)) for value in (0.0, 0.5))
    assert "device.read_noise_std" not in off
    assert on == {**off, "device.read_noise_std": "0.5"}
