# SPDX-License-Identifier: Apache-2.0
"""Tests of ``train.py`` stopping and resuming, and of the tasks and sizes it takes."""

import json
import signal
from pathlib import Path

import pytest

from symtrack.model.tasks.task import TASKS
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import train
from tests.model.helpers import tiny
from tests.model.helpers.idx_files import write_folder


@pytest.fixture(autouse=True)
def _tiny_task(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(TASKS, "tiny", tiny.task)
    monkeypatch.chdir(tmp_path)


def run(arguments: str) -> dict:
    assert train.main([*arguments.split(), "--json", "out.json"]) == 0
    return json.loads(Path("out.json").read_text())["runs"][0]


def press_ctrl_c(monkeypatch: pytest.MonkeyPatch, at: int, times: int = 1) -> None:
    original = Trainer.run

    def pressed(trainer: Trainer, steps: int) -> None:
        before = trainer.steps
        original(trainer, steps)
        if before < at <= trainer.steps:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Trainer, "run", pressed)


def test_resumed_run_ends_like_an_uninterrupted_one() -> None:
    whole = run("--task tiny --epochs 5")
    first = run("--task tiny --epochs 2 --checkpoint run.npz")
    assert first["state_sha256"] == tiny.digest(64, reference_mean=0.0, reference_std=0.0)
    assert run("--task tiny --epochs 5 --resume run.npz") == whole
    assert run("--task tiny --epochs 2 --resume run.npz") == first
    assert run("--task tiny --epochs 4 --resume run.npz --checkpoint run.npz") not in (first, whole)
    assert run("--task tiny --epochs 5 --resume run.npz --threads 2") == whole


@pytest.mark.parametrize(
    "options",
    [
        "--task digits --train-samples 5 --test-samples 2 --architecture lenet5 --batch 2 --tile-rows 9 --epochs",
        "--task weight-programming --batch 2 --steps",
    ],
)
def test_other_runs_resume(options: str) -> None:
    whole = run(f"{options} 4")
    run(f"{options} 1 --checkpoint run.npz")
    assert run(f"{options} 4 --resume run.npz") == whole
    with pytest.raises(SystemExit):
        run(f"{options} 4 --resume run.npz --seed 2")


def test_ctrl_c_leaves_a_checkpoint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    whole = run("--task tiny --epochs 5")
    with monkeypatch.context() as patch:
        patch.setattr(train, "CHUNK", 7)
        press_ctrl_c(patch, at=40)
        capsys.readouterr()
        before = signal.getsignal(signal.SIGINT)
        assert train.main(["--task", "tiny", "--epochs", "5", "--checkpoint", "run.npz", "--json", "no.json"]) == 130
        assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr() == ("", "interrupted after 46 of 160 steps: go on with --resume run.npz\n")
    assert not Path("no.json").exists()
    assert run("--task tiny --epochs 5 --resume run.npz") == whole


def test_a_second_ctrl_c_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    press_ctrl_c(monkeypatch, at=10, times=2)
    with pytest.raises(KeyboardInterrupt):
        train.main(["--task", "tiny", "--checkpoint", "run.npz"])


def test_without_a_checkpoint_ctrl_c_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    press_ctrl_c(monkeypatch, at=10)
    with pytest.raises(KeyboardInterrupt):
        train.main(["--task", "tiny"])


@pytest.mark.parametrize(("every", "written"), [("", [32, 64, 96, 96]), (" --checkpoint-every 2", [64, 96])])
def test_checkpoints_are_written_every_n_epochs(
    monkeypatch: pytest.MonkeyPatch, every: str, written: list[int]
) -> None:
    saved: list[int] = []
    original = Trainer.save

    def save(trainer: Trainer, path: Path) -> None:
        saved.append(trainer.steps)
        original(trainer, path)

    monkeypatch.setattr(Trainer, "save", save)
    run(f"--task tiny --epochs 3 --checkpoint run.npz{every}")
    assert saved == written


def test_idx_sizes_and_limits() -> None:
    Path("data").mkdir()
    write_folder(Path("data"), compressed=True)
    command = "--task idx --data data --epochs 2"
    digests = [
        run(f"{command}{options}")["state_sha256"]
        for options in ("", " --hidden 32", " --hidden 5 3", " --hidden", " --train-samples 7", " --hidden 5 3")
    ]
    assert digests[0] == digests[1]
    assert digests[2] == digests[5]
    assert len(set(digests)) == 4
    accuracy = run(f"{command} --test-samples 1")["accuracy"]
    assert accuracy in (0.0, 1.0)


IDX = "--task idx --data"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("--checkpoint run.npz --seeds 2", ("--seeds", "2", "must be 1 with --checkpoint or --resume")),
        ("--resume run.npz --seeds 2", ("--seeds", "2", "must be 1 with --checkpoint or --resume")),
        ("--checkpoint no/run.npz", ("--checkpoint", "no/run.npz", "existing, writable folder")),
        ("--checkpoint-every 0", ("--checkpoint-every", "0", "from 1 to")),
        ("--resume no.npz", ("checkpoint = 'no.npz'", "must be a readable file")),
        ("--resume text", ("checkpoint = 'text'", "must be a whole checkpoint file")),
        ("--resume run.npz --seed 2", ("seed = 1", "must be 2, as in this run")),
        ("--resume run.npz --algorithm agad", ("algorithm = 'e-rider'", "must be 'agad'")),
        ("--resume run.npz --epochs 1", ("steps = 64", "must be at most 32, all of --epochs")),
        ("--data folder", ("--data", "'folder'", "must be left out with --task tiny")),
        ("--task idx", ("data", "must be given for the task idx")),
        (f"{IDX} no", ("data = 'no'", "must be an existing folder")),
        (f"{IDX} .", ("data = '.'", "must hold train-images-idx3-ubyte or")),
        (f"{IDX} folder --train-samples 13", ("train_samples = 13", "must be from 1 to 12")),
        ("--test-samples 33", ("test_samples = 33", "must be from 1 to 32")),
        ("--train-samples 0", ("--train-samples", "'0'", "from 1 to")),
        ("--hidden 32 65536", ("--hidden", "'65536'", "from 1 to 65535")),
        ("--hidden x", ("--hidden", "'x'", "from 1 to 65535")),
        ("--resume run.npz --batch 2", ("batch = 1", "must be 2, as in this run")),
        ("--resume run.npz --schedule 1:0.5", ("schedule.points = 0 items", "must be 1 items")),
    ],
)
def test_bad_input(arguments: str, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    Path("text").write_text("text")
    Path("folder").mkdir()
    write_folder(Path("folder"))
    assert train.main(["--task", "tiny", "--epochs", "2", "--checkpoint", "run.npz"]) == 0
    left = sorted(Path().iterdir())
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        train.main(["--task", "tiny", "--json", "out.json", *arguments.split()])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for part in parts:
        assert part in error
    assert sorted(Path().iterdir()) == left
