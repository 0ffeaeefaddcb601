# SPDX-License-Identifier: Apache-2.0
"""Tests of writing weights into W, reading them back, and drift."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.activations import EXP_BITS
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.network.writing import Drift, StartWeights, Writing, Written, drifted, effective_weights
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

RNG = np.random.default_rng(1)
WEIGHTS = RNG.normal(0, 0.4, (3, 5)), RNG.normal(0, 2.0, (2, 4))
FINE = {
    "devices": ConstantStep(dw_min=0.001, up_down_dtod=0.0, w_max_dtod=0.0, w_min_dtod=0.0),
    "reference_mean": None,
    "reference_std": None,
}


def written(writing: Writing | None = None, weights: Any = WEIGHTS, **arguments: Any) -> Trainer:
    return tiny.trainer(weights=StartWeights.of(weights, writing), **arguments)


def test_weights_come_back_with_the_error_that_is_told() -> None:
    run = written()
    assert run.written is not None
    squares = 0.0
    for layer, weights in zip(run.network.layers, WEIGHTS, strict=True):
        scale = np.abs(weights).max() / 0.6
        assert effective_weights(layer) == pytest.approx(weights, abs=0.15 * scale)
        squares += float(np.sum(((effective_weights(layer) - weights) / scale) ** 2))
    assert run.written.error == pytest.approx((squares / 23) ** 0.5, rel=1e-3)
    assert run.written.error < 0.04
    assert run.written.cells == 23


def test_pulses_and_reads_are_counted() -> None:
    run = written()
    assert run.written is not None
    assert run.written.pulses == sum(int(tile.slow.pulse_numbers.sum()) for tile in run.network.tiles) > 1000
    assert run.written.reads % 16 == 0
    assert run.written.reads >= 16 * 9
    counts = run.metrics().counts
    assert (counts["weight_pulses"], counts["weight_reads"]) == (run.written.pulses, run.written.reads)
    assert "weight_pulses" not in tiny.trainer().metrics().counts


def test_more_reads_leave_less_error() -> None:
    rough, fine = (written(Writing(reads=reads, tolerance=0.004, rounds=60), **FINE).written for reads in (1, 256))
    assert rough is not None
    assert fine is not None
    assert fine.error < 0.3 * rough.error


def test_ideal_writing_takes_nothing_and_is_exact() -> None:
    run = written(Writing(ideal=True), **FINE)
    assert run.written is not None
    assert (run.written.pulses, run.written.reads, run.written.missed) == (0, 0, 0)
    for layer, weights in zip(run.network.layers, WEIGHTS, strict=True):
        assert effective_weights(layer) == pytest.approx(weights, abs=1e-6)


def test_weights_are_part_of_what_a_run_is(tmp_path: Any) -> None:
    run = written()
    run.run(20)
    run.save(tmp_path / "run.npz")
    again = written()
    again.restore(tmp_path / "run.npz")
    assert state_sha256(again.network.state_arrays()) == state_sha256(run.network.state_arrays())
    with pytest.raises(ValueError, match="weights = StartWeights: must be absent, as in this run"):
        tiny.trainer().restore(tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"weights\.layers\[1\] = data with SHA-256 .*: must be data with"):
        written(weights=(WEIGHTS[0], WEIGHTS[1] + 1e-9)).restore(tmp_path / "run.npz")


def test_names_and_order_say_the_same() -> None:
    named = StartWeights.of({"layer1": WEIGHTS[1], "layer0": WEIGHTS[0]})
    assert all(np.array_equal(a, b) for a, b in zip(named.layers, StartWeights.of(WEIGHTS).layers, strict=True))


def test_zero_weights_leave_the_scale() -> None:
    run, plain = written(weights=[0 * one for one in WEIGHTS]), tiny.trainer()
    assert [layer.scale for layer in run.network.layers] == [layer.scale for layer in plain.network.layers]
    assert np.abs(effective_weights(run.network.layers[0])).max() < 0.2


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: written(weights=WEIGHTS[:1]), ValueError, "weights = 1 arrays: must be 2, one for every layer"),
        (
            lambda: written(weights=(WEIGHTS[0][:, :4], WEIGHTS[1])),
            ValueError,
            r"weights of layer0 = \[3, 4\]: must be \[3, 5\], the last column is the bias",
        ),
        (lambda: StartWeights.of([[[1.0, np.nan]]]), ValueError, r"weights of layer0\[0, 1\] = nan: must be finite"),
        (lambda: StartWeights.of([[1.0]]), TypeError, r"weights of layer0 = float64\[1\]: must be an array of numbers"),
        (lambda: StartWeights.of({"out": WEIGHTS[0]}), ValueError, "weights: 'out': must be one of layer0, an array"),
        (lambda: Writing(rounds=0), ValueError, "rounds = 0: must be from 1 to 10000"),
        (lambda: Drift(time=0.5), ValueError, "time = 0.5: must be from 1 to 1e.12"),
    ],
)
def test_bad_input_is_told(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_drift_is_the_power_law() -> None:
    factors = Drift(time=1000.0, nu_mean=0.05, nu_std=0.0).factors(1, 3) / (1 << EXP_BITS)
    assert factors == pytest.approx(1000.0**-0.05, abs=1e-5)
    assert (Drift(time=1.0).factors(1, 5) == 1 << EXP_BITS).all()
    spread = np.log(Drift(time=exp(4.0), nu_mean=0.1, nu_std=0.02).factors(7, 20000) / (1 << EXP_BITS)) / -4.0
    assert spread.mean() == pytest.approx(0.1, abs=1e-3)
    assert spread.std() == pytest.approx(0.02, abs=1e-3)
    never_up = Drift(time=1e12, nu_mean=0.0, nu_std=0.5).factors(3, 1000) / (1 << EXP_BITS)
    assert never_up.max() == 1
    assert log(1e12) > 16
    assert never_up.min() == pytest.approx(exp(-16), rel=0.01)


def test_arrays_drift_and_digital_words_stay() -> None:
    run = tiny.trainer()
    run.run(60)
    before = run.network.state_arrays()
    weights = [tile.slow.weights for tile in run.network.tiles]
    drifted(run.network, Drift(time=100.0, nu_mean=0.1, nu_std=0.0), 1)
    after = run.network.state_arrays()
    for tile, old in zip(run.network.tiles, weights, strict=True):
        assert tile.slow.weights == pytest.approx(old * 100.0**-0.1, abs=1e-3 * 2**30)
    changed = {name.split("_", 1)[1] for name in before if not np.array_equal(before[name], after[name])}
    assert changed <= {"fast_state", "slow_state"}


def test_parts_add_up() -> None:
    parts = [
        Written(pulses=1, reads=2, error=0.3, missed=1, cells=4),
        Written(pulses=5, reads=1, error=0.0, missed=0, cells=12),
    ]
    whole = Written.sum(parts)
    assert (whole.pulses, whole.reads, whole.missed, whole.cells) == (6, 3, 1, 16)
    assert whole.error == pytest.approx(0.15)
