# SPDX-License-Identifier: Apache-2.0
"""Tests of callbacks and of recorded arrays: who is told what and when, and that a run stays what it is."""

from __future__ import annotations

import csv
import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.network.chain import Chain
from symtrack.model.training.callbacks import (
    FIGURES,
    Callback,
    CSVLogger,
    EarlyStopping,
    Progress,
    ProgressBar,
    TensorBoardLogger,
    fit,
)
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.recording import ARRAYS, Recording, array_of, names_of
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny


def figures(trainer: Trainer) -> dict[str, Any]:
    quality = trainer.evaluate()
    return dict.fromkeys(FIGURES) | {"step": trainer.steps, "accuracy": quality.accuracy, "loss": quality.loss}


def run(*callbacks: Callback, steps: int = 10, evaluate: int = 4, trainer: Trainer | None = None, **more) -> Progress:
    progress = Progress(trainer=trainer or tiny.trainer(), total=steps)
    fit(progress, evaluate=evaluate, figures=figures, callbacks=callbacks, **more)
    return progress


class Told(Callback):
    def __init__(self) -> None:
        self.what: list[str] = []

    def on_start(self, run: Progress) -> None:
        self.what.append("start")

    def on_step(self, run: Progress) -> None:
        self.what.append(str(run.step))

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        self.what.append(f"e{evaluation['step']}")

    def on_end(self, run: Progress) -> None:
        self.what.append("end")


def test_the_order_of_calls() -> None:
    told = Told()
    progress = run(told)
    assert " ".join(told.what) == "start e0 1 2 3 4 e4 5 6 7 8 e8 9 10 e10 end"
    assert [one["step"] for one in progress.evaluations] == [0, 4, 8, 10]
    assert progress.epoch == 10 / 32


def test_the_run_is_the_same_with_and_without() -> None:
    watched, alone = tiny.trainer(), tiny.trainer()
    run(Told(), trainer=watched, recording=Recording(ARRAYS, 3))
    alone.run(10)
    assert state_sha256(watched.network.state_arrays()) == state_sha256(alone.network.state_arrays())


def test_a_callback_stops_after_its_step_and_the_rest_is_told() -> None:
    class Stopper(Callback):
        def on_step(self, run: Progress) -> None:
            if run.step == 6:
                run.stop("enough")
                run.stop("too late")

    told = Told()
    progress = run(Stopper(), told)
    assert progress.stopped == "enough"
    assert told.what[-3:] == ["6", "e6", "end"]


def test_the_end_is_told_after_an_error_too() -> None:
    class Breaker(Callback):
        def on_step(self, run: Progress) -> None:
            raise KeyboardInterrupt

    told, later = Told(), Told()
    with pytest.raises(KeyboardInterrupt):
        run(told, Breaker(), later)
    assert told.what[-1] == later.what[-1] == "end"


def test_ctrl_c_ends_it_after_a_whole_step_and_everything_is_told() -> None:
    class Pressed(Callback):
        def on_step(self, run: Progress) -> None:
            if run.step == 5:
                signal.raise_signal(signal.SIGINT)

    interrupted, told = tiny.trainer(), Told()
    progress = Progress(trainer=interrupted, total=20)
    with pytest.raises(KeyboardInterrupt):
        fit(progress, evaluate=4, figures=figures, callbacks=[Pressed(), told])
    assert told.what[-3:] == ["5", "e5", "end"]
    assert [one["step"] for one in progress.evaluations] == [0, 4, 5]
    interrupted.run(3)
    whole = tiny.trainer()
    whole.run(8)
    assert state_sha256(interrupted.network.state_arrays()) == state_sha256(whole.network.state_arrays())


def test_ctrl_c_at_any_moment_leaves_whole_steps() -> None:
    class Later(Callback):
        def __init__(self, seconds: float) -> None:
            self.timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))

        def on_step(self, run: Progress) -> None:
            if run.step == 2:
                self.timer.start()

    for seconds in (0.02, 0.05, 0.11):
        trainer, later = tiny.trainer(), Later(seconds)
        with pytest.raises(KeyboardInterrupt):
            run(later, steps=10**6, evaluate=10**6, trainer=trainer)
        later.timer.join()
        whole = tiny.trainer()
        whole.run(trainer.steps)
        assert trainer.steps > 1
        assert state_sha256(trainer.network.state_arrays()) == state_sha256(whole.network.state_arrays())


def test_what_a_callback_does_with_figures_is_its_own_matter() -> None:
    class Meddler(Callback):
        def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
            evaluation["extra"] = 1

    assert all(list(one) == list(FIGURES) for one in run(Meddler()).evaluations)


def test_all_ends_are_told_even_if_one_fails() -> None:
    class Failing(Callback):
        def on_end(self, run: Progress) -> None:
            raise RuntimeError("of my own")

    told = Told()
    with pytest.raises(RuntimeError, match="of my own"):
        run(Failing(), told)
    assert told.what[-1] == "end"


def test_csv_has_a_line_for_every_evaluation_at_any_time(tmp_path: Path) -> None:
    file, lines = tmp_path / "log.csv", []

    class Reader(Callback):
        def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
            lines.append(len(file.read_text().splitlines()))

    run(CSVLogger(file), Reader())
    assert lines == [2, 3, 4, 5]
    rows = list(csv.DictReader(file.open()))
    assert list(rows[0]) == list(FIGURES)
    assert [row["step"] for row in rows] == ["0", "4", "8", "10"]
    assert float(rows[-1]["loss"]) > 0
    with pytest.raises(ValueError, match="must be a file in a folder that can be written to"):
        CSVLogger(tmp_path / "none" / "log.csv")
    with pytest.raises(ValueError, match="must be a file in a folder that can be written to"):
        CSVLogger(tmp_path)


