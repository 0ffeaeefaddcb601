# SPDX-License-Identifier: Apache-2.0
"""Conversion of PyTorch's models to analog layers, whose weights are written by pulses; a part of `symtrack.torch`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from symtrack.arguments import check_options
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.network.writing import Writing
from symtrack.model.spec.validated import check
from symtrack.model.training.spec import SEED_MAX
from symtrack.torch_base import AnalogLayer
from symtrack.torch_layers import AnalogConv2d, AnalogLinear

_HOOKS = (  # of modules that an analog layer in their place would not have
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
_HOOKS_OF_WEIGHTS = ("_backward_hooks", "_post_accumulate_grad_hooks")
_CONVERTED = (nn.Linear, nn.Conv2d)  # and no subclass, whose owner may read its weight instead of calling it


def convert_to_analog(
    model: Any,
    *,
    exclude: Collection[str] = (),
    inplace: bool = False,
    seed: int | None = None,
    writing: Writing | None = None,
    **options: Any,
) -> Any:
    """A model with analog layers in place of its ``Linear`` and ``Conv2d``, whose weights are written into W.

    Subclasses of the two stay as they are, such as the output projection inside ``MultiheadAttention``, whose weights
    are used without a call of the layer. Biases stay digital, and what is frozen stays frozen.

    Parameters
    ----------
    model : torch.nn.Module
        The model, or one such layer.
    exclude : list of str
        Names of layers that stay digital, as of ``named_modules``, or patterns such as ``"decoder.*"``.
    inplace : bool
        The model itself is changed and not a copy of it; an error leaves it as it was.
    seed : int
        Of everything random; each layer has a seed of its own that follows from it and from the layer's name. None:
        drawn from torch's generator.
    writing : Writing
        How weights are written; None: as `WRITING`, which leaves cells room on both sides.
    options
        Those of `AnalogLayer`.

    Raises
    ------
    TypeError, ValueError
        There is nothing to convert or to exclude, a layer has groups or hooks, shares its weight or pads otherwise than
        with zeros, has weights with which outputs would vanish or saturate, or an option is not allowed.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model = {type(model).__name__}: must be a torch.nn.Module")
    check_options(writing=writing)
    if seed is None:
        seed = int(torch.randint(SEED_MAX + 1, (), dtype=torch.int64))
    seed = check("seed", seed, 0, SEED_MAX)
    if isinstance(exclude, str) or not isinstance(exclude, Collection):
        raise TypeError(f"exclude = {exclude!r}: must be a list of names or patterns")
    named = {name: module for name, module in model.named_modules() if type(module) in _CONVERTED}
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name in named):
            raise ValueError(f"exclude = {pattern!r}: must be among {', '.join(map(repr, named)) or 'none'}")
    chosen = [name for name in named if not any(fnmatchcase(name, pattern) for pattern in exclude)]
    if not chosen:
        raise ValueError(f"model = {type(model).__name__}: must have a Linear or Conv2d that is not excluded")
    for name in chosen:
        _convertible(name, named[name], model)
    if not inplace:
        model = deepcopy(model)
    named = dict(model.named_modules())
    layers = {  # all of them before the first one is put into its place
        named[name]: _analog(name, named[name], derive_key(seed, name) % (SEED_MAX + 1), writing, options)
        for name in chosen
    }
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module in layers:
            if not name:
                return layers[module]
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, layers[module])
    return model


def _convertible(name: str, module: Any, model: Any) -> None:
    if isinstance(module, nn.Conv2d):
        for field, allowed in (("groups", 1), ("padding_mode", "zeros")):
            if (value := getattr(module, field)) != allowed:
                raise ValueError(f"{name}: {field} = {value!r}: must be {allowed!r}, or the layer in exclude")
    if module.weight.is_meta:
        raise ValueError(f"{name}: device = meta: must be one whose tensors have values")
    for holder, hooks in (("", _HOOKS), ("weight.", _HOOKS_OF_WEIGHTS)):
        for hook in hooks:
            if getattr(module.weight if holder else module, hook, None):
                raise ValueError(f"{name}: {holder}{hook} = there are some: must be none, or the layer in exclude")
    sharing = [one for one, other in model.named_modules() if getattr(other, "weight", None) is module.weight]
    if len(sharing) > 1:
        raise ValueError(f"{name}: weight is that of {', '.join(sharing)}: must be its own, or the layer in exclude")


def _analog(name: str, module: Any, seed: int, writing: Writing | None, options: Mapping[str, Any]) -> AnalogLayer:
    """The analog layer in place of a digital one."""
    options = dict(options) | {"seed": seed, "dtype": module.weight.dtype}
    layer: AnalogLayer
    if isinstance(module, nn.Linear):
        layer = AnalogLinear(module.in_features, module.out_features, module.bias is not None, **options)
    else:
        padding = module.padding
        if isinstance(padding, str):  # "same", which torch works out for a kernel, or "valid"
            sides = module._reversed_padding_repeated_twice
            if sides[0] != sides[1] or sides[2] != sides[3]:
                raise ValueError(f"{name}: padding = {padding!r}: must be equal on both sides, with odd kernels")
            padding = (sides[2], sides[0])
        layer = AnalogConv2d(
            module.in_channels,
            module.out_channels,
            module.kernel_size,
            module.stride,
            padding,
            module.dilation,
            module.bias is not None,
            **options,
        )
    try:
        layer.write_weights(module.weight, writing)
    except ValueError as error:
        raise ValueError(f"{name}: {error}" if name else str(error)) from None
    layer.weight.requires_grad_(module.weight.requires_grad)
    layer.bias = module.bias
    return layer.train(module.training)
