# SPDX-License-Identifier: Apache-2.0
"""Configurations of aihwkit as runs: which algorithm, devices, rates, converters and tiles they are here.

    SingleRPUConfig            analog-sgd   learning_rate = lr
    TransferCompound           tt-v1        learning_rate = transfer_lr * lr,  gamma
    BufferedTransferCompound   tt-v2        threshold = thres_scale * dw_W
    ChoppedTransferCompound    c-tt-v2      threshold = buffer_granularity * dw_P [* auto_granularity / period]
                               tt-v2        the same with in_chop_prob = 0
    DynamicTransferCompound    agad         the same, eta = tail_weightening / N as a power of two

with lr the rate of the optimiser, N = ceil(1 / in_chop_prob) reads between two flips, dw the granularity of a device
(`model.exchange.aihwkit_devices.granularity`) and period = columns * transfer_every. Here a threshold is
dw_min * granularity / columns, so that with auto_granularity

    granularity = buffer_granularity * auto_granularity * dw_P / (dw_min_W * transfer_every).

`docs/aihwkit.md` has the whole table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import LIFETIME_MAX, Pulsed
from symtrack.model.exchange import aihwkit_devices
from symtrack.model.exchange.aihwkit_fields import EXTRA, EXTRA_RATES
from symtrack.model.exchange.aihwkit_reader import Fields, Remarks, kind_of, loaded
from symtrack.model.network.algorithms import (
    ALGORITHMS,
    Algorithm,
    Choppers,
    CustomAlgorithm,
    Rates,
    named,
    own_rates,
    without_effect,
)
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Settings, Target
from symtrack.model.training.spec import TrainingSpec

COMPOUNDS = ("DynamicTransferCompound", "ChoppedTransferCompound", "BufferedTransferCompound", "TransferCompound")
CONFIGURATIONS = ("SingleRPUConfig", "UnitCellRPUConfig")
REGRESSIONS = ("noisy-quadratic", "weight-programming")  # tasks whose network is given
BOUND_MANAGEMENTS = ("NONE", "ITERATIVE", "ITERATIVE_WORST_CASE", "SHIFT")
PERFECT = ("is_perfect", "mv_type")  # fields that say so
PERFECT_BITS, PERFECT_BOUND = 16, 12.0  # of converters that stand for perfect ones
_BOUNDS = {spec.name: spec.metadata for spec in fields(TileConfig) if "low" in spec.metadata}
_LIMITS = {spec.name: spec.metadata["high"] for spec in fields(Rates)}
_MOMENTUM_BITS = _BOUNDS["momentum_bits"]["high"]


@dataclass(frozen=True, kw_only=True)
class Keeping(CustomAlgorithm):
    """An algorithm of `ALGORITHMS` whose writes take away what they have written, as with forget_buffer = False."""

    @classmethod
    def of(cls, base: str) -> Keeping:
        """That of a name."""
        given = {spec.name: getattr(ALGORITHMS[base], spec.name) for spec in fields(Algorithm)}
        return cls(name=f"{base} that keeps the rest", version=1, **given)

    @property
    def base(self) -> str:
        """The name of the algorithm that forgets it."""
        return self.name.partition(" ")[0]

    def of_transfer(self, transfer: int, settings: Settings) -> Settings:
        return replace(settings, forget=False)


class InOut(NamedTuple):
    """Converters of a direction, and read noise of the cells, a weight."""

    converters: Converters
    perfect: bool
    w_noise: float


class Thresholds(NamedTuple):
    """Write threshold of the hidden buffer.

    size: in dw_min of W. by_period: it is to be divided by the columns of a tile, else it is the same for all.
    """

    size: float
    by_period: bool


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a configuration of aihwkit is here; `spec` makes a run of it.

    Attributes
    ----------
    algorithm : str or CustomAlgorithm
        A name in `model.network.algorithms.ALGORITHMS`, or `Keeping`.
    device : Pulsed
        Devices that updates pulse: of P, or of W where there is no P.
    slow_device : Pulsed or None
        Devices of W beside P.
    converters : Converters
        Of products and reads.
    rates : mapping
        Hyperparameters that do not depend on batch and network.
    tiles : mapping
        Fields of the tiles.
    choppers : Choppers
        In place of those of the algorithm.
    thresholds : Thresholds or None
        Write threshold, for buffered writes.
    momentum : float or None
        Of the running maxima for one sample at a time.
    every, in_batches : float, bool
        Updates to a transfer event, or batches.
    fixed_rates : tuple of str
        Fields that are to stay what they are when the rate of the optimiser is scheduled; no schedule is allowed then.
    network : mapping
        Options of networks.
    notes : list of str
        A line for every value that became another one, or works in another way.
    ignored : list of str
        A line for every value that has no effect.
    """

    algorithm: str | CustomAlgorithm
    device: Pulsed
    slow_device: Pulsed | None
    converters: Converters
    rates: Mapping[str, float]
    tiles: Mapping[str, Any]
    choppers: Choppers = Choppers()  # noqa: RUF009, it is frozen
    thresholds: Thresholds | None = None
    momentum: float | None = None
    every: float = 1.0
    in_batches: bool = True
    fixed_rates: tuple[str, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def spec(self, **more: Any) -> TrainingSpec:
        """The run, with ``more`` arguments of `TrainingSpec`, which take the place of what the configuration says.

        None leaves what it says. Of ``tiles``, of ``network`` and of ``rates`` as a mapping only what is given changes;
        the other rates stay those that follow from the devices of the configuration. A ``fast_rate`` also takes the
        place of a ``fixed_fast_rate``, and ``converters`` that of ``adc_bits`` of the tiles. Another algorithm has its
        own choppers and its own values of rates that the configuration does not have, and no rates without effect;
        one whose updates go to W pulses ``device``.

        Raises
        ------
        TypeError, ValueError
            They do not go together with the configuration; the message says why.
        """
        more = {name: value for name, value in more.items() if value is not None}
        batch, algorithm = more.get("batch", 1), more.get("algorithm", self.algorithm)
        given = more.pop("rates", {})
        if not isinstance(given, (Rates, Mapping)):
            raise TypeError(f"rates = {given!r:.60}: must be Rates or a mapping of some of them")
        if isinstance(given, Mapping):
            own_rates(given)
        to_slow, own = named(algorithm).target == Target.SLOW, algorithm == self.algorithm
        tiles = dict(self.tiles)
        if to_slow:
            tiles.pop("threshold_shift", None)
        if isinstance(more.get("converters"), Converters):
            tiles["adc_bits"] = more["converters"].adc_bits
        tiles |= more.pop("tiles", {})
        task = more.get("task", TrainingSpec.task)
        named_network = isinstance(task, str) and task not in REGRESSIONS
        network = {**(self.network if named_network else {}), **more.pop("network", {})}
        self.check_schedule(more.get("schedule"))
        values: dict[str, Any] = {
            "algorithm": algorithm,
            "converters": self.converters,
            "choppers": self.choppers if own else Choppers(),
            "network": network,
        }
        if "devices" not in more:
            values["devices"] = self.lasting(self.device, batch)
        if "slow_devices" not in more and self.slow_device is not None and not to_slow:
            values["slow_devices"] = self.lasting(self.slow_device, batch)
        first = TrainingSpec(**values | more | {"tiles": {k: v for k, v in tiles.items() if v != "auto"}})
        if isinstance(given, Mapping):
            problem = first.problem()
            columns = {config.columns for config in problem.tile_configs}
            learned = any(layer.scale is None for layer in problem.architecture.layers)
            given = self.rates_for(batch=batch, columns=columns, learned=learned, algorithm=algorithm, given=given)
        return replace(first, rates=given, tiles=tiles)

    def check_schedule(self, schedule: Any) -> None:
        """Raise ValueError for a schedule of rates that are to stay what they are."""
        factors = schedule.factors() if hasattr(schedule, "factors") else [factor for _, factor in schedule or ()]
        if self.fixed_rates and any(factor != 1 for factor in factors):
            told = ", ".join(self.fixed_rates)
            raise ValueError(f"schedule = {schedule!r}: must be left out, a schedule would go wrong with {told}")

    def lasting(self, device: Pulsed, batch: int) -> Pulsed:
        """The device with its lifetime in updates; aihwkit counts batches."""
        if batch == 1 or not device.lifetime:
            return device
        if device.lifetime * batch > LIFETIME_MAX:
            raise ValueError(f"batch = {batch}: must be at most {LIFETIME_MAX / device.lifetime:g} with this lifetime")
        return replace(device, lifetime=device.lifetime * batch)

    def rates_for(
        self,
        *,
        batch: int,
        columns: set[int],
        learned: bool,
        algorithm: str | CustomAlgorithm | None = None,
        given: Mapping[str, float] | None = None,
    ) -> Rates:
        """Hyperparameters for batches of this size, tiles with so many columns, and output scales that are learned.

        algorithm: in place of that of the configuration. given: rates in place of its own.

        Raises
        ------
        ValueError
            There are none.
        """
        algorithm, given = algorithm or self.algorithm, given or {}
        useless = without_effect(named(algorithm))
        found: dict[str, Any] = dict(self.rates)
        if not learned:
            found.pop("scale_rate", None)
        if self.slow_device is not None and "transfer_every" not in {*given, *useless}:
            found |= self._events(batch)
        if self.momentum is not None:
            found["momentum"] = 1 - (1 - self.momentum) / batch
        if self.thresholds and "granularity" not in {*given, *useless}:
            size = self.thresholds.size
            if not self.thresholds.by_period:
                if len(columns) > 1:
                    told = ", ".join(map(str, sorted(columns)))
                    raise ValueError(
                        f"auto_granularity = 0: must be above zero for tiles of {told} columns, which otherwise have "
                        "different granularities"
                    )
                size *= next(iter(columns))
            # Only their ratio counts.
            ratio = min(max(size, 1.0), _LIMITS["granularity"]) / size
            found |= {"granularity": size * ratio, "learning_rate": found["learning_rate"] * ratio}
        if "fast_rate" in given:
            found.pop("fixed_fast_rate", None)
        found = {name: value for name, value in found.items() if name not in useless}
        return Rates.of(algorithm, **{**found, **given})

    def _events(self, batch: int) -> dict[str, int]:
        """Transfer events and reads; what is due within a batch comes at its end."""
        updates = max(math.ceil(self.every * batch) if self.in_batches else round(self.every), 1)
        reads = int(self.rates.get("reads", 1))
        if updates % batch == 0:
            return {"transfer_every": updates // batch, "reads": reads}
        if batch % updates == 0:
            return {"transfer_every": 1, "reads": reads * (batch // updates)}
        raise ValueError(f"batch = {batch}: must divide transfer_every = {updates} updates, or be divided by it")


def taken(source: Any, *, learning_rate: float = 0.1) -> Taken:
    """Read a configuration.

    Parameters
    ----------
    source
        A live configuration or device of aihwkit, plain data of one, or the path of a JSON file.
    learning_rate
        That of the optimiser, which is no part of a configuration.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart; the message names it, its value and what is allowed.
    """
    numeric = isinstance(learning_rate, (int, float)) and not isinstance(learning_rate, bool)
    if not (numeric and 0 < learning_rate < math.inf):
        raise ValueError(f"learning_rate = {learning_rate!r}: must be a finite number above zero")
    data, remarks = loaded(source), Remarks()
    devices = (*aihwkit_devices.FAMILIES, *COMPOUNDS)
    allowed = f"{' or '.join(CONFIGURATIONS)}, or one of their devices: {', '.join(devices)}"
    kind = kind_of(data, "rpu_config", (*CONFIGURATIONS, *devices), allowed)
    if kind not in CONFIGURATIONS:  # a device alone
        data = {"class": CONFIGURATIONS[kind in COMPOUNDS], "device": data}
    extra = data.get(EXTRA, {})
    config = Fields({name: value for name, value in data.items() if name != EXTRA}, "", CONFIGURATIONS, remarks)
    single = config.kind == "SingleRPUConfig"
    cell = config.child("device", *(aihwkit_devices.FAMILIES if single else COMPOUNDS))
    io = in_out(config.child("forward", "IOParameters"))
    agree(io, in_out(config.child("backward", "IOParameters")), "backward")
    values: dict[str, Any] = {"algorithm": "analog-sgd", "converters": io.converters, "slow_device": None}
    tiles = {"adc_bits": io.converters.adc_bits}
    found = _single(cell, learning_rate) if single else _compound(cell, learning_rate, io)
    rates, more = found.pop("rates"), found.pop("tiles")
    values |= found
    if more:
        more["threshold_shift"] = "auto"
    update = config.child("update", "UpdateParameters")
    rates |= _update(update, rates, tiles)
    for name in ("device",) if single else ("slow_device",):
        values[name] = aihwkit_devices.with_read_noise(values[name], io.w_noise, "forward")
    rates["scale_rate"], network = _mapping(config.child("mapping", "MappingParameter"), learning_rate)
    rates |= _extra(extra, rates, remarks)
    _rest(config)
    config.done()
    lengths = [(cell, "fast_lr"), (update, "desired_bl")]
    sources = {} if single else {"learning_rate": [(cell, "transfer_lr")], "fixed_fast_rate": lengths[:1]}
    for name, value in rates.items():
        if not value <= _LIMITS[name]:
            told = [holder.shown(of) for holder, of in ({"fast_rate": lengths} | sources).get(name, ())]
            raise ValueError(
                f"{name} = {value:g}, as it follows from the configuration: must be at most {_LIMITS[name]} "
                f"({', '.join([*told, f'learning_rate = {learning_rate:g}'])})"
            )
    return Taken(
        rates=rates, tiles=tiles | more, network=network, notes=remarks.notes, ignored=remarks.ignored, **values
    )


def in_out(fields: Fields, *, transfer: bool = False) -> InOut:
    """Converters of a direction; ``transfer`` for reads of columns, which need no management of their range.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart.
    """
    if any((fields.take("is_perfect"), fields.take("mv_type") == "IDEAL")):
        fields.note(
            "is_perfect" if fields.take("is_perfect") else "mv_type", f"{PERFECT_BITS} bits within {PERFECT_BOUND:g}"
        )
        fields.ignore("the converters are perfect", *(name for name in fields.default if name not in PERFECT))
        fields.done()
        bound = PERFECT_BOUND
        converters = Converters(dac_bits=PERFECT_BITS, adc_bits=PERFECT_BITS, output_bound=bound, output_noise=0.0)
        return InOut(converters, True, 0.0)
    fields.must("positive and negative inputs go through together", mv_type="ONE_PASS")
    fields.ignore("inputs of both signs go together", "inp_asymmetry", "out_asymmetry")
    fields.must(
        "there is no such effect here",
        inp_noise=0,
        inp_sto_round=False,
        out_noise_std=0,
        out_sto_round=False,
        out_scale=1,
        ir_drop=0,
        out_nonlinearity=0,
        v_offset_std=0,
        r_series=0,
        w_read_asymmetry_dtod=0,
    )
    fields.ignore("its effect is off", "ir_drop_g_ratio", "out_nonlinearity_std", "slope_calibration", "v_offset_w_min")
    fields.must("inputs are relative to their maximum", inp_bound=1)
    if transfer:
        fields.ignore("aihwkit switches it off", "noise_management", "bound_management", "nm_thres")
    else:
        fields.must("inputs are relative to their maximum", noise_management="ABS_MAX", nm_thres=0)
        told = "outputs beyond out_bound are clipped, with no further pass"
        fields.must(told, bound_management=BOUND_MANAGEMENTS)
        if fields.take("bound_management") != "NONE" and not fields.path.startswith("backward"):
            fields.note("bound_management", told)
        fields.ignore("outputs are clipped", "bound_management")
    fields.ignore("there is one pass", "max_bm_factor", "max_bm_res", "bm_test_negative_bound")
    w_noise = 0.0
    fields.must("read noise is the same for all weights", w_noise_type=("NONE", "ADDITIVE_CONSTANT"))
    if fields.take("w_noise_type") != "NONE":
        w_noise = max(float(fields.take("w_noise")), 0.0)
    fields.ignore("w_noise_type = NONE", "w_noise")
    out_bound, dac_bits, adc_bits = fields.take("out_bound"), _bits(fields, "inp_res"), _bits(fields, "out_res")
    half = 1 << (adc_bits - 1)
    try:
        converters = Converters(
            dac_bits=dac_bits,
            adc_bits=adc_bits,
            output_bound=out_bound * half / (half - 1),  # aihwkit has as many codes above as below zero
            output_noise=fields.take("out_noise"),
        )
    except ValueError as error:
        name = "out_noise" if "noise" in str(error) else "out_bound"
        raise fields.refused(name, str(error).rpartition("must be ")[2]) from None
    fields.done()
    return InOut(converters, False, w_noise)


def _bits(fields: Fields, name: str) -> int:
    """Width of a converter from its resolution: the part that a step is of the range, or the steps of the range."""
    value = float(fields.take(name))
    high = 16
    if value <= 0:
        fields.note(name, f"{high} bits")
        return high
    steps = 1 / value if value <= 1 else value
    exact = math.log2(steps + 2)
    bits = min(max(round(exact), 2), high)
    if abs(exact - bits) > 1e-6:
        fields.note(name, f"{bits} bits, {2**bits - 2} steps instead of {steps:g}")
    return bits


def agree(io: InOut, other: InOut, path: str) -> None:
    """Converters of two directions are the same.

    Raises
    ------
    ValueError
        A field differs.
    """
    same = "as in forward: one array has one set of converters"
    if io.perfect != other.perfect:
        raise ValueError(f"{path}.is_perfect = {other.perfect}: must be {io.perfect}, {same}")
    names = {"dac_bits": "inp_res", "adc_bits": "out_res", "output_bound": "out_bound", "output_noise": "out_noise"}
    for name, theirs in names.items():
        ours, value = getattr(io.converters, name), getattr(other.converters, name)
        if value != ours:
            unit = " bits" if name.endswith("bits") else ""
            if name == "output_bound":
                half = 1 << (io.converters.adc_bits - 1)
                ours, value = ours * (half - 1) / half, value * (half - 1) / half
            raise ValueError(f"{path}.{theirs} = {value:g}{unit}: must be {ours:g}{unit}, {same}")
    if path == "backward" and other.w_noise != io.w_noise:
        raise ValueError(f"{path}.w_noise = {other.w_noise:g}: must be {io.w_noise:g}, {same}")


def _single(cell: Fields, learning_rate: float) -> dict[str, Any]:
    device = aihwkit_devices.device(cell)
    ratio = _ratio(cell, device)
    if ratio != 1:
        cell.note("dw_min", f"updates count in {ratio:g} dw_min, the step at weight zero: learning_rate / {ratio:g}")
    return {"device": device, "rates": {"learning_rate": learning_rate / ratio, "clip_errors": 1}, "tiles": {}}


def _ratio(cell: Fields, device: Pulsed) -> float:
    """Granularity in dw_min."""
    return aihwkit_devices.granularity(cell.kind, device) / device.dw_min


def _compound(cell: Fields, learning_rate: float, io: InOut) -> dict[str, Any]:
    """Algorithm, devices, rates and tiles of a compound of two devices."""
    devices = cell.children("unit_cell_devices", *aihwkit_devices.FAMILIES)
    if len(devices) != 2:
        raise ValueError(f"{cell.name('unit_cell_devices')} = {len(devices)} devices: must be 2, P and W")
    fast, slow = (aihwkit_devices.device(one) for one in devices)
    steps = [ratio * one.dw_min for one, ratio in zip((fast, slow), map(_ratio, devices, (fast, slow)), strict=True)]
    _transfers(cell)
    reading = in_out(cell.child("transfer_forward", "IOParameters"), transfer=True)
    agree(io, reading, cell.name("transfer_forward"))
    found: dict[str, Any] = {
        "slow_device": slow,
        "device": aihwkit_devices.with_read_noise(fast, reading.w_noise, cell.name("transfer_forward")),
    }
    rate, fixed_rates = cell.take("transfer_lr") * learning_rate, []
    if not cell.take("scale_transfer_lr"):
        rate = cell.take("transfer_lr")
        fixed_rates.append(f"{cell.name('scale_transfer_lr')} = False")
    if rate <= 0:
        raise cell.refused("transfer_lr", "above zero")
    rates: dict[str, Any] = {"reads": int(cell.take("n_reads_per_transfer"))}
    tiles: dict[str, Any] = {"pulses_max": _writes(cell)}
    if cell.kind == "TransferCompound":
        found["algorithm"] = "tt-v1"
        rates |= {"learning_rate": rate * slow.dw_min / steps[1], "gamma": _gamma(cell)}
    else:
        cell.must("products are those of W; tt-v1, a TransferCompound, has gamma", gamma=0)
        cell.must("products are those of W", gamma_vec=([],))
        found |= _buffered(cell, steps, slow.dw_min, tiles)
        rates |= {"learning_rate": rate, "hidden_momentum": _momentum(cell, tiles)}
        if not cell.take("forget_buffer"):
            cell.must("without forget_buffer", momentum=0)
            found["algorithm"] = Keeping.of(found["algorithm"])
    automatic = cell.kind in ("ChoppedTransferCompound", "DynamicTransferCompound") and cell.take("auto_scale")
    fast_lr = float(cell.take("fast_lr"))
    if automatic and fast_lr > 0:
        rates["fast_rate"] = fast_lr
        found["momentum"] = float(cell.take("auto_momentum"))
        if not 0 <= found["momentum"] <= 1:
            raise cell.refused("auto_momentum", "from 0 to 1")
    else:
        if fast_lr <= 0:
            cell.note("fast_lr", f"the rate of P is that of the optimiser, {learning_rate:g}")
            fixed_rates.append(f"{cell.name('fast_lr')} = {fast_lr:g}")
        rates["fixed_fast_rate"] = (fast_lr if fast_lr > 0 else learning_rate) * fast.dw_min / steps[0]
        if "auto_momentum" in cell.default:
            cell.ignore("the rate of P is fixed", "auto_scale", "auto_momentum")
    found |= _every(cell)
    cell.done()
    return found | {"rates": rates, "tiles": tiles, "fixed_rates": tuple(fixed_rates)}


def _transfers(cell: Fields) -> None:
    """Fields of all compounds that have one counterpart only."""
    cell.ignore("the seed is that of the run", "construction_seed")
    cell.ignore("W has no array to transfer to", "no_self_transfer")
    cell.must("there are two arrays", transfer_every_vec=([],), transfer_lr_vec=([],))
    cell.must("transfers read columns", transfer_columns=True)
    cell.must("P is never reset", with_reset_prob=0)
    cell.must("columns come one after the other", random_selection=False)
    cell.whole("n_reads_per_transfer", 1, 1 if cell.kind in COMPOUNDS[:2] else int(_LIMITS["reads"]))


def _every(cell: Fields) -> dict[str, Any]:
    """Between two transfers."""
    every, in_batches = float(cell.take("transfer_every")), cell.take("units_in_mbatch")
    if not every > 0:
        raise cell.refused("transfer_every", "above zero, a transfer that comes")
    if not in_batches and every != round(every):
        cell.note("transfer_every", f"{max(round(every), 1)} updates")
    return {"every": every, "in_batches": in_batches}


def _gamma(cell: Fields) -> float:
    weights = cell.take("gamma_vec")
    if len(weights) not in (0, 2) or (weights and weights[1] != 1):
        raise cell.refused("gamma_vec", "empty, or of P and W with 1 for W")
    name = "gamma_vec" if weights else "gamma"
    gamma = float(weights[0] if weights else cell.take("gamma"))
    cell.ignore("gamma_vec is given", "gamma")
    if not 0 <= gamma <= _LIMITS["gamma"]:
        raise cell.refused(name, f"from 0 to {_LIMITS['gamma']} for P")
    if gamma:
        cell.note(name, "products of P and W have converters of their own")
    return gamma


def _writes(cell: Fields) -> int:
    """Most pulses of a write, from the pulse trains of transfers."""
    update = cell.child("transfer_update", "UpdateParameters")
    most, name = _BOUNDS["pulses_max"]["high"], "desired_bl"
    bl = update.whole(name, 1)
    _trains(update)
    if cell.kind == "TransferCompound":
        if not update.take("update_bl_management"):
            update.must("writes are their reads in the mean", update_management=True)
    elif bl > 1:
        update.note(name, "a write of n pulses makes n, where aihwkit makes n in the mean")
    update.ignore("a write has the pulses that it needs", "update_bl_management", "update_management", "fixed_bl")
    update.done()
    if bl > most:
        update.note(name, f"{most} pulses, the most of a write")
    return min(bl, most)


def _trains(update: Fields) -> None:
    update.must("pulses are those of stochastic trains", pulse_type=("STOCHASTIC_COMPRESSED", "STOCHASTIC"))
    update.must("both lines are scaled alike", um_grad_scale=1)
    res = float(update.take("res"))
    if res > 0:
        update.must("probabilities are rounded to the nearest", sto_round=False)
    update.ignore("probabilities are not rounded at random", "sto_round")
    update.ignore("of deterministic trains only", "x_res_implicit", "d_res_implicit")
    update.ignore("it is measured only", "d_sparsity")
    if update.path.endswith("transfer_update"):
        update.ignore("a write has the pulses that it needs", "res")
    elif res <= 0:
        update.ignore("probabilities have magnitude_bits of the tile", "res")
    else:
        steps = 1 / res if res <= 1 else res
        bits = min(max(round(math.log2(steps)), 1), _BOUNDS["magnitude_bits"]["high"])
        update.note("res", f"magnitude_bits = {bits}, steps of 1/{2**bits}")


def _buffered(cell: Fields, steps: list[float], dw_min: float, tiles: dict[str, Any]) -> dict[str, Any]:
    """Algorithm, choppers and threshold of a compound with a buffer."""
    cell.must("a write is of whole pulses", step=1)
    if cell.kind == "BufferedTransferCompound":
        size = float(cell.take("thres_scale"))
        if not size > 0:
            raise cell.refused("thres_scale", "above zero")
        return {"algorithm": "tt-v2", "thresholds": Thresholds(size * steps[1] / dw_min, False)}
    cell.must("the rate of transfers does not follow that of P", correct_gradient_magnitudes=False)
    size, auto = float(cell.take("buffer_granularity")), float(cell.take("auto_granularity"))
    every = float(cell.take("transfer_every"))
    if size <= 0:
        cell.note("buffer_granularity", "1, as aihwkit has it")
    size = (size if size > 0 else 1.0) * steps[0] / dw_min
    by_period = auto > 0
    if auto < 0:
        cell.note("auto_granularity", "none, as aihwkit has it")
    if by_period and every > 0:
        size *= auto / every
    found: dict[str, Any] = {"thresholds": Thresholds(size, by_period)}
    cell.must("W is written through the buffer; tt-v1, a TransferCompound, has none", no_buffer=False)
    rows, probability = float(cell.take("out_chop_prob")), float(cell.take("in_chop_prob"))
    randomly = cell.take("in_chop_random")
    if rows > 0:
        if not (randomly and probability == rows):
            raise cell.refused("out_chop_prob", "0, or in_chop_prob with in_chop_random: a tile has one probability")
        tiles["row_chopper"] = 1
    else:
        cell.ignore("rows do not flip", "out_chop_prob")
    row_chopper = ChopperMode.RANDOM if rows > 0 else None
    if cell.kind == "DynamicTransferCompound":
        return found | _dynamic(cell, probability, tiles) | {"choppers": Choppers(row_chopper=row_chopper)}
    if not probability > 0:
        cell.ignore("nothing flips", "in_chop_random")
        return found | {"algorithm": "tt-v2"}
    if randomly:
        tiles["chopper_probability"] = _probability(cell, probability)
        found["choppers"] = Choppers(chopper=ChopperMode.RANDOM, row_chopper=row_chopper)
    else:
        tiles["chopper_period"] = _period(cell, probability)
    return found | {"algorithm": "c-tt-v2"}


def _dynamic(cell: Fields, probability: float, tiles: dict[str, Any]) -> dict[str, Any]:
    cell.must("flips are regular, so that a period has an end", in_chop_random=False)
    cell.must("reads are not corrected for their number", experimental_correct_accumulation=False)
    if not cell.take("forget_buffer") and cell.take("buffer_cap") > 0:
        raise cell.refused("buffer_cap", "0, H is as wide as its words")
    cell.ignore("H is as wide as its words", "buffer_cap")
    period = tiles["chopper_period"] = _period(cell, probability)
    tail = float(cell.take("tail_weightening"))
    eta = min(tail / period, 1.0)
    if not eta > 0:
        raise cell.refused("tail_weightening", "above zero")
    shift = tiles["filter_shift"] = min(max(round(-math.log2(eta)), 0), _BOUNDS["filter_shift"]["high"])
    tiles["reference_fraction_bits"] = max(TileConfig().reference_fraction_bits, shift)
    if abs(eta - 2.0**-shift) > 1e-9:
        cell.note("tail_weightening", f"eta = 1/{2**shift} instead of {eta:g} (filter_shift = {shift})")
    return {"algorithm": "agad"}


def _period(cell: Fields, probability: float) -> int:
    high = _BOUNDS["chopper_period"]["high"]
    if not 1 / high <= probability <= 1:
        raise cell.refused("in_chop_prob", f"from 1/{high} to 1")
    return flips_after(probability)


def flips_after(probability: float) -> int:
    """Reads between two regular flips: ceil(1 / p) in the single precision of aihwkit, and 2 at least."""
    import numpy as np

    return max(math.ceil(np.float32(1.0) / np.float32(probability)), 2)


def _probability(cell: Fields, probability: float) -> float:
    try:
        return TileConfig(chopper_probability=probability).chopper_probability
    except ValueError as error:
        raise cell.refused("in_chop_prob", str(error).rpartition("must be ")[2]) from None


def _momentum(cell: Fields, tiles: dict[str, Any]) -> float:
    momentum, name = float(cell.take("momentum")), "momentum"
    if not 0 <= momentum <= 1:
        raise cell.refused(name, "from 0 to 1")
    if momentum:
        tiles["momentum_bits"] = _MOMENTUM_BITS
        steps = 1 << _MOMENTUM_BITS
        units = min(round(momentum * steps), steps - 1)
        if units != momentum * steps:
            cell.note(name, f"{units}/{steps}, {units / steps:g}")
    return momentum


def _update(update: Fields, rates: dict[str, Any], tiles: dict[str, Any]) -> dict[str, float]:
    """Rates that follow from the trains of updates, whose length and probabilities become those of the tiles."""
    most, name = _BOUNDS["bl_max"]["high"], "desired_bl"
    bl = update.whole(name, 1)
    _trains(update)
    res = float(update.take("res"))
    if res > 0:
        steps = 1 / res if res <= 1 else res
        tiles["magnitude_bits"] = min(max(round(math.log2(steps)), 1), _BOUNDS["magnitude_bits"]["high"])
    update.must("trains are as long as they need to be", update_bl_management=True)
    update.ignore("update_bl_management includes it", "update_management", "fixed_bl")
    update.done()
    tiles["bl_max"] = min(bl, most)
    if bl <= most:
        return {}
    if "fast_rate" not in rates:
        update.note(name, f"{most}, the longest train")
        return {}
    rate = rates["fast_rate"] * bl / most
    update.note(name, f"{most}, the longest train; fast_rate = {rate:g} makes as many pulses in the mean")
    return {"fast_rate": rate}


def _mapping(mapping: Fields, learning_rate: float) -> tuple[float, dict[str, Any]]:
    """Rate of the output scales, and options of networks."""
    if mapping.take("digital_bias"):
        mapping.note("digital_bias", "the bias is the last column of the array")
    network: dict[str, Any] = {}
    omega = float(mapping.take("weight_scaling_omega"))
    if omega > 0:
        mapping.must("a layer has one output scale", weight_scaling_columnwise=False)
        mapping.must("errors are scaled, not rates", weight_scaling_lr_compensation=False)
        network["weight_scaling"] = omega
        mapping.note("weight_scaling_omega", f"W starts uniform within {omega:g}, weight_scaling of the network")
    else:
        mapping.ignore("weights are not scaled", "weight_scaling_columnwise", "weight_scaling_lr_compensation")
        mapping.note(
            "weight_scaling_omega", "W starts within weight_scaling of the network, which a fixed scale undoes"
        )
    rate = 0.0
    if mapping.take("learn_out_scaling"):
        mapping.must("a layer has one output scale", out_scaling_columnwise=False)
        mapping.note("learn_out_scaling", f"scale_rate = {learning_rate:g}, that of the optimiser")
        rate = learning_rate
    mapping.ignore("output scales are not learned", "out_scaling_columnwise")
    for theirs, ours in (("max_input_size", "tile_columns"), ("max_output_size", "tile_rows")):
        size = mapping.whole(theirs, 0, _BOUNDS["rows"]["high"])
        if size != mapping.default[theirs]:
            if size:
                network[ours] = size + (ours == "tile_columns")  # the column of the bias
            mapping.note(
                theirs, f"{ours} of the network, with the bias" if size else "the largest tile is that of the network"
            )
    mapping.done()
    return rate, network


def _extra(extra: Any, rates: Mapping[str, float], remarks: Remarks) -> dict[str, float]:
    """Rates of a run that was exported, where aihwkit has none; they take the place of what it has instead."""
    if not isinstance(extra, Mapping):
        raise TypeError(f"{EXTRA} = {extra!r:.60}: must be an object with {' and '.join(EXTRA_RATES)}, as exported")
    for name, value in extra.items():
        told = f"{EXTRA}.{name} = {value!r:.60}"
        if name not in EXTRA_RATES:
            raise ValueError(f"{told}: must be one of {', '.join(EXTRA_RATES)}")
        if not rates.get(name):
            needed = "mapping.learn_out_scaling" if name == "scale_rate" else "SingleRPUConfig"
            raise ValueError(f"{told}: must be left out without {needed}")
        try:
            own_rates({name: value})
        except (TypeError, ValueError) as error:
            raise type(error)(f"{EXTRA}.{error}") from None
        remarks.notes.append(f"{told}: in place of {rates[name]:g}, as aihwkit has it")
    return dict(extra)


def _rest(config: Fields) -> None:
    pre_post = config.child("pre_post", "PrePostProcessingParameter")
    learned = pre_post.child("input_range", "InputRangeParameter")
    learned.must("inputs are relative to their maximum", enable=False)
    learned.ignore("no range is learned", *(name for name in learned.default if name != "enable"))
    learned.done()
    pre_post.done()
    runtime = config.child("runtime", "RuntimeParameter")
    runtime.ignore("of aihwkit's program only", *runtime.default)
    runtime.done()
    config.ignore("of aihwkit's program only", "tile_class", "tile_array_class")
