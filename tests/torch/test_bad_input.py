# SPDX-License-Identifier: Apache-2.0
"""What is not allowed is refused with one line that names the argument, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from symtrack.torch import AnalogConv2d, AnalogLinear, convert_to_analog, verilog


def linear(**options: Any) -> AnalogLinear:
    return AnalogLinear(6, 4, seed=1, **options)


def on_meta(make: Callable[[], Any]) -> Any:
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AnalogLinear(0, 4), "in_features = 0: must be from 1 to 65536"),
        (lambda: AnalogLinear(4, 2.5), "out_features = 2.5: must be"),  # type: ignore[arg-type]
        (lambda: AnalogLinear(4, 2, bias=1), "bias = 1: must be a bool"),  # type: ignore[arg-type]
        (lambda: linear(algorithm="sgd"), "algorithm = 'sgd': must be one of analog-sgd"),
        (lambda: linear(device=3), "device = 3: must be a preset"),
        (lambda: linear(device="none"), "'none'"),
        (lambda: linear(rates={"speed": 1}), "rates: speed = 1: must be one of learning_rate"),
        (lambda: linear(periphery="rtl"), "periphery = 'rtl': must be one of golden, native"),
        (lambda: AnalogLinear(6, 4, seed=-1), "seed = -1: must be from 0 to"),
        (lambda: linear(threads=0), "threads = 0: must be from 1 to"),
        (lambda: linear(rates=3), "^rates = 3: must be a mapping of rates by name, or Rates$"),
        (lambda: linear(tiles=3), "^tiles = 3: must be a mapping of fields of tiles by name$"),
        (lambda: linear(macro=3), r"^macro = 3: must be a pair, \(rows, columns\)$"),
        (lambda: linear(macro=(9, 9, 9)), r"^macro: \(9, 9, 9\): must be a pair of numbers$"),
        (lambda: linear(macro=()), r"^macro: \(\): must be a pair of numbers$"),
        (lambda: linear(converters=3), "^converters = 3: must be Converters$"),
        (lambda: linear(choppers=None), "^choppers = None: must be Choppers$"),
        (lambda: linear(programming=3), "^programming = 3: must be Programming$"),
        (lambda: linear(dtype=torch.int32), "^dtype = torch.int32: must be a floating-point type of torch, such as"),
        (lambda: linear(dtype="float32"), "^dtype = 'float32': must be a floating-point type of torch, such as"),
        (lambda: linear(hidden=3), "hidden = 3: must be one of algorithm, device"),
        (lambda: linear(macro=(2, 8)), "macro = 2x8: must be at least 4x6"),
        (lambda: AnalogConv2d(1, 2, 0), "kernel_size = 0: must be from 1 to"),
        (lambda: AnalogConv2d(1, 2, 3, padding="same"), "padding = 'same': must be"),  # type: ignore[arg-type]
        (lambda: linear()(torch.ones(2, 5)), r"input = \[2, 5\]: must be \[..., 6\]"),
        (lambda: linear()(torch.ones(2, 6, dtype=torch.int64)), "input = torch.int64: must be a tensor of floats"),
        (lambda: linear()([1.0] * 6), "input = list: must be a tensor of floats"),
        (lambda: linear()(torch.full((1, 6), torch.nan)), "input = nan: must be finite"),
        (lambda: linear()(torch.full((1, 6), 1e20)), r"input = 1e\+20: must be below 2\*\*22 in size"),
        (lambda: AnalogConv2d(2, 2, 3)(torch.ones(1, 3, 5, 5)), r"input = \[1, 3, 5, 5\]: must be \[..., 2, height"),
        (lambda: AnalogConv2d(2, 2, 3)(torch.ones(1, 2, 2, 5)), r"input = \[1, 2, 2, 5\]: must be at least as large"),
        (lambda: linear().write_weights(torch.ones(6, 4)), r"weight = \[6, 4\]: must be a tensor of \[4, 6\]"),
        (lambda: linear().write_weights(torch.full((4, 6), torch.inf)), r"\[0, 0\] = inf: must be finite"),
        (lambda: linear().write_weights(torch.ones(4, 6) * 1j), "^weight = torch.complex64: must be a tensor of real"),
        (lambda: linear().write_weights(torch.ones(4, 6, device="meta")), "^weight = meta: must be a tensor of real"),
        (lambda: linear().write_weights(torch.ones(4, 6), 5), "^writing = 5: must be Writing$"),  # type: ignore[arg-type]
        (lambda: convert_to_analog(nn.Linear(2, 2), writing=5), "^writing = 5: must be Writing$"),  # type: ignore[arg-type]
        (lambda: linear().to("meta"), "^device = meta: must be one whose tensors have values"),
        (lambda: on_meta(linear), "^device = meta: must be one whose tensors have values"),
        (
            lambda: convert_to_analog(nn.Sequential(nn.Linear(2, 2, device="meta"))),
            "^0: device = meta: must be one whose tensors have values$",
        ),
        (lambda: convert_to_analog(3), "model = int: must be a torch.nn.Module"),
        (lambda: convert_to_analog(nn.Tanh()), "model = Tanh: must have a Linear or Conv2d that is not excluded"),
        (
            lambda: convert_to_analog(nn.Sequential(nn.Linear(2, 2)), exclude=["head"]),
            "exclude = 'head': must be among '0'",
        ),
        (
            lambda: convert_to_analog(nn.Sequential(nn.Linear(2, 2)), exclude="0"),
            "exclude = '0': must be a list of names or patterns",
        ),
        (
            lambda: convert_to_analog(nn.Sequential(nn.Linear(2, 2)), exclude=3),  # type: ignore[arg-type]
            "exclude = 3: must be a list of names or patterns",
        ),
        (lambda: convert_to_analog(nn.Conv2d(2, 2, 3, groups=2)), ": groups = 2: must be 1, or the layer in exclude"),
        (lambda: convert_to_analog(nn.Linear(2, 2), speed=1), "speed = 1: must be one of algorithm"),
        (lambda: verilog(nn.Tanh(), Path("none")), "model = Tanh: must have an analog layer"),
    ],
)
def test_one_line_says_what_is_allowed(call: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_shared_weight_is_refused() -> None:
    model = nn.ModuleDict({"embedding": nn.Embedding(5, 3), "head": nn.Linear(3, 5, bias=False)})
    model["head"].weight = model["embedding"].weight
    with pytest.raises(ValueError, match=r"^head: weight is that of embedding, head: must be its own, or the layer in"):
        convert_to_analog(model)
