# SPDX-License-Identifier: Apache-2.0
"""Tests of ``train.py``: its report, and that bad input costs one line and leaves nothing behind."""

import json
from dataclasses import asdict
from pathlib import Path

import numba
import pytest

from symtrack.model.analysis.energy import EVENTS, PARTS, EnergyTable, EventEnergies
from symtrack.model.network.algorithms import RESIDUALS, Choppers
from symtrack.model.spec.config import NAMED
from symtrack.model.spec.settings import ChopperMode, Scope
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import train
from tests.model.helpers import tiny

THREADS = numba.config.NUMBA_NUM_THREADS
KEYS = {
    "accuracy",
    "loss",
    "rms_error",
    "sp_rmse",
    "sp_rmse_pulsed",
    "state_sha256",
    "counts",
    "seed",
    "calibration_slots",
    "unprogrammed",
    "curve",
}
COUNTS = {"update_slots", "coincidences", "transfer_pulses", "reads", "reference_pulses", "cycles"}


@pytest.fixture(autouse=True)
def _tiny_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "tiny", tiny.task)


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    arguments = "--task tiny --algorithm agad --reference-mean 0.3 --reference-std 0.1 --seeds 2 --seed 4 --epochs 2"
    assert train.main([*arguments.split(), "--json", str(file)]) == 0
    content = json.loads(file.read_text())
    keys = ["task", "algorithm", "reference_mean", "reference_std", "runs", "steps", "steps_per_epoch", "warm_up_steps"]
    assert list(content) == [*keys, "devices", "settings", "versions", "symtrack_version"]
    assert (content["task"], content["algorithm"], content["reference_mean"]) == ("tiny", "agad", 0.3)
    assert [run["seed"] for run in content["runs"]] == [4, 5]
    out = capsys.readouterr().out
    for run in content["runs"]:
        assert set(run) == KEYS
        assert set(run["counts"]) == COUNTS
        assert run["state_sha256"] in out
    assert content["runs"][0]["state_sha256"] == tiny.digest(algorithm="agad", seed=4, steps=64)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_the_report_has_all_that_the_run_depends_on_and_every_evaluation(tmp_path: Path) -> None:
    command = "--task tiny --reference-mean 0.3 --reference-std 0.1 --epochs 3 --seed 4 --tile filter_shift=2"
    content = report(command, tmp_path)
    spec = TrainingSpec(task="tiny", seed=4, reference_mean=0.3, reference_std=0.1, tiles={"filter_shift": 2})
    trainer = Trainer(spec)
    curve = []
    for _ in range(3):
        trainer.run(32)
        curve.append(trainer.evaluate())
    (run,) = content["runs"]
    assert run["curve"] == [vars(point) for point in curve]
    assert [point["step"] for point in run["curve"]] == [32, 64, 96]
    assert run["state_sha256"] == trainer.metrics().state_sha256
    assert content["settings"] | {"seed": "4"} == trainer.settings
    assert "2" in {text for name, text in content["settings"].items() if name.endswith("filter_shift")}
    assert (content["steps"], content["steps_per_epoch"]) == (96, 32)
    assert content["devices"]["fast"]["reference_mean"] == 0.3
    assert content["devices"]["slow"] == {"family": "SoftBoundsReference"} | vars(trainer.physics.slow)
    often = report(f"{command} --evaluate-every 10", tmp_path)["runs"][0]
    assert [point["step"] for point in often["curve"]] == [*range(10, 91, 10), 96]
    assert often["curve"][-1] == run["curve"][-1]


def test_the_curve_of_a_resumed_run_is_whole(tmp_path: Path) -> None:
    options = f"--task tiny --checkpoint {tmp_path}/run.npz"
    report(f"{options} --epochs 1", tmp_path)
    resumed = report(f"{options} --epochs 3 --resume {tmp_path}/run.npz", tmp_path)["runs"][0]
    assert resumed == report("--task tiny --epochs 3", tmp_path)["runs"][0]


