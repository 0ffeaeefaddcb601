# SPDX-License-Identifier: Apache-2.0
"""Small models, data and training loops that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.tasks.task import Task, digits
from symtrack.torch import AnalogLinear, AnalogSGD

OFFSET = {"reference_mean": 0.3, "reference_std": 0.1}
FINE = {
    "algorithm": "analog-sgd",
    "converters": Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0),
    "tiles": {"adc_bits": 16},
}
Images = tuple[Any, Any, Any, Any]


def images(task: Task) -> Images:
    """Inputs and labels for training and for test."""
    floats = (torch.tensor(x / VALUE_ONE, dtype=torch.float32) for x in (task.train_x, task.test_x))
    train, test = floats
    return train, torch.tensor(task.train_y), test, torch.tensor(task.test_y)


def perceptron(hidden: int = 8, *, seed: int = 1, **options: Any) -> nn.Sequential:
    """Two analog layers for the digits, with a LayerNorm between them."""
    torch.manual_seed(seed)
    options = OFFSET | {"rates": {"reads": 10}} | options
    return nn.Sequential(
        AnalogLinear(64, hidden, **options), nn.LayerNorm(hidden), nn.Tanh(), AnalogLinear(hidden, 10, **options)
    )


def optimized(model: nn.Module) -> Any:
    """The model, with an optimiser, without which backward passes keep nothing for a step."""
    model.optimizer = AnalogSGD(model.parameters(), lr=0.1)  # type: ignore[assignment]
    return model


def train(
    model: nn.Module,
    optimizer: AnalogSGD,
    data: Images,
    *,
    steps: int,
    batch: int = 10,
    first: int = 0,
    after: Callable[[], None] = lambda: None,
) -> None:
    """Steps on the samples in a fixed order, epoch by epoch."""
    x, y, _, _ = data
    per_epoch = -(-len(x) // batch)
    model.train()
    for step in range(first, first + steps):
        epoch, place = divmod(step, per_epoch)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch))
        chosen = order[place * batch : (place + 1) * batch]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
        after()


def accuracy(model: nn.Module, data: Images, *, together: int = 100) -> float:
    """Share of right answers on the test set."""
    _, _, x, y = data
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(part).argmax(1) for part in x.split(together)])
    return float((answers == y).float().mean())


def some_digits(count: int = 200) -> Images:
    """The first digits."""
    x, y, test_x, test_y = images(digits())
    return x[:count], y[:count], test_x[:100], test_y[:100]
