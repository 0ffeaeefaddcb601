# SPDX-License-Identifier: Apache-2.0
"""Products of analog layers as torch differentiates them, and what was done to a gradient since its backward pass.

    now = before + f * sum(parts),  f >= 0        within a few roundings of every component, or f is not found

A part of `symtrack.torch`. Source: docs/torch.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from symtrack.model.training.single_layer import Passed, representable


class Product(torch.autograd.Function):
    """s * W x, whose backward pass keeps what the next update takes.

    Errors that are not finite or too large are not refused, since scalers of losses live from them: all gradients are
    inf or nan then, and nothing is kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, layer: Any, training: bool) -> Any:
        y, ctx.passed = layer._core.forward(array_of(x), training=training)
        ctx.layer, ctx.training, ctx.like = layer, training, weight
        ctx.save_for_backward(x)
        return torch.from_numpy(y).to(x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, delta: Any) -> Any:
        (x,) = ctx.saved_tensors
        layer: Any = ctx.layer
        passed: Passed = ctx.passed
        errors, number = array_of(delta), backward_pass()
        wanted = ctx.training and ctx.needs_input_grad[1]
        keep = wanted and layer._learns()
        if keep:
            layer._settle()
        elif wanted:
            layer._drop()
        if not representable(errors):
            value = float("nan") if np.isnan(errors).any() else float("inf")
            full = (torch.full_like(like, value) for like in (x, ctx.like))
            gradient, of_weight = (
                one if need else None for one, need in zip(full, (ctx.needs_input_grad[0], wanted), strict=True)
            )
            return gradient, of_weight, None, None
        gradient = layer._core.backward(
            errors, passed, product=ctx.needs_input_grad[0], keep=keep, training=ctx.training, number=number
        )
        of_weight = (delta.t() @ x).to(ctx.like).reshape(ctx.like.shape) if wanted else None
        if keep:
            part = array_of(of_weight).copy()  # torch may add to the other in place
            layer._offered.setdefault(number, []).append(part)
        return None if gradient is None else torch.from_numpy(gradient).to(delta), of_weight, None, None


def backward_pass() -> int:
    """Number of the backward pass that this is called in, -1 outside of them."""
    return int(torch._C._current_graph_task_id())


def mark_of(gradient: Any) -> tuple[int, int]:
    """What tells a gradient of zeros from one that was set to zeros."""
    return gradient.data_ptr(), gradient._version


def factor_of(now: Any, parts: list[Any], before: Any, dtype: Any) -> float | None:
    """f >= 0 with now = before + f * sum(parts), within a few roundings of every component, or None."""
    limits = torch.finfo(dtype)
    part, size = sum(parts), sum(np.abs(one) for one in parts)

    def fits(factor: float) -> bool:
        room = 4 * len(parts) * limits.eps * (np.abs(before) + factor * size + limits.smallest_normal)
        return bool((np.abs(now - before - factor * part) <= room).all())

    with np.errstate(invalid="ignore"):  # of components that are not finite, which nothing fits
        if fits(1.0):
            return 1.0
        if (now == before).all():
            return 0.0
        largest = float(np.abs(part).max()) or 1.0
        unit = part / largest
        factor = float(((now - before) * unit).sum()) / (float((unit * unit).sum()) or 1.0) / largest
        return factor if factor >= 0.0 and fits(factor) else None


def array_of(tensor: Any) -> Any:
    return tensor.detach().to("cpu", torch.float64).contiguous().numpy()