def test_a_warm_up_that_takes_the_run_is_told_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns, period = NAMED["tiny"].columns, NAMED["tiny"].chopper_period
    quiet = columns * period
    told = report("--task tiny --epochs 1 --tile chopper_period=40", tmp_path)
    line = capsys.readouterr().err
    assert told["warm_up_steps"] == 40 * columns
    assert told["runs"][0]["counts"]["transfer_pulses"] == 0
    assert line.startswith(f"nothing is learned in the first {40 * columns} of 32 steps, a warm-up of 40 sweeps")
    assert line.count("\n") == 1
    assert report("--task tiny --epochs 3", tmp_path)["warm_up_steps"] == quiet
    assert capsys.readouterr().err == ""
    assert report("--task tiny --epochs 1 --tile chopper_period=4 --reads 2", tmp_path)["warm_up_steps"] == 2 * columns
    assert report("--task tiny --epochs 1 --algorithm tt-v2 --tile chopper_period=40", tmp_path)["warm_up_steps"] == 0
    assert capsys.readouterr().err == ""


def test_a_sweep_of_adc_bits_needs_no_thresholds_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "--task tiny --algorithm tt-v2 --epochs 1 --tile adc_bits"
    with pytest.raises(SystemExit) as stopped:
        train.main(f"{command}=4".split())
    assert stopped.value.code == 2
    assert "as with threshold_shift = " in capsys.readouterr().err
    runs = [report(f"{command}={bits} threshold_shift=auto", tmp_path) for bits in range(3, 13)]
    assert len({run["runs"][0]["state_sha256"] for run in runs}) == len(runs)
    assert report(f"{command}=9 threshold_shift=auto", tmp_path) == report(f"{command}=9", tmp_path)
    with pytest.raises(SystemExit):
        train.main(f"{command}=9 threshold_shift=auto --algorithm analog-sgd".split())
    assert "threshold_shift = 'auto': must be left out with analog-sgd" in capsys.readouterr().err


def test_the_momentum_of_the_hidden_buffer_has_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "--task tiny --epochs 2 --algorithm tt-v2"
    options = ("", "--hidden-momentum 0", "--hidden-momentum 0.5")
    digests = [report(f"{command} {more}", tmp_path)["runs"][0]["state_sha256"] for more in options]
    assert digests[0] == digests[1] != digests[2]
    with pytest.raises(SystemExit):
        train.main(f"{command} --algorithm rider --hidden-momentum 0.5".split())
    assert (
        "hidden_momentum = 0.5: must be left out with rider, whose writes have no threshold" in capsys.readouterr().err
    )


def report(arguments: str, tmp_path: Path) -> dict:
    file = tmp_path / "report.json"
    assert train.main([*arguments.split(), "--json", str(file)]) == 0
    return json.loads(file.read_text())


