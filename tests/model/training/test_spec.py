# SPDX-License-Identifier: Apache-2.0
"""Tests of runs as data: equal seeds and counts are one run, whatever their type, and what is no integer is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

import symtrack
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.compare.training import compare
from symtrack.cosim.coverage.measure import cover
from symtrack.model.analysis.coincidence import pair_coincidences
from symtrack.model.analysis.zero_shifting import calibrate, prepared
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.presets import PRESETS
from symtrack.model.network.algorithms import Rates
from symtrack.model.network.architecture import Architecture, Dense
from symtrack.model.network.learning_tile import Programming
from symtrack.model.network.standard_networks import network
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.validated import check, integral
from symtrack.model.study.case import Case, key
from symtrack.model.tasks.task import with_seed
from symtrack.model.training.history import train
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

CONFIG = NAMED["tiny"]
DEVICE = PRESETS["capacitor"]
ARRAY = {"rows": 2, "columns": 2, "start": -0.5, "relative_error": 0.01, "seed": 1}
SPEC = TrainingSpec(task=tiny.task())


def seeds_and_counts() -> dict[str, tuple[str, Callable[[Any], object]]]:
    """What takes them, by a name: the field that its message names, and the call with a value for it."""
    return {
        "spec.seed": ("seed", lambda n: TrainingSpec(seed=n)),
        "spec.tile_seed": ("tile_seed", lambda n: TrainingSpec(tile_seed=n)),
        "spec.batch": ("batch", lambda n: TrainingSpec(batch=n)),
        "spec.calibration": ("calibration", lambda n: TrainingSpec(calibration=n)),
        "spec.samples": ("train", lambda n: TrainingSpec(samples={"train": n})),
        "spec.tiles": ("filter_shift", lambda n: TrainingSpec(tiles={"filter_shift": n}).problem()),
        "spec.network": ("hidden", lambda n: TrainingSpec(network={"hidden": (n,)}).problem()),
        "schedule": ("epoch", lambda n: Schedule(((n, 0.5),))),
        "trainer.run": ("steps", lambda n: Trainer(SPEC).run(n)),
        "trainer.threads": ("threads", lambda n: Trainer(SPEC, threads=n)),
        "history.steps": ("steps", lambda n: train(Trainer(SPEC), n)),
        "history.samples": ("samples", lambda n: train(Trainer(SPEC), 1, samples=n)),
        "task.limited": ("train_samples", lambda n: tiny.task().limited(train=n)),
        "task.with_seed": ("tile_seed", lambda n: with_seed(tiny.task(), n)),
        "network.hidden": ("hidden", lambda n: network((4,), 2, hidden=[n])),
        "network.tile_rows": ("tile_rows", lambda n: network((4,), 2, tile_rows=n)),
        "dense": ("size_in", lambda n: Dense(size_in=n, size_out=2)),
        "architecture": (
            "tile_columns",
            lambda n: Architecture(layers=(Dense(size_in=1, size_out=2),), tile_columns=n),
        ),
        "config.seed": ("seed", lambda n: TileConfig(seed=n)),
        "config.rows": ("lanes", lambda n: TileConfig(lanes=n)),
        "rates.reads": ("reads", lambda n: Rates(reads=n)),
        "derive_key": ("seed", lambda n: derive_key(n, "name")),
        "cells.seed": ("seed", lambda n: DEVICE.cells(rows=1, columns=1, seed=n, array="a")),
        "cells.rows": ("rows", lambda n: DEVICE.cells(rows=n, columns=1, seed=1, array="a")),
        "calibrate": (
            "pulses",
            lambda n: calibrate(prepared(DEVICE, **ARRAY)[0], method="cyclic", pulses=2 * n, seed=1),
        ),
        "coincidence": ("slots", lambda n: pair_coincidences(CONFIG, 0, 0, [1], [1], n)),
        "case": ("steps", lambda n: Case(experiment="e", labels=(), run=SPEC, steps=n)),
        "symtrack.calibrate": ("seed", lambda n: symtrack.calibrate(DEVICE, rows=2, columns=2, pulses=2, seed=n)),
        "symtrack.train": ("steps", lambda n: symtrack.train(SPEC, steps=n, samples=0)),
    }


NOT_TRIED = {  # the same of what would build a simulator if it took the value
    "play.seed": ("seed", lambda n: play(CONFIG, "random", engine="native", cycles=1, seed=n)),
    "play.cycles": ("cycles", lambda n: play(CONFIG, "random", engine="native", cycles=n, seed=1)),
    "cover": ("seed", lambda n: cover(CONFIG, 1, n)),
    "compare": ("steps", lambda n: compare(SPEC, engine="native", steps=n)),
    "symtrack.run_cosim": ("seed", lambda n: symtrack.run_cosim("tiny", seed=n)),
    "symtrack.synthesize": ("seed", lambda n: symtrack.synthesize("tiny", seed=n)),
    "symtrack.compare_metrics": ("steps", lambda n: symtrack.compare_metrics(SPEC, steps=n)),
}


@pytest.mark.parametrize("place", [*seeds_and_counts(), *NOT_TRIED])
@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(1), "1", None, [1]], ids=repr)
def test_what_is_no_integer_is_refused(place: str, value: object) -> None:
    name, call = (seeds_and_counts() | NOT_TRIED)[place]
    if place == "calibrate" and not isinstance(value, float):
        return  # twice True is an integer, and twice a list a list
    if value is None and place in ("case", "task.limited", "symtrack.train"):
        return  # means that it is left out, or given by another argument
    with pytest.raises(TypeError, match=rf"{name}.* = .*: must be an integer") as error:
        call(value)
    shown = 2 * value if place == "calibrate" else value  # type: ignore[operator]
    plain = shown.item() if isinstance(shown, np.generic) else shown  # a mapping's are made plain first
    assert any(f"= {text!r}: must be" in str(error.value) for text in (shown, plain))


@pytest.mark.parametrize("place", seeds_and_counts())
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.array], ids=["int64", "uint8", "array"])
def test_integers_of_numpy_are_integers(place: str, kind: Callable[[int], Any]) -> None:
    _, call = seeds_and_counts()[place]
    made, plain = call(kind(1)), call(1)
    if isinstance(plain, TrainingSpec | Schedule | Dense | Architecture | TileConfig | Rates | int):
        assert repr(made) == repr(plain)


def test_equal_runs_are_one_run() -> None:
    """With one key in a study, one name in checkpoints and one state."""
    plain = TrainingSpec(
        task=tiny.task(), seed=2, tile_seed=3, batch=4, samples={"train": 8}, schedule=Schedule(((1, 2),))
    )
    numpys = TrainingSpec(
        task=tiny.task(),
        seed=np.int64(2),
        tile_seed=np.uint16(3),
        batch=np.int8(4),
        samples={"train": np.int64(8)},
        schedule=Schedule(((np.int64(1), np.int64(2)),)),
    )
    cases = [Case(experiment="e", labels=(), run=replace(run, task="digits"), steps=1) for run in (plain, numpys)]
    assert key(cases[0]) == key(cases[1])
    trainers = [Trainer(run) for run in (plain, numpys)]
    for trainer in trainers:
        trainer.run(5)
    assert trainers[0].settings == trainers[1].settings
    assert trainers[0].metrics() == trainers[1].metrics()
    other = Trainer(replace(plain, seed=3))
    other.run(5)
    assert other.metrics().state_sha256 != trainers[0].metrics().state_sha256


def test_fields_of_the_network_and_tiles_become_plain_numbers() -> None:
    spec = TrainingSpec(network={"hidden": [np.int64(3), 2]}, tiles={"chopper_probability": np.float64(0.5)})
    assert repr(spec.network) == "{'hidden': [3, 2]}"
    assert repr(spec.tiles) == "{'chopper_probability': 0.5}"


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [("seed", -1, "from 0 to 4294967295"), ("seed", 2**32, "from 0"), ("tile_seed", 0, "from 1 to 65536")],
)
def test_seeds_out_of_range(field: str, value: int, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"{field} = {value}: must be {allowed}"):
        TrainingSpec(**{field: value})  # type: ignore[arg-type]


def test_checked_numbers_are_plain() -> None:
    assert repr(integral("n", np.int16(7))) == "7"
    assert [repr(check("x", value, 0, 9, whole=False)) for value in (np.float32(0.5), np.int8(2), 2, 2.0)] == [
        "0.5",
        "2",
        "2",
        "2.0",
    ]
    for value in (True, "1", 1j, None):
        with pytest.raises(TypeError, match=r"x = .*: must be a number from 0 to 9"):
            check("x", value, 0, 9, whole=False)
    assert asdict(Rates(reads=np.int64(3)))["reads"] == 3


@pytest.mark.parametrize("bits", [10, 12, 40])
def test_a_threshold_that_fits_itself_is_found_for_any_width_of_h(bits: int) -> None:
    tiles = {"threshold_shift": "auto", "hidden_bits": bits, "gain_bits": 16}
    trainer = Trainer(TrainingSpec(network={"hidden": (8,)}, tiles=tiles))
    for tile in trainer.task.tile_configs:
        assert tile.hidden_bits == bits
        assert 0 < tile.threshold_shift <= bits - 2


def test_a_stale_residual_gives_every_tile_its_memory() -> None:
    """Also the one whose configuration is given, and macros; a run without it says nothing of it."""
    plain = TrainingSpec(task=tiny.task(), config=tiny.OUTPUT)
    stale = replace(plain, residual="stale")
    assert [tile.residual_memory for tile in stale.problem().tile_configs] == [1, 1]
    assert stale.config == stale.problem().tile_configs[1] == tiny.OUTPUT.replace(residual_memory=1)
    assert stale.hardware(tiny.OUTPUT.replace(residual_memory=1)).residual_memory == 1
    before, after = Trainer(plain).settings, Trainer(stale).settings
    assert not [text for text in before if "residual" in text and text != "definition.residual"]
    assert after["residual"] == "'stale'"
    assert before.keys() <= after.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"residual": "digital"}, "residual = 'digital': must be one of analog, stale"),
        ({"residual": None}, "residual = None: must be one of analog, stale"),
        ({"algorithm": "agad"}, "residual = 'stale': must be left out with agad, whose products have no residual"),
        ({"algorithm": "analog-sgd"}, "residual = 'stale': must be left out with analog-sgd"),
        (
            {"programming": Programming()},
            r"programming = Programming\(.*\): must be left out with residual = 'stale', whose products need no R",
        ),
        ({"tiles": {"residual_memory": 0}}, "residual_memory = 0: must be 1 for products of a stale residual"),
    ],
)
def test_a_stale_residual_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Trainer(TrainingSpec(**{"task": tiny.task(), "residual": "stale", **changes}))  # type: ignore[arg-type]
