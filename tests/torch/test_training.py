# SPDX-License-Identifier: Apache-2.0
"""What trainings reach: digits with a LayerNorm between analog layers under an offset, and a converted LeNet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from symtrack.model.tasks.task import digits, image_set
from symtrack.torch import AnalogSGD, convert_to_analog
from tests.paths import ROOT
from tests.torch.helpers import accuracy, images, perceptron, train

EPOCHS, BATCH = 15, 10
FILTERS = (16, 32)


@pytest.mark.slow
def test_digits_under_an_offset() -> None:
    """1,200 states, offset 0.3 ± 0.1, E-RIDER."""
    data = images(digits())
    model = perceptron(64)
    optimizer = AnalogSGD(model.parameters(), lr=0.1, momentum=0.9)
    steps = -(-len(data[0]) // BATCH)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5 * steps, 0.3)
    train(model, optimizer, data, steps=EPOCHS * steps, batch=BATCH, after=schedule.step)
    assert accuracy(model, data) >= 0.97


def lenet() -> nn.Sequential:
    """Two convolutions and two dense layers."""
    first, second = FILTERS
    return nn.Sequential(
        *(nn.Conv2d(1, first, 5), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 5), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * second, 128), nn.Tanh(), nn.Linear(128, 10)),
    )


@pytest.mark.slow
def test_a_converted_lenet_learns_in_an_epoch() -> None:
    """10,000 images of MNIST, 2,000 for test, 1,200 states."""
    data = images(image_set("mnist", architecture="lenet5").limited(train=10_000, test=2_000))
    data = data[0].reshape(-1, 1, 28, 28), data[1], data[2].reshape(-1, 1, 28, 28), data[3]
    torch.manual_seed(1)
    tiles = {"bl_max": 5, "chopper_period": 10, "gain_bits": 16}
    model = convert_to_analog(lenet(), seed=1, rates={"reads": 32}, tiles=tiles)
    optimizer = AnalogSGD(model.parameters(), lr=0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [750, 1000], 0.3)
    train(model, optimizer, data, steps=1250, batch=8, after=schedule.step)
    assert accuracy(model, data) >= 0.95


@pytest.mark.slow
def test_the_example_of_a_transformer_runs(tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "torch_transformer.py"
    searched = os.pathsep.join(path for path in sys.path if path)
    variables = {**os.environ, "PYTHONPATH": searched}
    command = [sys.executable, example]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tiles.json" in done.stdout
