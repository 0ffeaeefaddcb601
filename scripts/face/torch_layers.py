# SPDX-License-Identifier: Apache-2.0
"""The layers that stand for those of PyTorch: fully connected, and convolutions as products with every patch.

A part of `symtrack.torch`. Source: docs/torch.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from symtrack.model.network.architecture import SIZE_MAX
from symtrack.model.spec.validated import check
from symtrack.torch_base import AnalogLayer


class AnalogLinear(AnalogLayer):
    """A fully connected layer on tiles, in place of ``torch.nn.Linear``.

    Parameters
    ----------
    in_features, out_features : int
        Columns and rows of W.
    bias : bool
        Whether there is one; it is digital.
    options
        Those of `AnalogLayer`, and ``dtype`` as of torch's layers.

    Examples
    --------
    >>> layer = AnalogLinear(64, 10, algorithm="e-rider", reference_mean=0.3, reference_std=0.1, seed=7)
    >>> layer(torch.rand(5, 64)).shape
    torch.Size([5, 10])
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, **options: Any) -> None:
        columns, rows = check("in_features", in_features, 1, SIZE_MAX), check("out_features", out_features, 1, SIZE_MAX)
        super().__init__(rows, columns, _flag("bias", bias), **_known(options))
        self.in_features, self.out_features = columns, rows

    def forward(self, input: Any) -> Any:
        """Outputs [..., out_features] for inputs [..., in_features]."""
        _floating(input)
        if not input.dim() or input.shape[-1] != self.in_features:
            raise ValueError(f"input = {list(input.shape)}: must be [..., {self.in_features}]")
        y = self._product(input.reshape(-1, self.in_features)).reshape(*input.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias.to(y)

    def extra_repr(self) -> str:
        """Sizes and more."""
        return f"in_features={self.in_features}, out_features={self.out_features}, {super().extra_repr()}"


class AnalogConv2d(AnalogLayer):
    """A convolution on tiles, in place of ``torch.nn.Conv2d`` with one group: W times every patch.

    Parameters
    ----------
    in_channels, out_channels : int
        Of the images and of the outputs.
    kernel_size, stride, padding, dilation : int or (int, int)
        As of torch; padding is with zeros, and its number.
    bias : bool
        Whether there is one; it is digital.
    options
        Those of `AnalogLayer`, and ``dtype`` as of torch's layers.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
        **options: Any,
    ) -> None:
        inputs, rows = check("in_channels", in_channels, 1, SIZE_MAX), check("out_channels", out_channels, 1, SIZE_MAX)
        kernel = _pair("kernel_size", kernel_size, 1)
        strides, paddings = _pair("stride", stride, 1), _pair("padding", padding, 0)
        dilations = _pair("dilation", dilation, 1)
        form: dict[str, Any] = {"shape": (rows, inputs, *kernel)}
        super().__init__(rows, inputs * kernel[0] * kernel[1], _flag("bias", bias), **form, **_known(options))
        self.in_channels, self.out_channels, self.kernel_size = inputs, rows, kernel
        self.stride, self.padding, self.dilation = strides, paddings, dilations

    def forward(self, input: Any) -> Any:
        """Outputs [B, out_channels, H', W'] for images [B, in_channels, H, W], or both without B."""
        _floating(input)
        if input.dim() not in (3, 4) or input.shape[-3] != self.in_channels:
            raise ValueError(f"input = {list(input.shape)}: must be [..., {self.in_channels}, height, width]")
        images = input if input.dim() == 4 else input[None]
        form = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        size = [
            (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for length, padding, dilation, kernel, stride in zip(
                images.shape[2:], self.padding, self.dilation, self.kernel_size, self.stride, strict=True
            )
        ]
        if min(size) < 1:
            raise ValueError(f"input = {list(input.shape)}: must be at least as large as the kernel")
        patches = nn.functional.unfold(images, self.kernel_size, **form).transpose(1, 2)
        y = self._product(patches.reshape(-1, patches.shape[2]))
        y = y.reshape(len(images), *size, self.out_channels).permute(0, 3, 1, 2)
        y = y if self.bias is None else y + self.bias.to(y)[:, None, None]
        return y if input.dim() == 4 else y[0]

    def extra_repr(self) -> str:
        """Sizes and more."""
        sizes = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        return f"{sizes}, padding={self.padding}, dilation={self.dilation}, {super().extra_repr()}"


def _known(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, all of which there are."""
    known = [
        name for name in inspect.signature(AnalogLayer).parameters if name not in ("rows", "columns", "bias", "shape")
    ]
    for name, value in options.items():
        if name not in known:
            raise TypeError(f"{name} = {value!r}: must be one of {', '.join(known)}")
    return options


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} = {value!r}: must be a bool")
    return value


def _pair(name: str, value: Any, low: int) -> tuple[int, int]:
    values = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    first, second = (int(check(name, one, low, SIZE_MAX)) for one in values)
    return first, second


def _floating(x: Any) -> None:
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError(f"input = {getattr(x, 'dtype', type(x).__name__)}: must be a tensor of floats")