@pytest.mark.parametrize(("monitor", "values"), [("loss", [5, 4, 4, 4.5]), ("accuracy", [0.1, 0.5, 0.5, 0.4])])
def test_early_stopping_waits_for_its_patience(monitor: str, values: list[float]) -> None:
    one, progress = EarlyStopping(monitor, patience=2), Progress(trainer=tiny.trainer(), total=9)
    one.on_start(progress)
    for number, value in enumerate(values):
        assert progress.stopped is None, number
        one.on_evaluation(progress, {monitor: value})
    assert progress.stopped == f"{monitor} has not become better in 2 evaluations"


def test_early_stopping_ends_a_run() -> None:
    progress = run(EarlyStopping("loss", patience=1, least=100.0), steps=30)
    assert progress.step == 4
    for wrong in ({"monitor": "time"}, {"patience": 0}, {"least": -1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} = "):
            EarlyStopping(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="monitor = 'r2': must be a figure that the task tiny has"):
        run(EarlyStopping("r2"))


def test_tensorboard_gets_every_figure_or_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scalars: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            scalars.append((name, value, step))

        def flush(self) -> None:
            scalars.append(("flush", 0, 0))

    module = ModuleType("tensorboardX")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    run(TensorBoardLogger(tmp_path))
    assert [(name, step) for name, _, step in scalars[:4]] == [
        ("accuracy", 0),
        ("loss", 0),
        ("accuracy", 4),
        ("loss", 4),
    ]
    assert scalars[-1][0] == "flush"
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="TensorBoardLogger: needs a package: pip install tensorboardX"):
        TensorBoardLogger(tmp_path)


def test_a_bar_moves_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    run(ProgressBar())
    shown = capsys.readouterr().out
    assert "10/10" in shown
    assert "tiny, accuracy" in shown


def test_arrays_are_recorded_as_they_were() -> None:
    trainer, recording = tiny.trainer(), Recording({"W", "P", "Q"}, 3)
    run(trainer=trainer, recording=recording)
    assert recording.steps == [0, 3, 6, 9, 10]
    assert recording.array("layer0", "Q").shape == (5, 3, 5)
    other = tiny.trainer()
    for index, step in enumerate(recording.steps):
        other.run(step - other.steps)
        tile = other.network.layers[0].tile
        assert np.array_equal(recording.array("layer0", "W")[index], tile.slow.weights / WEIGHT_ONE)
        assert np.array_equal(recording.array("layer0", "P")[index], tile.fast.weights / WEIGHT_ONE)
        assert np.array_equal(recording.array("layer0", "Q")[index], tile.to_weight(tile.periphery.q.T) / WEIGHT_ONE)
    with pytest.raises(ValueError, match="array = 'H' of 'layer0': must be one that was recorded, W of layer0"):
        recording.array("layer0", "H")


def test_arrays_are_all_rows_by_columns_and_put_together_of_tiles() -> None:
    trainer = tiny.trainer(task=tiny.images())
    trainer.run(20)
    shapes = names_of(trainer)
    assert shapes["layer0"] == (3, 5)
    assert {name for name in shapes if name.startswith("layer0.")} == {"layer0.0.0", "layer0.1.0", "layer0.2.0"}
    for array in ARRAYS:
        for name, shape in shapes.items():
            found = array_of(trainer, name, array)
            assert (found.shape, found.dtype) == (shape, np.float64), (name, array)
        parts = [array_of(trainer, f"layer0.{row}.0", array) for row in range(3)]
        assert np.array_equal(array_of(trainer, "layer0", array), np.concatenate(parts))
    assert set(np.unique(array_of(trainer, "layer0", "c"))) <= {-1.0, 1.0}


def test_arrays_of_a_chain_are_those_of_w_and_of_the_finest_stage() -> None:
    trainer = tiny.trainer(algorithm=Chain(name="three", version=1, arrays=3))
    trainer.run(10)
    tile = trainer.network.layers[0].trained["layer0"]
    assert np.array_equal(array_of(trainer, "layer0", "W"), tile.base.slow.weights / WEIGHT_ONE)
    assert array_of(trainer, "layer0", "W").any()
    assert np.array_equal(array_of(trainer, "layer0", "P"), tile.tile.fast.weights / WEIGHT_ONE)
    assert np.array_equal(array_of(trainer, "layer0.stage1", "P"), tile.tile.slow.weights / WEIGHT_ONE)
    assert "layer0.stage1" in names_of(trainer)


def test_hidden_words_are_weights_that_wait() -> None:
    trainer = tiny.trainer()
    trainer.run(40)
    tile = trainer.network.layers[0].trained["layer0"]
    words = tile.tile.periphery.hidden.T
    threshold = 1 << tile.config.threshold_shift
    assert words.any()
    assert np.array_equal(array_of(trainer, "layer0", "H"), words / threshold * tile.dw_min)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Recording({"V"}, 1), ValueError, "record = 'V': must be one of W, P, R, Q, Qref, SP, H, c"),
        (lambda: Recording("W", 1), TypeError, "record = 'W': must be a set of names, such as"),
        (lambda: Recording({"W"}, 0), ValueError, "every = 0: must be from 1"),
        (
            lambda: array_of(tiny.trainer(), "layer9", "W"),
            ValueError,
            "layer = 'layer9': must be one of layer0, layer1",
        ),
        (
            lambda: Recording({"W"}, 1).check_size(tiny.trainer(), 10**8),
            ValueError,
            r"every = 1: 17\.\d GiB in 100000003 times 1 arrays of 23 cells: must be at most 8 GiB",
        ),
    ],
)
def test_bad_recordings_are_told(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
