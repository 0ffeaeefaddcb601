# SPDX-License-Identifier: Apache-2.0
"""Analog layers for PyTorch: products on tiles, and the pairs of inputs and errors that their weights learn from.

    z = s * W x + b            the tile's products, with its converters, noise and residual; b is digital
    dL/dx = s * W^T dL/dz      its transposed products
    pairs (x, dL/dz)           of a backward pass are kept once its gradient has come to ``weight.grad``

A part of `symtrack.torch`. Source: docs/torch.md.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from symtrack.arguments import check_options, device_of, rates_of
from symtrack.hardware import choice
from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.network.algorithms import Choppers, CustomAlgorithm, Rates
from symtrack.model.network.architecture import TILE_COLUMNS, TILE_ROWS, WEIGHT_SCALING
from symtrack.model.network.learning_tile import Programming, stage_name
from symtrack.model.network.macro import Macro
from symtrack.model.network.writing import Writing, Written
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import check
from symtrack.model.tile.interface import PeripheryFactory
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.metrics import counts
from symtrack.model.training.single_layer import LayerTask, SingleLayer, tile_seed
from symtrack.model.training.spec import SEED_MAX, TrainingSpec
from symtrack.torch_gradients import Product, array_of, backward_pass, factor_of, mark_of

WRITING = Writing(fill=WEIGHT_SCALING)  # the largest weight of a layer is as large as random ones start
PERIPHERIES = ("golden", "native")


def _periphery(name: str) -> PeripheryFactory:
    if name == "golden":
        return Periphery
    from symtrack.cosim.engine.native.engine import native_periphery  # builds simulators, which golden needs none of

    return native_periphery


class _Weight(nn.Parameter):
    """A view of s * W. That it overrides functions, all of which it leaves as they are, keeps torch's fused kernels
    from computing with it in place of the layer."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """For pickle: a weight again, which a layer and its optimiser then share as they do here."""
        return _Weight, (self.detach(), self.requires_grad)


class AnalogLayer(nn.Module):
    """What `AnalogLinear` and `AnalogConv2d` have in common: a matrix on tiles, and a digital bias.

    Parameters
    ----------
    algorithm : str or CustomAlgorithm
        A name in `model.network.algorithms.ALGORITHMS`, or one of one's own.
    device, slow_device : str, Path or Pulsed
        Devices of P, and of W if they are others: a preset, a TOML file, or parameters; None: soft bounds with
        reference. It is not torch's ``device``: tiles are on the CPU, and outputs go to where inputs come from.
    reference_mean, reference_std : float
        Offset of the symmetric points of P and its spread, weights; None for the devices' own.
    rates : mapping or Rates
        Hyperparameters, or those that differ from the algorithm's own. ``reads`` and ``transfer_every`` count steps of
        the optimiser, so that larger batches want more ``reads``.
    tiles : mapping
        Fields of the configurations of all tiles, such as ``{"lanes": 4}``.
    tile_rows, tile_columns : int
        Of the largest tile; a larger matrix is on a grid of them.
    macro : (rows, columns)
        Of one macro that all tiles are on; None: each tile has a periphery of its own size.
    converters : Converters
        Those of the products.
    choppers : Choppers
        In place of those of the algorithm.
    calibration : int
        Pulses of zero-shifting to every cell of P before the first step.
    programming : Programming
        How R is programmed; None for an ideal copy.
    residual : str
        Of an algorithm that has one: ``"analog"``, products of P and R, or ``"stale"``, digital products of what each
        column's last read has left in the tile, which saves both.
    weight_scaling : float
        omega: W starts uniform from -omega to omega, and s = 1 / (omega * sqrt(columns)), so that s * W starts as
        torch's layers do.
    scale : float
        s, fixed; None: s is learned with ``rates["scale_rate"]``.
    periphery : str
        ``golden``, the golden model, or ``native``, the RTL of every tile as a library in this process.
    seed : int
        Of everything random; None: drawn from torch's generator, so that ``torch.manual_seed`` decides.
    threads : int
        Of updates and products; no result depends on it.

    Attributes
    ----------
    weight : Parameter
        s * W as it is now, for those who look: it changes with steps of `AnalogSGD`, and nobody else may change it.
        ``weight.grad`` is the gradient that torch would have; a factor that it is given is given to the errors.
    bias : Parameter or None
        b, digital, as of torch's layers.
    written : Written or None
        What it took to write W: pulses, reads, and the error that is left; None where it started at random.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it must be; the message names it, its value and what is allowed.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        bias: bool,
        *,
        shape: tuple[int, ...] | None = None,
        algorithm: str | CustomAlgorithm = "e-rider",
        device: str | Path | Pulsed | None = None,
        slow_device: str | Path | Pulsed | None = None,
        reference_mean: float | None = None,
        reference_std: float | None = None,
        rates: Mapping[str, float] | Rates | None = None,
        tiles: Mapping[str, Any] | None = None,
        tile_rows: int = TILE_ROWS,
        tile_columns: int = TILE_COLUMNS,
        macro: tuple[int, int] | None = None,
        converters: Converters | None = None,
        choppers: Choppers = Choppers(),  # noqa: B008, it is frozen
        calibration: int = 0,
        programming: Programming | None = None,
        residual: str = "analog",
        weight_scaling: float = WEIGHT_SCALING,
        scale: float | None = None,
        periphery: str = "golden",
        seed: int | None = None,
        threads: int = 1,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        choice("periphery", periphery, PERIPHERIES)
        check_options(
            rates=rates,
            tiles=tiles,
            macro=macro,
            converters=converters,
            choppers=choppers,
            programming=programming,
            residual=residual,
        )
        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise TypeError(f"dtype = {dtype!r}: must be a floating-point type of torch, such as torch.float32")
        _check_place(torch.empty(0))
        if seed is None:
            seed = int(torch.randint(SEED_MAX + 1, (), dtype=torch.int64))
        seed = check("seed", seed, 0, SEED_MAX)
        spec = TrainingSpec(
            task=LayerTask.of(
                rows,
                columns,
                weight_scaling=weight_scaling,
                scale=scale,
                tile_rows=tile_rows,
                tile_columns=tile_columns,
            ),
            algorithm=algorithm,
            devices=device_of("device", device),
            slow_devices=device_of("slow_device", slow_device),
            reference_mean=reference_mean,
            reference_std=reference_std,
            rates=rates_of(algorithm, rates),
            tiles=tiles or {},
            tile_seed=tile_seed(seed),
            macro=None if macro is None else Macro(*macro),
            converters=converters,
            choppers=choppers,
            calibration=calibration,
            programming=programming,
            residual=residual,
            seed=seed,
        )
        self._made = periphery, threads
        self._core = self._new_core(spec)
        self.weight = _Weight(torch.empty(shape or (rows, columns), dtype=dtype or torch.get_default_dtype()))
        bound = columns**-0.5
        self.bias = nn.Parameter(self.weight.new_empty(rows).uniform_(-bound, bound)) if bias else None
        self._tie()

    def reset_parameters(self) -> None:
        """Start anew as a layer that is made now: other tiles, with a seed from torch's generator, and another bias."""
        seed = int(torch.randint(SEED_MAX + 1, (), dtype=torch.int64))
        self._renew(self._new_core(self._core.with_seed(seed)))
        if self.bias is not None:
            bound = self._core.shape[1] ** -0.5
            nn.init.uniform_(self.bias, -bound, bound)

    def _new_core(self, spec: TrainingSpec) -> SingleLayer:
        periphery, threads = self._made
        return SingleLayer(spec, periphery=_periphery(periphery), threads=threads)

    def _tie(self) -> None:
        """Make the parameter that of this layer, which optimisers find by it and backward passes tell of gradients."""
        here = weakref.ref(self)
        _LAYERS[id(self.weight)] = self
        self._view = [self.weight]  # in a list, where torch does not look for parameters
        self._drop()

        def accumulated(weight: Any) -> None:
            if (layer := here()) is not None:
                layer._take(weight.grad)

        self.weight.register_post_accumulate_grad_hook(accumulated)
        self._refresh()

    def _refresh(self) -> None:
        """Show W in the parameter."""
        self.weight.data.copy_(torch.from_numpy(self._core.weights()).reshape(self.weight.shape))
        self._shown = self.weight.detach().clone()

    def _guard(self) -> None:
        """Raise RuntimeError if the parameter is another one, or has other values than those that it was given."""
        if self.weight is not self._view[0] or not torch.equal(self.weight.detach(), self._shown):
            raise RuntimeError(
                "weight: must be changed by symtrack.torch.AnalogSGD or write_weights only, it is a view of the tiles"
            )

    @property
    def written(self) -> Written | None:
        """What it took to write W; None where it started at random."""
        return self._core.written

    @property
    def tile_configs(self) -> dict[str, TileConfig]:
        """Configurations by place: ``""`` for one tile, else ``.row.column``; stages of chains have a number, too."""
        layer = self._core.layer
        return {
            stage_name(name, number).removeprefix(layer.name): stage.config
            for name, one in layer.trained.items()
            for number, stage in enumerate(one.stages)
        }

    def counts(self) -> dict[str, int]:
        """What hardware pays for, so far: update slots, coincidences, pulses, reads and cycles of all tiles."""
        return counts(self._core.layer.tiles)

    def write_weights(self, weight: Any, writing: Writing | None = None) -> Written:
        """Write a tensor of the shape of ``weight`` into W by pulses, as far as devices can take it, with s to fit.

        writing: how; None as `WRITING`.

        Raises
        ------
        TypeError, ValueError
            It is no tensor of that shape, not real or not finite, or outputs would vanish or saturate.
        """
        shape = self._view[0].shape
        if not isinstance(weight, torch.Tensor) or weight.shape != shape:
            form = list(weight.shape) if isinstance(weight, torch.Tensor) else type(weight).__name__
            raise ValueError(f"weight = {form}: must be a tensor of {list(shape)}")
        if weight.is_complex() or weight.is_meta:
            kind = weight.dtype if weight.is_complex() else "meta"
            raise ValueError(f"weight = {kind}: must be a tensor of real numbers that has values")
        check_options(writing=writing)
        array = weight.detach().to("cpu", torch.float64).reshape(self._core.shape).numpy()
        written = self._core.write(array, writing or WRITING)
        self._parameters["weight"] = self._view[0]
        self._refresh()
        return written

    @torch._disable_dynamo  # torch.compiler.disable takes seconds to import
    def _product(self, x: Any) -> Any:
        """s * W x for vectors x [n, C]."""
        self._guard()
        if backward_pass() < 0:  # what autograd.grad has left, which went to no weight.grad
            self._core.offered.clear()
            self._offered.clear()
        return Product.apply(x, self.weight, self, self.training and torch.is_grad_enabled())

    def _drop(self) -> None:
        """Forget all pairs."""
        self._core.drop()
        self._offered: dict[int, list[Any]] = {}  # by backward pass, the gradients that its pairs are
        self._kept: tuple[Any, Any] | None = None  # the gradient that the kept pairs are, and which tensor had it

    def _take(self, gradient: Any) -> None:
        """After a backward pass has come to ``weight.grad``: keep its pairs, times what hooks did to its gradient.

        Raises
        ------
        ValueError
            What was added is no multiple, of 0 or more, of the gradient of the pairs.
        """
        number = backward_pass()
        parts = self._offered.pop(number, None)
        if parts is None:  # in evaluation, or what else there is has no part in products
            return
        before = 0.0 if self._kept is None else self._kept[0]
        now = array_of(gradient).copy()
        if not np.isfinite(now).all():  # and so it stays until it is dropped, with all pairs
            self._core.drop()
            self._kept = None
            return
        factor = factor_of(now, parts, before, gradient.dtype)
        if factor is None:
            raise ValueError(
                "weight.grad: must be what products of the layer add, times one number from 0 on; hooks, or another use"
                " of weight, have added something else"
            )
        self._core.take(number, factor)
        self._kept = now, mark_of(gradient)

    def _learns(self) -> bool:
        """Whether an optimiser has the weight; pairs are kept for those alone."""
        groups = [group for optimizer in list(OPTIMIZERS) for group in optimizer.param_groups]
        return any(one is self.weight for group in groups for one in group["params"])

    def _settle(self) -> bool:
        """Before pairs are kept or used: do to those that there are what was done to the gradient since.

        Returns whether the gradient is finite; there are no pairs if it is not.

        Raises
        ------
        ValueError
            It is no multiple, of 0 or more, of the gradient of the pairs.
        """
        gradient = self.weight.grad
        if gradient is None:
            self._core.pairs.clear()
            self._kept = None
            return True
        now = array_of(gradient).copy()
        if not np.isfinite(now).all():
            self._core.pairs.clear()
            self._kept = None
            return False
        kept, mark = self._kept or (np.zeros(now.shape), None)
        if mark == mark_of(gradient) and np.array_equal(now, kept):
            return True
        factor = 0.0 if not now.any() else factor_of(now, [kept], 0.0, gradient.dtype)
        if factor is None:
            raise ValueError(
                "weight.grad: must be what backward passes have added since AnalogSGD was made, times one number from 0"
                " on, which is all that pulses can follow"
            )
        self._core.scale_errors(factor)
        self._kept = (now, mark_of(gradient)) if factor else None
        return True

    def _learn(self, factor: float) -> None:
        self._core.learn(factor)
        self._refresh()

    def get_extra_state(self) -> dict[str, Any]:
        """All state of the tiles, for ``state_dict``."""
        saved = self._core.save()
        arrays = {name: torch.from_numpy(np.array(array)) for name, array in saved["arrays"].items()}
        return saved | {"arrays": arrays}

    def set_extra_state(self, state: Any) -> None:
        """Go on from such a state; one of another seed makes the tiles anew.

        Raises
        ------
        ValueError
            It is of a layer with other devices, algorithm, sizes or rates; the message names the first.
        """
        if not isinstance(state, Mapping) or not {"seed", "settings", "arrays"} <= set(state):
            raise ValueError(f"state = {type(state).__name__}: must be that of an analog layer")
        saved = dict(state)
        if isinstance(saved["arrays"], Mapping):
            saved["arrays"] = {name: _saved_array(name, tensor) for name, tensor in saved["arrays"].items()}
        self._core.check(saved)
        core = self._core
        if saved["seed"] != core.spec.seed:
            core = self._new_core(core.with_seed(saved["seed"]))
        core.load(saved)
        self._renew(core)

    def _renew(self, core: SingleLayer) -> None:
        """Go on with these tiles, which have other weights; what was kept for a step is dropped."""
        self._core = core
        self._parameters["weight"] = self._view[0]  # of which loading by assignment has made another one
        self._drop()
        self.weight.grad = None  # it was of what is gone
        self._refresh()

    def __getstate__(self) -> dict[str, Any]:
        """For ``deepcopy`` and pickle: what the tiles are made from, and their state."""
        own = {name: value for name, value in self.__dict__.items() if name not in ("_view", "_shown", *_OF_PAIRS)}
        return own | {"_core": (self._core.spec, self._core.save(), self.written)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        spec, saved, written = state["_core"]
        super().__setstate__(state)
        self._core = self._new_core(spec)
        self._core.load(saved)
        self._core.written = written
        self._tie()

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        _check_place(fn(self.weight.new_empty(0)))
        result = super()._apply(fn, recurse)
        if self.weight is not self._view[0]:  # as where a conversion makes new parameters
            self._tie()
        self._refresh()
        return result

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Torch's way of loading; the weight stays the view of the tiles, and after an error all is as before."""
        *_, errors = args
        if f"{prefix}weight" in state_dict and f"{prefix}_extra_state" not in state_dict:
            errors.append(f"{prefix}weight: must come with _extra_state, as tiles have more; or use write_weights")
            return
        bias = None if self.bias is None else (self.bias, self.bias.detach().clone())
        try:
            super()._load_from_state_dict(state_dict, prefix, *args)
        except Exception:
            if bias is not None:
                self.bias = bias[0]
                self.bias.data.copy_(bias[1])
            raise
        finally:
            self._parameters["weight"] = self._view[0]
            self._refresh()

    def extra_repr(self) -> str:
        """Sizes, algorithm, tiles and periphery."""
        spec, tiles = self._core.spec, len(self._core.layer.tiles)
        return f"bias={self.bias is not None}, algorithm={spec.algorithm}, tiles={tiles}, {self._made[0]}"


_OF_PAIRS = ("_offered", "_kept")
OPTIMIZERS: weakref.WeakSet[Any] = weakref.WeakSet()  # all that there are of `AnalogSGD`
_LAYERS: weakref.WeakValueDictionary[int, AnalogLayer] = weakref.WeakValueDictionary()  # by id of their weight


def _check_place(like: Any) -> None:
    if like.is_meta:
        raise ValueError("device = meta: must be one whose tensors have values, which analog layers show in weight")


def _saved_array(name: str, tensor: Any) -> Any:
    with suppress(AttributeError, TypeError, RuntimeError):  # of what is no tensor, or of a type that numpy has not
        return tensor.cpu().numpy()
    raise ValueError(f"state: array {name} = {getattr(tensor, 'dtype', type(tensor).__name__)}: must be a tensor")


def layer_of(parameter: Any) -> AnalogLayer | None:
    """The analog layer whose weight a parameter is, None for digital ones.

    Raises
    ------
    ValueError
        It is the weight of an analog layer that is gone, or has another one.
    """
    layer = _LAYERS.get(id(parameter))
    if layer is not None and layer.weight is parameter:
        return layer
    if isinstance(parameter, _Weight):
        form = list(parameter.shape)
        raise ValueError(
            f"params: weight of {form}: must be that of an analog layer that is in use, copied or pickled together with"
            " its optimiser"
        )
    return None
