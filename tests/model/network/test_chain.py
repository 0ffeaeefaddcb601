# SPDX-License-Identifier: Apache-2.0
"""Tests of chains of arrays: their sums, their time scales, their state, and RTL of every stage beside golden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtrack.cosim.compare.training import compare
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Rates
from symtrack.model.network.chain import Chain, ChainTile
from symtrack.model.network.writing import StartWeights, Writing, effective_weights, write_weights
from symtrack.model.spec.settings import ChopperMode, Reference, Target
from symtrack.model.training.history import tiles_of
from symtrack.model.training.metrics import sp_rmse, state_sha256
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny
from tests.paths import ROOT

THREE = Chain(name="three", version=1, arrays=3, slowdown=4)
COARSE = SoftBoundsReference(dw_min=0.5, reference_std=0.05)  # four states
QUIET = Converters(dac_bits=16, adc_bits=9, output_bound=12.0, output_noise=0.0)


def chained(algorithm: Chain = THREE, **arguments: Any) -> Trainer:
    rates = Rates.of(algorithm, gamma=0.5, learning_rate=0.5, granularity=20.0)
    given = {"rates": rates, "devices": COARSE, "slow_devices": COARSE, "tiles": {"threshold_shift": "auto"}}
    return tiny.trainer(algorithm=algorithm, **(given | arguments))


def tile_of(trainer: Trainer, layer: int = 0) -> ChainTile:
    tile = trainer.network.layers[layer].trained[f"layer{layer}"]
    assert isinstance(tile, ChainTile)
    return tile


def test_two_arrays_are_the_algorithm_of_the_fields() -> None:
    fields: dict[str, Any] = {"chopper": ChopperMode.REGULAR, "reference": Reference.LATCHED, "warm_up": True}
    two = chained(Chain(name="two", version=1, arrays=2, **fields))
    plain = tiny.trainer(algorithm="e-rider", **{name: getattr(two.spec, name) for name in ("rates", "tiles")},
                         devices=COARSE, slow_devices=COARSE)  # fmt: skip
    for run in (two, plain):
        run.run(60)
    assert state_sha256(two.network.state_arrays()) == state_sha256(plain.network.state_arrays())


@pytest.mark.parametrize("forward", [True, False])
def test_products_are_those_of_the_weighted_sum(forward: bool) -> None:
    run = chained(replace(THREE, arrays=4), converters=QUIET)
    run.run(80)
    tile = tile_of(run)
    arrays = [stage.slow.weights / 2**30 for stage in reversed(tile.stages)] + [tile.tile.fast.weights / 2**30]
    assert len(arrays) == 4
    assert sum(bool(array.any()) for array in arrays) >= 3
    total = sum(0.5**number * array for number, array in enumerate(arrays))
    weights = total if forward else total.T
    vector = np.random.default_rng(0).integers(-VALUE_ONE, VALUE_ONE, (6, weights.shape[1]))
    found = (tile.forward if forward else tile.backward)(vector, NoiseStream(1))
    lsb = tile.tile.converters.lsb / 2**30 * np.abs(vector).max() / VALUE_ONE
    assert found / VALUE_ONE == pytest.approx(vector / VALUE_ONE @ weights.T, abs=2.1 * lsb)
    without = sum(0.5**number * array for number, array in enumerate(arrays[:3]))
    assert tile.weights() / 2**30 == pytest.approx(without, abs=1e-6)


def test_every_stage_has_its_own_time_scale() -> None:
    run = chained(replace(THREE, arrays=4, slowdown=3))
    run.run(100)
    assert [stage.transfers for stage in tile_of(run).stages] == [100, 33, 11]
    counts = run.metrics().counts
    assert counts["reads"] == 2 * (100 + 33 + 11)


def test_stages_share_arrays_and_not_random_sources() -> None:
    tile = tile_of(chained(replace(THREE, arrays=5)))
    assert all(finer.slow is coarser.fast for finer, coarser in zip(tile.stages, tile.stages[1:], strict=False))
    assert len({stage.config.seed for stage in tile.stages}) == 4
    assert [name for name, _ in tile.arrays()] == ["fast", "slow", "stage1_slow", "stage2_slow", "stage3_slow"]
    assert tile.base.slow is tile.stages[-1].slow


def test_only_w_starts_at_random_or_from_given_weights() -> None:
    tile = tile_of(chained())
    assert not tile.tile.slow.weights.any()
    assert tile.base.slow.weights.any()
    weights = np.full((3, 5), 0.5), np.full((2, 4), 0.5)
    written = chained(weights=StartWeights.of(weights, Writing(ideal=True)), devices=None, slow_devices=None)
    found = tile_of(written).base.slow.weights / 2**30  # some bounds are below 0.6
    assert found.max() == pytest.approx(0.6, abs=1e-6)
    assert found.min() > 0.2
    assert not tile_of(written).tile.slow.weights.any()


def test_writing_into_a_chain_that_has_learned_counts_its_other_arrays() -> None:
    run = chained()
    run.run(200)
    tile = tile_of(run)
    assert tile.tile.slow.weights.any()
    weights = np.full((3, 5), 0.1), np.full((2, 4), 0.1)
    told = write_weights(run.network, StartWeights.of(weights, Writing(ideal=True)), NoiseStream(3))
    for layer, want in zip(run.network.layers, weights, strict=True):
        assert effective_weights(layer) == pytest.approx(want, abs=0.6 * layer.scale / 2**30)
    off = [(layer.weights() / 2**30 - 0.6) for layer in run.network.layers]
    assert told.error == pytest.approx(
        float(np.sqrt(np.mean(np.concatenate([one.ravel() for one in off]) ** 2))), rel=0.01
    )


def test_the_error_of_tracking_is_that_of_the_finest_stage() -> None:
    run = chained()
    run.run(50)
    finest = [layer.trained[layer.name].tile for layer in run.network.layers]
    assert run.metrics().sp_rmse == sp_rmse(finest)
    assert run.metrics().sp_rmse != sp_rmse(run.network.tiles)


def test_a_chain_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    whole, first, second = chained(), chained(), chained()
    whole.run(60)
    first.run(31)
    first.save(tmp_path / "run.npz")
    second.restore(tmp_path / "run.npz")
    second.run(29)
    assert second.metrics() == whole.metrics()
    names = set(whole.network.state_arrays())
    assert {"layer0_stage1_slow_state", "layer0_stage1_periphery_hidden"} <= names
    with pytest.raises(ValueError, match=r"definition\.slowdown = 4: must be 5"):
        chained(replace(THREE, slowdown=5)).restore(tmp_path / "run.npz")


TUNED = {  # each the best of 40 random trials at seed 11, see docs/training.md
    2: ({"gamma": 0.25, "learning_rate": 0.0568, "fast_rate": 0.0912, "granularity": 80.0}, 40, ((3, 0.2),)),
    3: ({"gamma": 0.5, "learning_rate": 0.1206, "fast_rate": 0.0810, "granularity": 80.0}, 40, ((2, 0.3), (4, 0.05))),
}


@pytest.mark.slow
def test_three_arrays_of_four_states_beat_two() -> None:
    errors: dict[int, list[float]] = {}
    for arrays, (rates, slowdown, schedule) in TUNED.items():
        algorithm = Chain(name="chain", version=1, arrays=arrays, slowdown=slowdown)
        for seed in (1, 2, 3, 4, 5):
            run = Trainer(
                TrainingSpec(
                    task="weight-programming",
                    algorithm=algorithm,
                    devices=COARSE,
                    slow_devices=COARSE,
                    rates=Rates.of(algorithm, **rates),
                    schedule=Schedule(schedule),
                    tiles={"threshold_shift": "auto"},
                    seed=seed,
                )
            )
            run.run(6000)
            error = run.evaluate().rms_error
            assert error is not None
            errors.setdefault(arrays, []).append(error)
    assert max(errors[3]) < min(errors[2]), errors
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for arrays, some in errors.items():
        told = f"| {sum(some) / len(some):.3f} | {min(some):.3f} to {max(some):.3f} |"
        assert [line for line in page.splitlines() if line.startswith(f"| {arrays} | ") and line.endswith(told)], told


def spec(**changes: Any) -> TrainingSpec:
    return TrainingSpec(
        **{
            "task": tiny.task(),
            "algorithm": THREE,
            "devices": COARSE,
            "slow_devices": COARSE,
            "rates": Rates.of(THREE, gamma=0.5, learning_rate=4.0, granularity=20.0),
            "tiles": {"threshold_shift": "auto"},
            **changes,
        }
    )


@pytest.mark.parametrize("steps", [120, pytest.param(2500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("coarse", [Reference.ZERO, Reference.FILTERED])
def test_rtl_of_every_stage_does_what_the_golden_model_does(coarse: Reference, steps: int) -> None:
    run = spec(algorithm=replace(THREE, coarse=coarse))
    report = compare(run, engine="native", steps=steps, samples=2)
    assert report["agree"], report["first_mismatch"]
    assert report["compared_cycles"] > 40 * steps
    assert set(tiles_of(Trainer(run))) == {"layer0", "layer0.stage1", "layer1", "layer1.stage1"}
    pulses = [int(stage.slow.pulse_numbers.sum()) for stage in tile_of(_trained(run, steps)).stages]
    assert all(pulses), "a stage wrote nothing"


def _trained(run: TrainingSpec, steps: int) -> Trainer:
    trainer = Trainer(run)
    trainer.run(steps)
    return trainer


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: replace(THREE, arrays=1), ValueError, "arrays = 1: must be from 2 to 8"),
        (lambda: replace(THREE, slowdown=0), ValueError, "slowdown = 0: must be from 1 to 1000000"),
        (lambda: replace(THREE, coarse=Reference.LATCHED), ValueError, "coarse = .*: must be Reference.ZERO or Ref"),
        (lambda: replace(THREE, residual=False), ValueError, "residual = False: must be True"),
        (lambda: replace(THREE, target=Target.SLOW), ValueError, "target = SLOW: must be FAST"),
        (
            lambda: chained(slow_devices=replace(COARSE, lifetime=100.0)),
            ValueError,
            r"slow_devices: lifetime = 100\.0: must be 0 with a chain",
        ),
    ],
)
def test_bad_chains_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
