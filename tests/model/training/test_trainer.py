# SPDX-License-Identifier: Apache-2.0
"""Tests of training: what it reaches, what its result depends on, and identities between algorithms."""

import os
import subprocess
import sys

import numpy as np
import pytest

from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Rates
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.config import NAMED
from symtrack.model.tasks.task import Task, digits
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.history import train
from symtrack.model.training.metrics import sp_rmse, sp_rmse_pulsed, state_sha256
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

OFFSET = {"reference_mean": 0.3, "reference_std": 0.1}


def tiles(trainer: Trainer) -> list[Crossbar]:
    return trainer.network.tiles


def test_result_depends_on_the_arguments_alone() -> None:
    expected = tiny.digest()
    assert tiny.digest() == expected
    assert tiny.digest(threads=2) == expected
    assert tiny.digest(seed=2) != expected
    assert tiny.digest(steps=46) != expected


def test_result_without_compilation_is_the_same() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-m", "tests.model.helpers.tiny"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == tiny.digest()


def test_digits_run_repeats_with_two_threads() -> None:
    task = digits()
    digests = []
    for threads in (1, 2):
        trainer = Trainer(TrainingSpec(task=task, algorithm="e-rider", **OFFSET), threads=threads)
        trainer.run(100)
        digests.append(state_sha256(trainer.network.state_arrays()))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("algorithm", ["tt-v2", "c-tt-v2"])
def test_what_does_not_use_symmetric_points_learns_the_same_without_them(algorithm: str) -> None:
    arrays = []
    for point in (1, 0):
        spec = TrainingSpec(algorithm=algorithm, tiles={"symmetric_point": point}, network={"hidden": (8,)}, **OFFSET)
        trainer = Trainer(spec)
        trainer.run(60)
        arrays.append([(tile.slow.weights.copy(), tile.fast.weights.copy()) for tile in tiles(trainer)])
        state = tiles(trainer)[0].periphery.state_arrays()
        assert ("q" in state, "qref" in state, "flipped" in state) == (bool(point),) * 3
        metrics = trainer.metrics()
        assert metrics.counts["reads"] == 120
    for with_point, without in zip(*arrays, strict=True):
        for one, other in zip(with_point, without, strict=True):
            assert one.any()
            assert np.array_equal(one, other)


class FlippedCode(Periphery):
    """A periphery that reads one bit of one ADC code wrong."""

    def transfer(self, codes, settings):
        if self.status.reads == 7:
            codes = codes ^ np.eye(1, len(codes), dtype=np.int64)[0]
        return super().transfer(codes, settings)


def test_one_flipped_bit_changes_the_digest() -> None:
    assert tiny.digest(periphery=FlippedCode) != tiny.digest()


def test_state_digest_sees_every_array_and_its_name() -> None:
    arrays = {"a": np.arange(6), "b": np.zeros(3, np.uint8)}
    digest = state_sha256(arrays)
    assert state_sha256(dict(reversed(arrays.items()))) == digest
    assert state_sha256({**arrays, "a": np.arange(6).astype(">i8")}) == digest
    for changed in ({"a": np.arange(6) ^ 1}, {"a": np.arange(6).reshape(2, 3)}, {"c": np.zeros(1)}):
        assert state_sha256({**arrays, **changed}) != digest


def test_evaluation_leaves_training_alone() -> None:
    watched, alone = tiny.trainer(), tiny.trainer()
    for _ in range(3):
        watched.run(15)
        watched.evaluate()
    alone.run(45)
    assert watched.metrics() == alone.metrics()
    assert [point.step for point in watched.curve] == [15, 30, 45]


def test_without_residual_e_rider_is_agad() -> None:
    assert tiny.digest(rates=Rates(gamma=0.0)) == tiny.digest(algorithm="agad")
    assert tiny.digest() != tiny.digest(algorithm="agad")


def test_without_flips_c_tt_v2_is_tt_v2() -> None:
    plain = tiny.task()
    calm = Task(
        **{**vars(plain), "tile_configs": tuple(layer.replace(chopper_period=100) for layer in plain.tile_configs)}
    )
    assert tiny.digest(task=calm, algorithm="c-tt-v2") == tiny.digest(task=calm, algorithm="tt-v2")
    assert tiny.digest(algorithm="c-tt-v2") != tiny.digest(algorithm="tt-v2")


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "analog-sgd"])
def test_counts(algorithm: str) -> None:
    trainer = tiny.trainer(algorithm)
    trainer.run(60)
    counts = trainer.metrics().counts
    assert counts["reads"] == 2 * 60
    assert counts["reference_pulses"] == 0
    steps = sum(int(tile.fast.pulse_numbers.sum()) for tile in tiles(trainer))
    writes = sum(int(tile.slow.pulse_numbers.sum()) for tile in tiles(trainer))
    assert (counts["coincidences"], counts["transfer_pulses"]) == (steps, writes)
    assert writes > 0
    per_step = sum(config.update_cycles(0) + config.transfer_cycles for config in trainer.task.tile_configs)
    assert counts["cycles"] == counts["update_slots"] + 60 * per_step


