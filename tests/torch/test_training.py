# SPDX-License-Identifier: Apache-2.0
"""What trainings reach: digits with a LayerNorm between analog layers under an offset, and a converted LeNet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from symtrack.model.tasks.task import digits, image_set
from symtrack.torch import AnalogSGD, convert_to_analog
from tests.paths import ROOT
from tests.torch.helpers import accuracy, images, perceptron, train

EPOCHS, BATCH = 15, 10
FILTERS = (16, 32)
ROUNDINGS = 0.01  # by which accuracies differ where torch's own floats are rounded otherwise


def figure(row: str) -> float:
    """The accuracy that a row of docs/torch.md states."""
    page = (ROOT / "docs" / "torch.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^\| {row}.*\| ([\d.]+) % \|$", page, re.M)
    return float(found) / 100


@pytest.mark.slow
def test_digits_under_an_offset() -> None:
    """1,200 states, offset 0.3 ± 0.1, E-RIDER."""
    data = images(digits())
    model = perceptron(64)
    optimizer = AnalogSGD(model.parameters(), lr=0.1, momentum=0.9)
    steps = -(-len(data[0]) // BATCH)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5 * steps, 0.3)
    train(model, optimizer, data, steps=EPOCHS * steps, batch=BATCH, after=schedule.step)
    reached = accuracy(model, data)
    print(f"accuracy {reached:.4f}")
    assert reached >= 0.97
    assert reached == pytest.approx(figure("digits, two analog layers"), abs=ROUNDINGS)


def lenet() -> nn.Sequential:
    """Two convolutions and two dense layers."""
    first, second = FILTERS
    return nn.Sequential(
        *(nn.Conv2d(1, first, 5), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 5), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * second, 128), nn.Tanh(), nn.Linear(128, 10)),
    )


DENSE = ("7", "9")
TILES = {"chopper_period": 20, "gain_bits": 16}
PARTS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    # A convolution has many updates in a step, so trains of 5 slots do. Wide layers read a column rarely: they take
    # more reads, and a stronger signal in P against the noise of a read. The narrow one has all of its columns read in
    # a step, and so a chopper of a longer period.
    (("0",), {"rates": {"reads": 32}, "tiles": TILES | {"bl_max": 5, "chopper_period": 200}}),
    (("3",), {"rates": {"reads": 32, "learning_rate": 0.03}, "tiles": TILES | {"bl_max": 5}}),
    (DENSE, {"rates": {"reads": 64, "learning_rate": 0.03, "fast_rate": 2.0}, "tiles": TILES}),
)
LENET_BATCH, LENET_RATE = 4, 0.01


@pytest.mark.slow
def test_a_converted_lenet_learns_in_an_epoch() -> None:
    """10,000 images of MNIST, 2,000 for test, 1,200 states."""
    data = images(image_set("mnist", architecture="lenet5").limited(train=10_000, test=2_000))
    x, test = ((part.reshape(-1, 1, 28, 28) - 0.13) / 0.5 for part in (data[0], data[2]))
    data = x, data[1], test, data[3]
    torch.manual_seed(1)
    model: nn.Module = lenet()
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    for names, options in PARTS:
        others = [
            name for name, one in model.named_modules() if type(one) in (nn.Linear, nn.Conv2d) and name not in names
        ]
        model = convert_to_analog(model, exclude=others, inplace=True, seed=1, **options)
    steps = len(x) // LENET_BATCH
    optimizer = AnalogSGD(model.parameters(), lr=LENET_RATE, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, 0.02 * LENET_RATE)
    train(model, optimizer, data, steps=steps, batch=LENET_BATCH, after=schedule.step)
    reached = accuracy(model, data)
    print(f"accuracy {reached:.4f}")
    assert reached >= 0.95
    assert reached == pytest.approx(figure("LeNet-5 converted"), abs=ROUNDINGS)


@pytest.mark.slow
def test_the_example_of_a_transformer_runs(tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "torch_transformer.py"
    searched = os.pathsep.join(path for path in sys.path if path)
    variables = {**os.environ, "PYTHONPATH": searched}
    command = [sys.executable, example]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tiles.json" in done.stdout
    *_, last = re.findall(r"([\d.]+)% of 200 right", done.stdout)
    print(f"accuracy {last} %")
    assert float(last) >= 65.0  # of 6 symbols, chance is 17 %
