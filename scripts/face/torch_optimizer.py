# SPDX-License-Identifier: Apache-2.0
"""The optimiser of models with analog layers, a part of `symtrack.torch`.

learning rate of an analog layer = that of its rates * lr / lr of the start
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from numbers import Real
from typing import Any

import torch

from symtrack.model.spec.validated import shown
from symtrack.torch_base import OPTIMIZERS, layer_of


class AnalogSGD(torch.optim.SGD):
    """Pulsed updates and transfers for analog layers, and ``torch.optim.SGD`` for all other parameters.

    An analog layer makes an update for each vector of the backward passes since ``zero_grad``, and then the transfers
    that are due. Its learning rate is that of its ``rates`` times lr / lr of the start, so schedulers of torch act on
    it; momentum, weight decay and the like are for digital parameters alone. With a learning rate of 0 an analog layer
    does nothing.

    Parameters
    ----------
    params
        As of ``torch.optim.SGD``: parameters, or groups of them, among them those of analog layers.
    lr : float
        Learning rate of digital parameters, above 0 in groups with analog layers.
    options
        As of ``torch.optim.SGD``; with analog layers none of ``maximize``, ``differentiable`` and ``fused``.

    Raises
    ------
    ValueError
        A learning rate or an option is not allowed; in ``step``: a tile has no setting for one as small or as large,
        or a gradient was changed by more than a factor.

    Examples
    --------
    >>> optimizer = AnalogSGD(model.parameters(), lr=0.1)
    >>> schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)
    """

    def __init__(self, params: Any, lr: Any = 1e-3, *args: Any, **options: Any) -> None:
        _check_rate(lr)
        super().__init__(params, lr, *args, **options)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """For ``deepcopy`` and pickle."""
        super().__setstate__(state)
        OPTIMIZERS.add(self)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, whose learning rate is from now on what that of its analog layers is relative to."""
        if isinstance(param_group, dict):
            _check_rate(param_group.get("lr", self.defaults["lr"]))
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group.setdefault("start_lr", float(group["lr"]))
        try:
            _check_options(group, self.defaults)
        except ValueError:
            self.param_groups.pop()
            raise
        OPTIMIZERS.add(self)

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from the ``state_dict`` of an `AnalogSGD`.

        Raises
        ------
        ValueError
            It is of another optimiser, or of other groups.
        """
        groups = state_dict.get("param_groups") if isinstance(state_dict, Mapping) else None
        if not isinstance(groups, list) or not all(
            isinstance(one, Mapping) for one in (*groups, state_dict.get("state"))
        ):
            form = list(state_dict) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise ValueError(f"state = {form}: must be that of an AnalogSGD, with state and param_groups")
        if not all("start_lr" in group for group in groups):
            raise ValueError("state: start_lr = absent: must be there, as in states of AnalogSGD")
        super().load_state_dict(state_dict)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters; the loss of ``closure``, if there is one, is worked out first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            _check_options(group, self.defaults)
            for parameter in group["params"]:
                if (layer := layer_of(parameter)) is not None:
                    layer._guard()
                    if not layer._settle():  # all of them before the first one learns
                        raise ValueError(
                            "weight.grad = inf or nan: must be finite, as gradients at outputs must, and below 2**22 in"
                            " size; zero_grad drops it"
                        )
        hidden = []
        for group in self.param_groups:
            factor = float(group["lr"]) / group["start_lr"] if group["start_lr"] else 0.0
            for parameter in group["params"]:
                layer = layer_of(parameter)
                if layer is not None and parameter.grad is not None:
                    layer._learn(factor)
                    hidden.append((parameter, parameter.grad))
                    parameter.grad = None
        super().step()
        for parameter, gradient in hidden:
            parameter.grad = gradient
        return loss


def _check_rate(rate: Any) -> None:
    """Raise TypeError or ValueError unless it is a learning rate."""
    if isinstance(rate, torch.Tensor) and rate.numel() == 1:
        return
    if isinstance(rate, bool) or not isinstance(rate, Real):
        raise TypeError(f"lr = {shown(rate)}: must be a number from 0 on")
    if not 0 <= float(rate) < inf:
        raise ValueError(f"lr = {shown(rate)}: must be a number from 0 on")


def _check_options(group: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise ValueError if analog layers in a group of an optimiser could not follow its options."""
    if all(layer_of(one) is None for one in group["params"]):
        return
    if group["start_lr"] <= 0:
        raise ValueError(f"lr = {group['start_lr']:g}: must be above 0 with analog layers, whose rates follow it")
    # Fused is what the whole optimiser is: torch's scalers of losses leave it to divide gradients itself then.
    options = {**group, "fused": group.get("fused") or defaults.get("fused")}
    for name in ("maximize", "differentiable", "fused"):
        if options.get(name):
            raise ValueError(f"{name} = {options[name]!r}: must be False with analog layers, which descend by pulses")