def test_nothing_is_written_before_the_first_flips() -> None:
    trainer = tiny.trainer()
    warm_up = NAMED["tiny"].chopper_period * NAMED["tiny"].columns
    trainer.run(warm_up)
    assert tiles(trainer)[0].slow.pulse_numbers.sum() == 0
    trainer.run(warm_up)
    assert tiles(trainer)[0].slow.pulse_numbers.sum() > 0


@pytest.mark.parametrize(("reads", "every"), [(1, 1), (2, 1), (4, 1), (1, 3), (2, 5)])
def test_the_warm_up_ends_with_the_first_transfer_that_may_write(reads: int, every: int) -> None:
    trainer = tiny.trainer(rates=Rates(reads=reads, transfer_every=every))
    last = max(tiles(trainer), key=lambda tile: tile.config.chopper_period * tile.config.columns)
    quiet = last.config.chopper_period * last.config.columns  # transfers
    trainer.run(trainer.warm_up_steps)
    assert last.transfers <= quiet
    assert last.slow.pulse_numbers.sum() == 0
    trainer.run(1)
    assert last.transfers > quiet


def test_sp_rmse_is_the_distance_of_q_from_the_symmetric_points() -> None:
    trainer = tiny.trainer()
    squares = np.concatenate([(tile.fast.symmetric_point() / 2**30).ravel() ** 2 for tile in tiles(trainer)])
    assert sp_rmse(tiles(trainer)) == pytest.approx(np.sqrt(squares.mean()), rel=1e-5)  # Q is still zero
    tile = tiles(trainer)[0]
    tile.periphery.q[2, 1] += 1000
    squares[1 * 5 + 2] = (1000 * 12 / 256 / 64 - tile.fast.symmetric_point()[1, 2] / 2**30) ** 2
    assert sp_rmse(tiles(trainer)) == pytest.approx(np.sqrt(squares.mean()), rel=1e-5)


def test_sp_rmse_of_pulsed_cells_leaves_the_others_out() -> None:
    trainer = tiny.trainer(rates=Rates(fast_rate=0.02))
    assert trainer.metrics().sp_rmse_pulsed is None
    trainer.run(8)
    errors = []
    for tile in tiles(trainer):
        tracked = tile.to_weight(tile.periphery.state_arrays()["q"].T)
        pulsed = tile.fast.pulse_numbers > 0
        assert 0 < pulsed.sum() < pulsed.size
        errors.append(((tracked - tile.fast.symmetric_point()) / 2**30)[pulsed])
    assert sp_rmse_pulsed(tiles(trainer)) == pytest.approx(np.sqrt((np.concatenate(errors) ** 2).mean()), rel=1e-5)
    assert trainer.metrics().sp_rmse_pulsed == sp_rmse_pulsed(tiles(trainer))
    assert tiny.trainer("analog-sgd").metrics().sp_rmse_pulsed is None


def test_an_epoch_of_batches_has_every_sample_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, seen = tiny.trainer(batch=5), []
    original = trainer.network.forward
    monkeypatch.setattr(trainer.network, "forward", lambda x, *noise: seen.append(x) or original(x, *noise))
    assert trainer.steps_per_epoch == 7
    trainer.run(7)
    assert [len(x) for x in seen] == [5, 5, 5, 5, 5, 5, 2]
    assert sorted(np.concatenate(seen).tolist()) == sorted(trainer.task.train_x.tolist())
    assert trainer.metrics().counts["reads"] == 2 * 7
    first = np.concatenate(seen[:7])
    seen.clear()
    trainer.run(7)
    assert sorted(np.concatenate(seen).tolist()) == sorted(first.tolist())
    assert not np.array_equal(np.concatenate(seen), first)


def test_schedule_scales_the_rate_from_its_epoch_on() -> None:
    schedule = Schedule(((1, 0.5),))
    assert tiny.digest(32, schedule=schedule) == tiny.digest(32)
    trainer = tiny.trainer(schedule=schedule)
    gains = []
    for _ in range(2):
        trainer.run(32)
        gains.append([layer.trained[layer.name].settings().gain for layer in trainer.network.layers])
        plain = [layer.trained[layer.name].settings().gain for layer in tiny.trainer().network.layers]
    assert gains[0] == plain
    assert gains[1] == [pytest.approx(gain / 2, abs=0.5) for gain in plain]
    half = tiny.digest(80, schedule=Schedule(((0, 0.5),)))
    assert half == tiny.digest(80, schedule=Schedule(((0, 0.5), (2, 0.5))))
    assert half != tiny.digest(80)


def test_factors_out_of_range_are_refused_before_the_run() -> None:
    with pytest.raises(ValueError, match=r"gain = .* from learning_rate = 0.1 \* 0.0, .*: must be from 1 to 4095"):
        tiny.trainer(schedule=Schedule(((7, 0.0),)))


