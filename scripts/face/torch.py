# SPDX-License-Identifier: Apache-2.0
"""Analog layers for PyTorch: weights on tiles that learn by pulses, everything between them as torch has it.

    z = s * W x + b            the tile's products, with its converters, noise and residual; b is digital
    dL/dx = s * W^T dL/dz      its transposed products
    W                          learns in `AnalogSGD.step` from the pairs (x, dL/dz) of the backward passes

Needs the extra ``torch``. Source: docs/torch.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import torch
except ImportError:
    raise ImportError("torch: must be installed for symtrack.torch, with: pip install 'symtrack[torch]'") from None

from symtrack.hardware import write_tiles
from symtrack.model.training.metrics import state_sha256 as digest
from symtrack.torch_base import AnalogLayer
from symtrack.torch_conversion import convert_to_analog
from symtrack.torch_layers import AnalogConv2d, AnalogLinear
from symtrack.torch_optimizer import AnalogSGD

__all__ = ["AnalogConv2d", "AnalogLayer", "AnalogLinear", "AnalogSGD", "convert_to_analog", "state_sha256", "verilog"]


def analog_layers(model: Any) -> Iterator[tuple[str, AnalogLayer]]:
    """The analog layers of a model with their names."""
    for name, module in model.named_modules():
        if isinstance(module, AnalogLayer):
            yield name, module


def state_sha256(model: Any) -> str:
    """Digest of all that a model has learned: the arrays of its tiles, and its digital parameters and buffers.

    Equal for the golden model and for native RTL, and on every machine as far as torch's own floats are.
    """
    arrays: dict[str, Any] = {}
    views = set()
    for name, layer in analog_layers(model):
        prefix = f"{name}." if name else ""
        views.add(f"{prefix}weight")
        arrays |= {f"{prefix}{key}": array for key, array in layer._core.state_arrays().items()}
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor) and name not in views:
            words = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
            arrays[f"{name} {tensor.dtype} {list(tensor.shape)}"] = words
    return digest(arrays)


def verilog(model: Any, folder: str | Path) -> list[Path]:
    """Write the Verilog of the tiles of a model, with registers, ports and formats; returns the files.

    See `symtrack.hardware.write_tiles` for what is where. A tile has the name of its layer, and of its place in the
    grid of the layer if there are several.

    Raises
    ------
    ValueError
        The model has no analog layer.
    """
    tiles = {
        f"{name}{place}".removeprefix("."): (name, config, layer._core.spec.hardware(config))
        for name, layer in analog_layers(model)
        for place, config in layer.tile_configs.items()
    }
    if not tiles:
        raise ValueError(f"model = {type(model).__name__}: must have an analog layer")
    return write_tiles(folder, tiles)