@pytest.mark.parametrize("task", ["weight-programming", "noisy-quadratic"])
def test_regression(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = report(f"--task {task} --steps 30 --algorithm tt-v2", tmp_path)["runs"]
    assert set(run) == KEYS
    assert run["accuracy"] is None
    assert 0 < run["rms_error"] < 0.6
    assert run["counts"]["reads"] == 30
    heading = capsys.readouterr().out.splitlines()[0]
    assert "accuracy" not in heading
    assert len(report(f"--task {task} --steps 2 --seeds 2 --batch 3", tmp_path)["runs"]) == 2


def test_options_reach_the_run(tmp_path: Path) -> None:
    common = "--task digits --train-samples 6 --test-samples 3 --epochs 1 --algorithm tt-v2"
    variants = [
        "",
        "--architecture lenet5",
        "--activation relu",
        "--activation sigmoid",
        "--weight-scaling 0.2",
        "--tile-rows 20",
        "--tile-columns 40",
        "--hidden 16",
        "--batch 4",
        "--schedule 0:0.5",
        "--scale-rate 0",
        "--reads 2",
        "--transfer-every 3",
        "--learning-rate 0.12",
        "--fast-rate 0.1",
        "--granularity 150",
        "--slow-device capacitor",
    ]
    runs = {variant: report(f"{common} {variant}", tmp_path)["runs"][0] for variant in variants}
    assert len({run["state_sha256"] for run in runs.values()}) == len(variants)
    assert runs["--batch 4"]["counts"]["reads"] == 2 * 2
    assert runs["--tile-rows 20"]["counts"]["reads"] == 3 * 6
    assert runs["--transfer-every 3"]["counts"]["reads"] == 2 * 2
    same = "--activation tanh --batch 1 --schedule 1:0.1 --tile-rows 32 --hidden 32 --architecture perceptron"
    assert report(f"{common} {same}", tmp_path)["runs"][0] == runs[""]


def test_rates_not_given_are_those_of_the_algorithm(tmp_path: Path) -> None:
    own, told = (
        report(f"--task tiny --epochs 1 --algorithm rider {options}", tmp_path)["runs"]
        for options in ("", "--learning-rate 0.05")
    )
    assert own == told


@pytest.mark.parametrize(
    ("arguments", "field", "value", "allowed"),
    [
        ("--algorithm sgd", "--algorithm", "sgd", "tt-v2"),
        ("--task cifar", "--task", "cifar", "digits"),
        ("--seeds 0", "--seeds", "0", "from 1 to 1000"),
        ("--seeds two", "--seeds", "two", "an integer from 1"),
        ("--seed -1", "--seed", "-1", "from 0 to 4294967295"),
        ("--epochs 0", "--epochs", "0", "from 1 to"),
        ("--reference-mean 5", "--reference-mean", "5", "from -4 to 4"),
        ("--reference-mean nan", "--reference-mean", "nan", "from -4 to 4"),
        ("--reference-std -0.1", "--reference-std", "-0.1", "from 0 to 4"),
        ("--learning-rate x", "--learning-rate", "x", "a number from 0 to 16"),
        ("--learning-rate 9", "learning_rate", "9.0", "from 1 to 4095"),
        ("--granularity 0", "--granularity", "0", "from 1 to 1e+06"),
        ("--seed 4294967295 --seeds 2", "--seeds", "2", "at most 1 with --seed 4294967295"),
        ("--batch 0", "--batch", "0", "from 1 to 65536"),
        ("--activation gelu", "--activation", "gelu", "tanh"),
        ("--architecture vgg", "--architecture", "vgg", "lenet5"),
        ("--task digits --weight-scaling 0", "--weight-scaling", "0", "from 0.001 to 2"),
        ("--task digits --tile-rows 1025", "--tile-rows", "1025", "from 1 to 1024"),
        ("--task mnist1d --architecture lenet5", "architecture", "lenet5", "images from 8 x 8"),
        ("--schedule 1", "--schedule", "'1'", "EPOCH:FACTOR"),
        ("--schedule 1:x", "--schedule", "'1:x'", "EPOCH:FACTOR"),
        ("--schedule 2:1 1:1", "epoch", "1", "above 2"),
        ("--schedule 2:-1", "factor", "-1.0", "from 0 to 1000"),
        ("--schedule 2:0", "learning_rate", "0.0", "from 1 to 4095"),
        ("--reads 0", "--reads", "0", "from 1 to 1024"),
        ("--slow-device no", "no", "device", "must be"),
        ("--task weight-programming --epochs 2", "--epochs", "2", "left out with --task weight-programming"),
        ("--task weight-programming --hidden 2", "--hidden", "[2]", "left out with --task weight-programming"),
        ("--task noisy-quadratic --train-samples 2", "--train-samples", "2", "left out with --task noisy-quadratic"),
        ("--task digits --steps 2", "--steps", "2", "left out with --task digits"),
        ("--residual fresh", "--residual", "'fresh'", "stale"),
        ("--algorithm agad --residual stale", "residual", "'stale'", "left out with agad"),
        ("--program-references --residual stale", "programming", "Programming", "left out with residual = 'stale'"),
        ("--threads 0", "--threads", "0", f"from 1 to {THREADS}"),
        ("--threads 1024", "--threads", "1024", f"from 1 to {THREADS}"),
        ("--json no/such/folder/f.json", "--json", "no/such/folder/f.json", "existing, writable folder"),
        ("--json .", "--json", ".", "existing, writable folder"),
    ],
)
def test_bad_input(
    arguments: str,
    field: str,
    value: str,
    allowed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        train.main(["--task", "tiny", "--json", "out.json", *arguments.split()])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for part in (field, value, allowed):
        assert part in error
    assert list(tmp_path.iterdir()) == []


def test_the_form_of_the_residual_is_that_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = {}
    for form in RESIDUALS:
        content = report(f"--task tiny --epochs 2 --residual {form}", tmp_path)
        trainer = Trainer(TrainingSpec(task="tiny", residual=form))
        trainer.run(2 * trainer.steps_per_epoch)
        (run,) = content["runs"]
        assert run["state_sha256"] == trainer.metrics().state_sha256
        assert ("residual" in content["settings"]) == (form == "stale")
        runs[form] = run["state_sha256"]
    assert len(set(runs.values())) == 2
    capsys.readouterr()


def test_choppers_tiles_and_calibration_are_those_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, options = "--task tiny --epochs 2 --algorithm tt-v2", "--chopper regular --scope tile --tile filter_shift=1"
    (first,) = report(plain, tmp_path)["runs"]
    (other,) = report(f"{plain} {options}", tmp_path)["runs"]
    run = TrainingSpec(
        task="tiny",
        algorithm="tt-v2",
        tiles={"filter_shift": 1},
        choppers=Choppers(chopper=ChopperMode.REGULAR, scope=Scope.TILE),
    )
    trainer = Trainer(run)
    trainer.run(2 * trainer.steps_per_epoch)
    assert other["state_sha256"] == trainer.metrics().state_sha256 != first["state_sha256"]
    offset = f"{plain} --reference-mean 0.3"
    (off,), (calibrated,) = (report(f"{offset} --calibrate {n}", tmp_path)["runs"] for n in (0, 2000))
    assert (off["calibration_slots"], calibrated["calibration_slots"]) == (0, 2 * 2000)
    assert calibrated["sp_rmse"] < off["sp_rmse"] / 2
    capsys.readouterr()


GATED = {"clock_gating": False, "library_sha256": "ab"}


def energy_reports(folder: Path) -> list[str]:
    """A report of energies for each tile of the tiny task."""
    files = []
    for number, config in enumerate(tiny.task().tile_configs):
        events = EventEnergies.of(config, {name: dict.fromkeys(PARTS, 1.0 + number) for name in EVENTS})
        file = folder / f"energy{number}.json"
        made_with = {"table": asdict(EnergyTable()), "library": "cells", "supply_v": 1.8} | GATED
        file.write_text(json.dumps({"events": events.as_dict(), **made_with}))
        files.append(str(file))
    return files


def test_joules_of_a_run_by_the_reports_of_its_tiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    command = ["--task", "tiny", "--reference-mean", "0.3", "--reference-std", "0.1", "--epochs", "1"]
    files = energy_reports(tmp_path)
    assert train.main([*command, "--json", str(file), "--energy", *files]) == 0
    found = json.loads(file.read_text())
    (run,) = found["runs"]
    made_with = {"table": asdict(EnergyTable()), "library": "cells", "supply_v": 1.8} | GATED
    assert found["energy"] == {"files": files} | made_with
    assert set(run) == KEYS | {"joules"}
    assert run["joules"]["total"] > run["joules"]["digital"] > 0
    assert "digital" in capsys.readouterr().out


def test_a_tile_without_a_report_of_energies_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    first, *others = energy_reports(tmp_path)
    assert others
    with pytest.raises(SystemExit) as stop:
        train.main(["--task", "tiny", "--epochs", "1", "--json", str(file), "--energy", first])
    assert stop.value.code == 2
    assert "must have a report for " in capsys.readouterr().err
    assert not file.exists()


def test_a_wrong_report_of_energies_is_told_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = energy_reports(tmp_path)
    broken = json.loads(Path(files[1]).read_text())
    broken["events"]["slot"] = {}
    Path(files[1]).write_text(json.dumps(broken))
    monkeypatch.setattr(train, "train", lambda *arguments: pytest.fail("it trains"))
    with pytest.raises(SystemExit) as stop:
        train.main(["--task", "tiny", "--epochs", "1", "--energy", *files])
    assert stop.value.code == 2
    line = capsys.readouterr().err
    assert f"energy = {files[1]!r}: events: slot = {{}}: must have exactly data, clock, memory, leakage" in line
    assert line.count("\n") == 1