def test_slow_devices_are_their_own() -> None:
    assert tiny.digest(slow_devices=SoftBoundsReference()) == tiny.digest()
    assert tiny.digest(slow_devices=SoftBoundsReference(dw_min=0.003)) != tiny.digest()
    trainer = tiny.trainer(slow_devices=SoftBoundsReference(reference_mean=0.2))
    assert trainer.physics.slow.reference_mean == 0.2
    assert trainer.physics.fast.reference_mean == 0.3


def test_rates_are_those_of_the_algorithm() -> None:
    assert tiny.trainer("rider").rates == Rates.of("rider") != Rates()


def test_more_threads_than_the_machine_has_are_refused() -> None:
    with pytest.raises(ValueError, match=f"^threads = {THREADS_MAX + 1}: must be from 1 to {THREADS_MAX}$"):
        tiny.trainer(threads=THREADS_MAX + 1)


def test_bad_batch() -> None:
    with pytest.raises(ValueError, match="batch = 0: must be from 1 to 65536"):
        tiny.trainer(batch=0)


def test_a_convolution_learns() -> None:
    task = digits(architecture="lenet5").limited(test=100)
    rates = Rates(fast_rate=0.1, reads=8)
    trainer = Trainer(TrainingSpec(task=task, algorithm="tt-v2", rates=rates, reference_mean=0.0, reference_std=0.0))
    before = trainer.evaluate().loss
    trainer.run(900)
    assert trainer.evaluate().loss < before / 2


def test_e_rider_learns_digits_under_an_offset() -> None:
    trainer = Trainer(TrainingSpec(task=digits(), algorithm="e-rider", **OFFSET))
    before = trainer.evaluate()
    start = sp_rmse(tiles(trainer))
    trainer.run(2 * trainer.steps_per_epoch)
    after = trainer.metrics()
    assert before.accuracy < 0.3
    assert after.accuracy > 0.85
    assert after.loss < before.loss / 3
    assert after.sp_rmse < start / 2


@pytest.mark.slow
def test_e_rider_reaches_96_percent_and_tt_v2_does_not() -> None:
    task = digits()
    accuracies = {}
    for algorithm in ("e-rider", "tt-v2"):
        runs = [Trainer(TrainingSpec(task=task, algorithm=algorithm, **OFFSET, seed=seed)) for seed in (1, 2, 3)]
        for run in runs:
            run.run(12 * run.steps_per_epoch)
        accuracies[algorithm] = sum(run.metrics().accuracy for run in runs) / 3
    assert accuracies["e-rider"] >= 0.96
    assert accuracies["tt-v2"] < 0.6


def test_unknown_algorithm_is_named() -> None:
    with pytest.raises(ValueError, match=r"algorithm = 'sgd': must be one of analog-sgd, tt-v1, tt-v2"):
        tiny.trainer("sgd")


def test_layers_must_fit_the_task() -> None:
    with pytest.raises(ValueError, match=r"layers\[1\] is 3x5: must be 2x4"):
        Task(**{**vars(tiny.task()), "tile_configs": (NAMED["tiny"], NAMED["tiny"])})


@pytest.mark.parametrize("seed", [8, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (14, 21))])
def test_scales_that_come_near_zero_in_the_warm_up_recover(seed: int) -> None:
    """Those of AGAD, whose warm-up trains nothing but the scales, do with these seeds."""
    trainer = Trainer(TrainingSpec(algorithm="agad", reference_mean=0.3, reference_std=0.1, seed=seed))
    trainer.run(3 * trainer.steps_per_epoch)
    assert trainer.evaluate().accuracy > 0.8


def test_sp_error_of_devices_without_symmetric_point_is_none() -> None:
    none = Trainer(TrainingSpec(task=tiny.task(), algorithm="e-rider", devices=ConstantStep(up_down=0.1)))
    none.run(4)
    assert (none.metrics().sp_rmse, none.metrics().sp_rmse_pulsed) == (None, None)
    history = train(none, 8, samples=2)
    assert history is not None
    assert {(one["sp_rmse"], one["sp_rmse_pulsed"]) for one in history["samples"]} == {(None, None)}
    assert history["sp_rms"] is None
    assert all(sum(tile["histograms"]["SP"]["counts"]) == 0 for tile in history["tiles"].values())


def test_cells_without_symmetric_point_are_left_out_of_the_error() -> None:
    device = SoftBoundsReference(stuck_fraction=0.5, reference_std=0.3)
    run = Trainer(TrainingSpec(task=tiny.task(), algorithm="e-rider", devices=device))
    squares, left_out = [], 0
    for tile in tiles(run):
        stuck = tile.fast.cells.low == tile.fast.cells.high
        left_out += int(stuck.sum())
        squares.append((tile.fast.symmetric_point() / 2**30)[~stuck] ** 2)  # Q is still zero
    assert 0 < left_out < sum(tile.fast.weights.size for tile in tiles(run))
    assert run.metrics().sp_rmse == pytest.approx(np.sqrt(np.concatenate(squares).mean()), rel=1e-5)
    at_start = run.metrics().sp_rmse
    assert train(run, 1, samples=1)["samples"][0]["sp_rmse"] == at_start
