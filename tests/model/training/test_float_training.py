# SPDX-License-Identifier: Apache-2.0
"""Tests of whole trainings against the floating-point ones of `tests.model.references.float_training`.

The golden model runs with what it does not share with the equations switched off or made small: expected instead of
random steps of P (ideal granularity), no noise of steps and products, 16 bits for converters, gain and magnitudes.
What is left are the whole pulses of W. Bounds, with s the largest step of W over the cells:

* buffered writes: 5 s sqrt(N q). Both sides write trunc(H). The golden d is off by at most one ADC LSB (half of one for
  the code, the rest for the filter), which is e = rate * LSB / unit pulses, so in a share of at most q = 2 e of the N
  reads of a cell the two sides write numbers that differ by one, to either side; the loop only shrinks the sum.
* direct writes: 5 s sqrt(N / 4). The golden model rounds rate * d / dw_min at random to a neighbouring integer, an
  error of mean zero and variance at most 1/4 in each of the N reads of a cell; the soft bounds and the loop only
  shrink it.
* analog SGD: s. Nothing is rounded but magnitudes, by 2**-17 of full scale.

Each deliberate error of the twin, most of them one step too early or too late, leaves these bounds.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Rates
from symtrack.model.network.learning_tile import Learning, LearningTile, Physics
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Target
from symtrack.model.tile.operations import Periphery
from tests.model.references.float_training import ONE, FloatArray, FloatTile

STEPS = 1500
DW_MIN = 1e-4  # of W
DEVICE = {"dw_min_std": 0.0, "up_down_dtod": 0.05, "w_max": 0.8, "w_min": -0.8, "dw_min_dtod": 0.2}
CONVERTERS = Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0)
CHOPPERS = {ChopperMode.OFF: "off", ChopperMode.REGULAR: "regular", ChopperMode.RANDOM: "told"}


def pair(what: str, rows: int, columns: int, error: str = "", seed: int = 1) -> tuple[LearningTile, FloatTile]:
    """A golden tile and its twin under an algorithm, behind whose name ", stale" stands for that residual."""
    name, _, form = what.partition(", ")
    algorithm = ALGORITHMS[name]
    sgd = algorithm.target == Target.SLOW
    config = TileConfig(
        rows=rows,
        columns=columns,
        lanes=1,
        adc_bits=16,
        magnitude_bits=16,
        reference_fraction_bits=8,
        gain_bits=16,
        hidden_bits=40,
        threshold_shift=24,
        pulses_max=127,
        chopper_period=8,
        chopper_probability=0.1,
        residual_memory=int(form == "stale"),
    )
    own = {"gamma": 1.0} if form == "stale" else {}  # so that a wrong one shows
    rates = Rates.of(name, learning_rate=0.005 if sgd else 0.04 if algorithm.direct else 0.4, **own)
    fast_dw = DW_MIN if sgd else 1e-3
    golden = LearningTile(
        name="tile",
        config=config,
        start=0.2,
        learning=Learning(
            algorithm=algorithm,
            rates=rates,
            physics=Physics(
                fast=SoftBoundsReference(dw_min=fast_dw, reference_mean=0.2, reference_std=0.1, **DEVICE),
                slow=SoftBoundsReference(dw_min=DW_MIN, reference_mean=0.0, reference_std=0.0, **DEVICE),
                converters=CONVERTERS,
                ideal_granularity=True,
            ),
            periphery=Periphery,
            seed=seed,
            threads=1,
            stale=form == "stale",
        ),
    )
    tile = golden.tile
    twin = FloatTile(
        fast=FloatArray(tile.fast.cells, tile.fast.weights / ONE),
        slow=FloatArray(tile.slow.cells, tile.slow.weights / ONE),
        reference=algorithm.reference.name.lower(),
        chopper=CHOPPERS[algorithm.chopper],
        direct=algorithm.direct,
        warm_up=algorithm.warm_up,
        to_slow=sgd,
        filters=algorithm.filter,
        gamma=rates.gamma if algorithm.residual else 0.0,
        rate=rates.learning_rate,
        fast_rate=rates.fast_rate,
        momentum=rates.momentum,
        unit=DW_MIN * rates.granularity / columns,
        dw_min=DW_MIN,
        eta=2.0**-config.filter_shift,
        bl_max=config.bl_max,
        period=config.chopper_period,
        error=error,
        stale=form == "stale",
    )
    return golden, twin


def difference(name: str, rows: int, columns: int, error: str = "") -> tuple[float, float, float]:
    """Largest |W - W of the twin| after a training, its bound, and how far the twin's W has come (RMS)."""
    golden, twin = pair(name, rows, columns, error)
    rng = np.random.default_rng(1)
    target = rng.uniform(-0.3, 0.3, (rows, columns))
    noise = NoiseStream(1)
    start = twin.slow.weights.copy()
    for _ in range(STEPS):
        x = rng.integers(-VALUE_ONE, VALUE_ONE, columns) if columns > 1 else np.array([VALUE_ONE])
        wanted = target @ (x / VALUE_ONE) + 0.05 * rng.standard_normal(rows)
        delta = golden.tile.forward(x[None], noise)[0] - np.round(wanted * VALUE_ONE).astype(np.int64)
        before = golden.tile.periphery.chopper.copy()
        golden.learn(x[None], delta[None], noise)
        float_x = x / VALUE_ONE
        twin.update(float_x, twin.forward(float_x) - wanted)
        if not twin.to_slow:
            twin.transfer(golden.tile.periphery.chopper != before if twin.chopper == "told" else None)
    cells = golden.tile.slow.cells
    step = float(cells.step.max()) / ONE
    differing = 0.25 if twin.direct else 2 * twin.rate * golden.tile.converters.lsb / ONE / twin.unit
    bound = step if twin.to_slow else 5 * step * sqrt(STEPS / columns * differing)
    worst = float(np.abs(golden.tile.slow.weights / ONE - twin.slow.weights).max())
    return worst, bound, float(np.sqrt(((twin.slow.weights - start) ** 2).mean()))


@pytest.mark.parametrize(("rows", "columns"), [pytest.param(8, 1, marks=pytest.mark.slow), (5, 4)])
@pytest.mark.parametrize("name", [*ALGORITHMS, "rider, stale", "e-rider, stale"])
def test_training_agrees_with_the_equations(name: str, rows: int, columns: int) -> None:
    worst, bound, moved = difference(name, rows, columns)
    assert worst <= bound
    assert moved > 2 * bound  # something was learned, many times what may differ


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("rider", "new Q"),
        ("agad", "latch after the filter"),
        ("agad", "read not demodulated"),
        ("e-rider", "latch after the filter"),
        ("e-rider-b", "read not demodulated"),
        ("e-rider-a", "read not demodulated"),
        ("e-rider", "plain residual"),
        ("e-rider, stale", "plain residual"),
    ],
)
def test_an_error_of_the_twin_is_seen(name: str, error: str) -> None:
    worst, bound, _ = difference(name, 5, 4, error)
    assert worst > bound
