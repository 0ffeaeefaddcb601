# SPDX-License-Identifier: Apache-2.0
"""Tests of experiments: from floats to figures, checkpoints, RTL and Verilog; an experiment is its spec and no more."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import symtrack
from symtrack.experiment import Experiment, FitResult
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.writing import Writing
from symtrack.model.spec.settings import ChopperMode, Reference
from symtrack.model.training.callbacks import FIGURES
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

RNG = np.random.default_rng(2)
X = RNG.normal(0, 1, (120, 4))
Y = np.where(X[:, 0] + X[:, 1] > X[:, 2], "yes", "no")
DATA = symtrack.Dataset.classification(X, Y, test=40, scale="standard", name="halves")
OFFSET = {"reference_mean": 0.3, "reference_std": 0.1}
Trained = tuple[Experiment, FitResult]


def experiment(**changes: Any) -> Experiment:
    return Experiment(DATA, **({"network": [3], "seed": 7} | OFFSET | changes))


@pytest.fixture(scope="module")
def trained() -> Trained:
    """One that has learned, for tests that leave it as it is."""
    run = experiment(network=[8], rates={"learning_rate": 0.4, "fast_rate": 1.0})
    return run, run.fit(epochs=15)


def digest(run: Experiment) -> str:
    return run.trainer.metrics().state_sha256


def test_it_is_the_run_of_its_spec() -> None:
    run = experiment(rates={"learning_rate": 0.3}, batch=2, tiles={"chopper_period": 3})
    result = run.fit(epochs=2)
    plain = Trainer(run.spec)
    plain.run(2 * 40)
    assert result.metrics == plain.metrics()
    assert result.metrics.seed == 7
    assert run.spec.rates is not None
    assert run.spec.rates.learning_rate == 0.3


def test_history_has_every_figure_and_goes_on() -> None:
    run = experiment()
    first = run.fit(epochs=1, evaluate=20)
    assert first.history["step"].tolist() == [0, 20, 40, 60, 80]
    second = run.fit(steps=30)
    assert len(second.history) > len(first.history)
    assert second.history["step"].tolist() == sorted(set(second.history["step"].tolist()))
    frame = second.history.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(FIGURES)
    assert frame["step"].iloc[-1] == 110
    assert frame["accuracy"].iloc[-1] == second.accuracy
    assert np.isnan(second.history["r2"]).all()
    assert (np.diff(second.history["cycles"]) > 0).all()
    assert second.history[-1]["loss"] == second.loss
    with pytest.raises(KeyError, match="'speed': must be one of step, epoch"):
        second.history["speed"]


def test_it_learns_from_floats(trained: Trained) -> None:
    run, result = trained
    assert result.accuracy is not None
    assert result.accuracy > 0.8
    answers = run.predict(X)
    assert set(answers) == {"yes", "no"}
    assert (answers == Y).mean() > 0.8


def test_a_regression_answers_in_its_own_unit() -> None:
    y = 1000 + 50 * (X[:, 0] - X[:, 1])
    data = symtrack.Dataset.regression(X, y, test=40)
    run = Experiment(data, network=[8], rates={"learning_rate": 0.4, "fast_rate": 1.0}, **OFFSET)  # type: ignore[arg-type]
    result = run.fit(epochs=15)
    assert result.r2 is not None
    assert result.accuracy is None
    assert result.r2 > 0.6
    answers = run.predict(X)
    assert answers.mean() == pytest.approx(1000, abs=20)
    assert np.corrcoef(answers, y)[0, 1] > 0.8


def test_records_are_arrays_of_time_rows_and_columns() -> None:
    result = experiment().fit(steps=50, record={"W", "Q"}, every=10)
    assert result.recorded_steps.tolist() == [0, 10, 20, 30, 40, 50]
    assert experiment().fit(steps=4, record={"W"}, every=50).recorded_steps.tolist() == [0, 4]
    assert result.array("layer0", "Q").shape == (6, 3, 5)
    assert result.array("layer1", "W").shape == (6, 2, 4)
    assert (result.array("layer0", "Q")[0] == 0).all()


def test_a_checkpoint_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole, first, second = experiment(), experiment(), experiment()
    end = whole.fit(steps=60, evaluate=30)
    first.fit(steps=30, evaluate=30)
    first.save(tmp_path / "run.npz")
    second.load(tmp_path / "run.npz")
    again = second.fit(steps=30, evaluate=30)
    assert again.metrics.state_sha256 == end.metrics.state_sha256
    assert list(again.history) == list(end.history)
    with pytest.raises(ValueError, match="seed = 7: must be 8"):
        experiment(seed=8).load(tmp_path / "run.npz")


def test_a_checkpoint_knows_units_and_labels(tmp_path: Path) -> None:
    experiment().save(tmp_path / "run.npz")
    renamed = symtrack.Dataset.classification(X, np.char.upper(Y), test=40, scale="standard", name="halves")
    other = Experiment(renamed, network=[3], seed=7, **OFFSET)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"task\.scaling = .*: must be .*, as in this run"):
        other.load(tmp_path / "run.npz")


def test_an_interrupted_training_goes_on_to_the_same_end() -> None:
    class Pressed(symtrack.Callback):
        def on_step(self, run: Any) -> None:
            if run.step == 23:
                signal.raise_signal(signal.SIGINT)

    whole, run = experiment(), experiment()
    with pytest.raises(KeyboardInterrupt):
        run.fit(steps=60, callbacks=[Pressed()], evaluate=20)
    end = run.fit(steps=60 - 23, evaluate=20)
    assert end.history["step"].tolist() == [0, 20, 23, 40, 60]
    assert end.metrics.state_sha256 == whole.fit(steps=60).metrics.state_sha256


def test_verilog_of_a_chain_has_every_stage(tmp_path: Path) -> None:
    run = experiment(network=[], algorithm=symtrack.Chain(name="three", version=1, arrays=3))
    run.verilog(tmp_path)
    tiles = json.loads((tmp_path / "tiles.json").read_text())
    assert set(tiles) == {"layer0", "layer0.stage1"}
    assert tiles["layer0"]["module"] == tiles["layer0.stage1"]["module"]
    assert tiles["layer0"]["seeds"] != tiles["layer0.stage1"]["seeds"]


def test_rtl_agrees_and_leaves_the_experiment_alone() -> None:
    run = experiment()
    run.fit(steps=20)
    before = digest(run)
    comparison = run.compare(steps=40, samples=2)
    assert comparison.agree
    assert comparison.mismatches == 0
    assert comparison.compared_cycles > 1000
    assert digest(run) == before
    assert "<html" in comparison.page()


def test_own_algorithm_and_own_task_are_compared_too() -> None:
    own = symtrack.CustomAlgorithm(name="own", version=1, chopper=ChopperMode.REGULAR, reference=Reference.LATCHED)
    run = Experiment(tiny.task(), algorithm=own, **OFFSET)  # type: ignore[arg-type]
    comparison = run.compare(steps=30, samples=0)
    assert comparison.agree
    assert comparison.report["algorithm"] == "own"


def test_verilog_of_every_shape_once(tmp_path: Path) -> None:
    run = experiment(network={"hidden": [3, 3], "tile_columns": 3})
    files = run.verilog(tmp_path / "mine")
    tiles = json.loads((tmp_path / "mine" / "tiles.json").read_text())
    assert set(tiles) == {name for layer in run.trainer.network.layers for name in layer.trained}
    shapes = {(tile["rows"], tile["columns"]) for tile in tiles.values()}
    modules = {tile["module"] for tile in tiles.values()}
    assert len(modules) == len(shapes) < len(tiles)
    assert len({tuple(tile["seeds"]) for tile in tiles.values()}) == len(tiles)
    for module in modules:
        assert f"module {module}" in (tmp_path / "mine" / module / f"{module}.v").read_text()
    assert all(file.is_file() for file in files)
    on_macro = experiment(macro=(4, 8))
    on_macro.verilog(tmp_path / "macro")
    assert len({tile["module"] for tile in json.loads((tmp_path / "macro" / "tiles.json").read_text()).values()}) == 1


def test_weights_are_written_fine_tuned_and_read_out(trained: Trained) -> None:
    run, result = trained
    weights = run.weights()
    assert {name: array.shape for name, array in weights.items()} == run.layers == {"layer0": (8, 5), "layer1": (2, 9)}
    again = experiment(network=[8], weights=weights, writing=Writing(reads=64, tolerance=0.01))
    assert again.written is not None
    assert again.written.pulses > 1000
    quality = again.evaluate().accuracy
    assert result.accuracy is not None
    assert quality is not None
    assert quality > result.accuracy - 0.15
    tuned = again.fit(epochs=1)
    assert tuned.metrics.counts["weight_pulses"] == again.written.pulses


def test_retention_is_one_call_and_is_undone(trained: Trained) -> None:
    run, _ = trained
    before = digest(run)
    fresh = run.after_retention(1.0)
    old = run.after_retention(1e9, nu=0.3, nu_std=0.2)
    assert digest(run) == before
    assert fresh.accuracy is not None
    assert old.accuracy is not None
    assert old.accuracy < fresh.accuracy
    assert run.after_retention(1e9, nu=0.3, nu_std=0.2) == old


def test_the_same_with_another_seed() -> None:
    run = experiment()
    other = run.with_seed(8)
    assert other.spec.seed == 8
    run.fit(steps=20)
    other.fit(steps=20)
    assert digest(other) != digest(run)
    same = other.with_seed(7)
    same.fit(steps=20)
    assert digest(same) == digest(run)


def test_devices_by_name_file_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('family = "soft-bounds-reference"\ndw_min = 0.01\n')
    by_file = Experiment(DATA, device=tmp_path / "mine.toml", network=[3])
    assert by_file.trainer.physics.fast == SoftBoundsReference(dw_min=0.01)
    assert Experiment(DATA, device=str(tmp_path / "mine.toml")).spec.devices == SoftBoundsReference(dw_min=0.01)
    assert Experiment(DATA, device="ecram", slow_device="capacitor").spec.slow_devices == symtrack.PRESETS["capacitor"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Experiment(X), TypeError, "data = ndarray: must be a Dataset, the name of a task, or a task"),
        (lambda: Experiment("digit"), ValueError, "task = 'digit': must be one of digits"),
        (lambda: Experiment(tiny.task(), network=[3]), ValueError, r"network = \[3\]: must be left out for a task"),
        (lambda: experiment(device=3), TypeError, "device = 3: must be a preset, the path of a .toml file, or a dev"),
        (lambda: experiment(device="gold"), ValueError, "device = 'gold': must be one of reram-exponential"),
        (lambda: experiment(rates={"speed": 1}), ValueError, "rates: speed = 1: must be one of learning_rate"),
        (lambda: experiment(writing=Writing()), ValueError, r"writing = Writing\(.*\): must be left out without weigh"),
        (lambda: experiment(macro=5), TypeError, "macro = 5: must be a pair"),
        (lambda: experiment(macro=(5,)), ValueError, r"macro: \(5,\): must be a pair of numbers"),
        (lambda: experiment(schedule=5), TypeError, "schedule = 5: must be a list of pairs"),
        (lambda: experiment(schedule=[1]), ValueError, "schedule: 1: must be a pair of numbers"),
        (lambda: experiment(rates=[1]), TypeError, r"rates = \[1\]: must be a mapping of rates by name, or Rates"),
        (lambda: experiment(tiles=[4]), TypeError, r"tiles = \[4\]: must be a mapping of fields"),
        (lambda: experiment(converters="x"), TypeError, "converters = 'x': must be Converters"),
        (lambda: experiment(choppers=None), TypeError, "choppers = None: must be Choppers"),
        (lambda: experiment(residual=None), TypeError, "residual = None: must be one of analog, stale"),
        (lambda: experiment(residual="fresh"), ValueError, "residual = 'fresh': must be one of analog, stale"),
        (lambda: experiment(algorithm="agad", residual="stale"), ValueError, "residual = 'stale': must be left out"),
        (lambda: experiment(weights=5), TypeError, "weights = 5: must be a list or a mapping of arrays"),
        (lambda: experiment(slow_device="gold"), ValueError, "slow_device = 'gold': must be one of"),
        (lambda: Experiment("digits", network=4), TypeError, "network = 4: must be a list of the sizes of hidden"),
        (lambda: Experiment("weight-programming", network=[3]), ValueError, r"network = \[3\]: must be left out for"),
        (
            lambda: experiment().fit(steps=5, callbacks=symtrack.ProgressBar()),
            TypeError,
            "callbacks = .*: must be a li",
        ),
        (lambda: experiment().fit(steps=5, record=None), TypeError, "record = None: must be a set of names"),
        (lambda: experiment().save("."), ValueError, "file = '.': must be a file in a folder"),
        (lambda: experiment().verilog(__file__), ValueError, "folder = .*: must be a folder, and is a file"),
        (lambda: experiment(threads=0), ValueError, "threads = 0: must be from 1"),
        (lambda: experiment(tiles={"lane": 2}), ValueError, "lane"),
        (lambda: experiment().fit(), ValueError, "steps = None, epochs = None: exactly one of them must be given"),
        (lambda: experiment().fit(steps=3, epochs=3), ValueError, "steps = 3, epochs = 3: exactly one"),
        (lambda: experiment().fit(epochs=0), ValueError, "epochs = 0: must be from 1"),
        (lambda: experiment().fit(steps=5, callbacks=[print]), TypeError, "callbacks: .*: must be a Callback, such as"),
        (lambda: experiment().fit(steps=5, record={"Z"}), ValueError, "record = 'Z': must be one of W, P"),
        (lambda: experiment().fit(steps=5, every=0), ValueError, "every = 0: must be from 1"),
        (lambda: experiment().predict(X[:, :2]), ValueError, "X has samples of 2: must be of 4, as in training"),
        (lambda: Experiment("digits").predict(X), ValueError, "data = 'digits': must be a Dataset"),
        (lambda: experiment().save("none/run.npz"), ValueError, "file = 'none/run.npz': must be a file in a folder"),
        (lambda: experiment().after_retention(0.1), ValueError, "time = 0.1: must be from 1"),
        (lambda: experiment().array("layer5", "W"), ValueError, "layer = 'layer5': must be one of layer0, layer1"),
    ],
)
def test_bad_arguments_are_named_in_one_line(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as told:
        make()
    assert "\n" not in str(told.value)
