# SPDX-License-Identifier: Apache-2.0
"""Tests of a layer by itself: exponents, evaluation, kept pairs, and that it goes on from its saved state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.algorithms import Rates
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.single_layer import LayerTask, SingleLayer, tile_seed
from symtrack.model.training.spec import TrainingSpec

ROWS, COLUMNS = 4, 6


def single(seed: int = 1, **options: Any) -> SingleLayer:
    form = {"rates": Rates.of("e-rider", reads=3), "reference_mean": 0.3} | options
    return SingleLayer(TrainingSpec(task=LayerTask.of(ROWS, COLUMNS), seed=seed, tile_seed=tile_seed(seed), **form))


def step(layer: SingleLayer, number: int, scale: float = 1.0) -> None:
    draws = np.random.default_rng(number)
    y, passed = layer.forward(scale * draws.normal(size=(3, COLUMNS)), training=True)
    layer.backward(0.01 * y, passed, product=True, keep=True, training=True)
    layer.learn()
    layer.pairs.clear()


def digest(layer: SingleLayer) -> str:
    return state_sha256(layer.state_arrays())


def test_outputs_and_gradients_are_those_of_the_layer_in_the_words_of_the_network() -> None:
    layer, other = single(), single()
    x = np.linspace(-1.5, 1.25, 2 * COLUMNS).reshape(2, COLUMNS)
    y, passed = layer.forward(x, training=True)
    words = np.rint(x * VALUE_ONE).astype(np.int64)
    sums = other.layer.forward(words, other._trainer.network.noise)
    assert (y * VALUE_ONE == other.layer.scaled(sums)).all()
    assert (passed.x == words).all()
    assert layer.exponents == {"x": 0, "delta": None}
    gradient = layer.backward(y / 8, passed, product=True, keep=True, training=True)
    exponent = layer.exponents["delta"]
    delta = np.rint(y / 8 * 2.0**exponent * VALUE_ONE).astype(np.int64)
    assert VALUE_ONE <= abs(delta).max() < 2 * VALUE_ONE
    expected = other.layer.backward(delta, other._trainer.network.noise)
    assert (gradient * 2.0**exponent * VALUE_ONE == expected).all()
    other.layer.learn(words, sums, delta, other._trainer.network.noise, exponent=exponent)
    layer.learn()
    assert digest(layer) != digest(other)  # by the counters of the layer alone
    other.exponents, other.steps, other.moved = layer.exponents, 1, 2
    assert digest(layer) == digest(other)


def test_exponents_change_nothing_but_the_unit() -> None:
    """Inputs and errors times powers of two: the same pulses, and outputs and gradients times these powers."""
    rates = Rates.of("e-rider", reads=3, scale_rate=0.0)  # of the output scale in the units outside
    one, other = single(rates=rates), single(rates=rates)
    for number in range(6):
        step(one, number)
        step(other, number, 2.0**-7)
    for name in ("layer0_fast_state", "layer0_slow_state", "layer0_x_mean", "layer0_delta_mean"):
        assert (one.state_arrays()[name] == other.state_arrays()[name]).all(), name
    assert one.exponents["x"] + 7 == other.exponents["x"]


def test_running_maxima_and_pairs_move_with_the_exponents() -> None:
    layer = single()
    step(layer, 1)
    (trained,) = layer.layer.trained.values()
    before = trained.manager.x_mean * 2.0 ** -layer.exponents["x"]
    y, passed = layer.forward(np.full((1, COLUMNS), 0.3), training=True)
    layer.backward(y, passed, product=False, keep=True, training=True)
    layer.forward(np.full((1, COLUMNS), 1000.0), training=True)
    assert layer.exponents["x"] == -9
    assert trained.manager.x_mean * 2.0**9 == pytest.approx(before, rel=1e-4)
    assert layer.pairs[0].x[0, 0] * 2.0**9 / VALUE_ONE == pytest.approx(0.3, rel=1e-3)


def test_errors_are_scaled() -> None:
    layer = single()
    y, passed = layer.forward(np.ones((2, COLUMNS)), training=True)
    layer.backward(y, passed, product=False, keep=True, training=True)
    before = layer.pairs[0].delta * 2.0 ** -layer.exponents["delta"]
    layer.scale_errors(1 / 3000)
    after = layer.pairs[0].delta * 2.0 ** -layer.exponents["delta"]
    assert after == pytest.approx(before / 3000, rel=1e-4)
    layer.scale_errors(0.0)
    assert layer.pairs == []
    layer.learn()
    assert layer.steps == 0


def test_an_evaluation_changes_nothing() -> None:
    layer = single()
    step(layer, 1)
    before = digest(layer)
    first, _ = layer.forward(np.full((1, COLUMNS), 1e5), training=False)
    assert digest(layer) == before
    assert (first == single_again(layer).forward(np.full((1, COLUMNS), 1e5), training=False)[0]).all()


def test_offered_pairs_are_kept_when_they_are_taken_and_move_with_the_exponents() -> None:
    layer = single()
    x = np.full((2, COLUMNS), 0.5)
    y, passed = layer.forward(x, training=True)
    delta = np.full_like(y, 0.25)
    for number in (7, 8):
        layer.backward(delta, passed, product=False, keep=True, training=True, number=number)
    assert layer.pairs == []
    layer.forward(100 * x, training=True)
    layer.backward(100 * delta, passed, product=False, keep=False, training=True)
    layer.take(7)
    layer.take(8, 0.5)
    layer.take(9)
    assert layer.offered == {}
    assert [float(pair.delta[0, 0]) * 2.0 ** -layer.exponents["delta"] / VALUE_ONE for pair in layer.pairs] == [
        pytest.approx(0.25, rel=1e-3),
        pytest.approx(0.125, rel=1e-3),
    ]
    assert float(layer.pairs[0].x[0, 0]) * 2.0 ** -layer.exponents["x"] / VALUE_ONE == pytest.approx(0.5, rel=1e-3)
    layer.backward(delta, passed, product=False, keep=True, training=True, number=9)
    layer.drop()
    assert layer.pairs == []
    assert layer.offered == {}


def single_again(layer: SingleLayer) -> SingleLayer:
    other = single()
    other.load(layer.save())
    return other


def test_it_goes_on_from_its_state() -> None:
    layer = single()
    for number in range(3):
        step(layer, number)
    other = single_again(layer)
    assert digest(other) == digest(layer)
    for one in (layer, other):
        step(one, 3)
    assert digest(other) == digest(layer)
    step(other, 4)
    assert digest(other) != digest(layer)


def test_the_seed_is_no_setting_and_all_else_is() -> None:
    layer = single()
    saved = single(seed=2).save()
    layer.check(saved)
    assert layer.with_seed(2) == single(seed=2).spec
    with pytest.raises(ValueError, match=r"^state: rates.reads = 5: must be 3, as in this layer$"):
        layer.check(single(rates=Rates.of("e-rider", reads=5)).save())


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "nan: must be finite"), (1e10, r"1e\+10: must be below 2\*\*22")]
)
def test_what_has_no_word_is_refused(value: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^input = {message}"):
        single().forward(np.full((1, COLUMNS), value), training=True)


def test_its_task_has_no_samples() -> None:
    layer, task = single(), LayerTask.of(ROWS, COLUMNS)
    network, words = layer._trainer.network, np.zeros((1, ROWS), np.int64)
    tries = (
        lambda: task.draw(1, 0, 1),
        lambda: task.errors(words, words),
        lambda: task.evaluate(network, network.noise, 0),
    )
    for attempt in tries:
        with pytest.raises(TypeError, match="task = LayerTask: must be a task with samples"):
            attempt()
