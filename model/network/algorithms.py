# SPDX-License-Identifier: Apache-2.0
"""Training algorithms as settings of the tile (DESIGN 3.3), with the hyperparameters they start from; also own ones.

buffered: H counts pulses for W in units of 2**-threshold_shift,
          gain * d = 2**threshold_shift * rate * weight(d) / unit,    unit = dw_min * granularity / columns
direct:   the same with unit = dw_min: a read writes rate * weight(d) in the mean

so a demodulated read of ``unit / rate`` writes one pulse. `weight(d)` is d * lsb / 2**reference_fraction_bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from fractions import Fraction

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings, Target
from symtrack.model.spec.validated import Validated, check, integer, number

VERSION_MAX = 10**6  # of an own algorithm
RESIDUALS = ("analog", "stale")  # forms of the residual: of the arrays, or of the words that tiles hold


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What distinguishes one algorithm from another.

    Attributes
    ----------
    target : the array that updates pulse; with the slow one there are no transfers.
    chopper, scope, row_chopper, reference, filter, direct : see `model.spec.settings.Settings`.
    warm_up : the first ``chopper_period`` sweeps only fill the filter, since Qref is not yet known; nothing is written.
    residual : forward and backward products include gamma * (P - reference), in one of the forms of `RESIDUALS`.
    rates : defaults that differ from those of `Rates`.
    """

    target: Target = Target.FAST
    chopper: ChopperMode = ChopperMode.OFF
    scope: Scope = Scope.COLUMN
    row_chopper: ChopperMode = ChopperMode.OFF
    reference: Reference = Reference.ZERO
    filter: bool = True
    direct: bool = False
    warm_up: bool = False
    residual: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)

    def calibrated(self) -> Algorithm:
        """The same with a reference that stays what a calibration has left in Qref."""
        if self.target == Target.SLOW:
            raise ValueError(f"target = {self.target.name}: must be FAST for a calibration, which is of P")
        return replace(
            self, chopper=ChopperMode.OFF, row_chopper=ChopperMode.OFF, reference=Reference.LATCHED, warm_up=False
        )

    def of_transfer(self, transfer: int, settings: Settings) -> Settings:
        """Settings of a transfer after the warm-up, where ``transfer`` ones of the tile were before it.

        An own algorithm may change them. Golden model and RTL get the same ones, so what it returns must be a function
        of its arguments and fields. In a warm-up, which only fills the filter, settings are those of the fields.
        """
        return settings


@dataclass(frozen=True, kw_only=True)
class CustomAlgorithm(Algorithm):
    """An algorithm of one's own, wherever the name of one is allowed: settings of the datapath, and a hook.

    A subclass may have fields of its own and `of_transfer`, in which it changes the settings of single transfers after
    the warm-up. What
    a run of it is, in checkpoints and in keys of results, is the name of its class, all its fields, and its version:
    state another version whenever what it computes changes.

    Attributes
    ----------
    name : what reports call it; none of `ALGORITHMS`.
    version : from 1 on.

    Raises
    ------
    TypeError, ValueError
        A field is not what it must be; the message names it, its value and what is allowed.
    """

    name: str
    version: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise TypeError(f"name = {self.name!r}: must be a text, what reports call the algorithm")
        if self.name in ALGORITHMS:
            raise ValueError(f"name = {self.name!r}: must be none of {', '.join(ALGORITHMS)}, which have theirs")
        object.__setattr__(self, "version", check("version", self.version, 1, VERSION_MAX))
        for spec in fields(Algorithm):
            value, kind = getattr(self, spec.name), type(getattr(_PLAIN, spec.name))
            if spec.name == "rates":
                if not isinstance(value, Mapping):
                    raise TypeError(f"rates = {value!r}: must be a mapping of rates by name")
                own_rates(value)
            elif not isinstance(value, kind):
                raise TypeError(f"{spec.name} = {value!r}: must be {_allowed(kind)}")

    def __str__(self) -> str:
        return self.name


def _allowed(kind: type) -> str:
    if issubclass(kind, Enum):
        return f"one of {', '.join(f'{kind.__name__}.{one.name}' for one in kind)}"
    return "true or false"


_PLAIN = Algorithm()


@dataclass(frozen=True, kw_only=True)
class Choppers:
    """Choppers in place of an algorithm's own, see `Algorithm`; None leaves what it has."""

    chopper: ChopperMode | None = None
    scope: Scope | None = None
    row_chopper: ChopperMode | None = None

    def of(self, algorithm: Algorithm) -> Algorithm:
        """The algorithm with these choppers.

        Raises
        ------
        ValueError
            Its updates go to W, which no chopper acts on, or a scope is given and no column flips.
        """
        given = {spec.name: value for spec in fields(self) if (value := getattr(self, spec.name)) is not None}
        if given and algorithm.target == Target.SLOW:
            name, value = next(iter(given.items()))
            raise ValueError(f"{name} = {value.name}: must be left out for updates of W, which is not chopped")
        chosen = replace(algorithm, **given)
        if self.scope is not None and chosen.chopper == ChopperMode.OFF:
            raise ValueError(f"scope = {self.scope.name}: must be left out where chopper = OFF, nothing flips")
        return chosen


_FINE = 8  # a gain of so many is rounded by a sixteenth at most
_UNBUFFERED = {"learning_rate": 0.05}
_AGAD = Algorithm(chopper=ChopperMode.REGULAR, reference=Reference.LATCHED, warm_up=True)
_RIDER = Algorithm(reference=Reference.FILTERED, direct=True, residual=True, rates=_UNBUFFERED)
_LITERAL = replace(_RIDER, chopper=ChopperMode.RANDOM, scope=Scope.TILE)

ALGORITHMS: dict[str, Algorithm] = {
    "analog-sgd": Algorithm(target=Target.SLOW),
    "tt-v1": Algorithm(direct=True, residual=True, rates=_UNBUFFERED | {"gamma": 0.0}),
    "tt-v2": Algorithm(),
    "c-tt-v2": Algorithm(chopper=ChopperMode.REGULAR),
    "agad": _AGAD,
    "residual": replace(_RIDER, reference=Reference.LATCHED, filter=False),
    "rider": _RIDER,
    "e-rider": replace(_AGAD, residual=True),
    "e-rider-a": _LITERAL,
    "e-rider-b": replace(_LITERAL, reference=Reference.LATCHED, warm_up=True),
}


@dataclass(frozen=True, kw_only=True)
class Rates(Validated):
    """Hyperparameters of training; see `Validated` for the errors of bad ones."""

    learning_rate: float = number(0, 16, 0.1, "learning rate of W")
    clip_errors: int = integer(0, 1, 0, "1: updates of W that are too long for a train clip errors, 0: inputs as well")
    granularity: float = number(1, 1e6, 100.0, "steps that make a write threshold, times columns; of buffered writes")
    fast_rate: float = number(0, 16, 0.5, "learning rate of P, in trains of full length for a typical update")
    momentum: float = number(0, 1, 0.99, "of the running maxima that scale the fast rate")
    fixed_fast_rate: float = number(
        0, 16, 0.0, "learning rate of P that nothing scales, in place of fast_rate; 0: none"
    )
    gamma: float = number(0, 16, 0.1, "weight of the residual P - Qref in the products")
    scale_rate: float = number(0, 16, 0.01, "learning rate of the output scales, 0: fixed")
    transfer_every: int = integer(1, 10**6, 1, "training steps to a transfer event")
    reads: int = integer(1, 1024, 1, "columns that a transfer event reads")
    hidden_momentum: float = number(0, 1, 0.0, "what is left of H after a write, rounded to the tile's momentum_bits")

    @classmethod
    def of(cls, algorithm: str | Algorithm, **given: float) -> Rates:
        """What an algorithm starts from, with ``given`` in its place.

        Raises
        ------
        TypeError, ValueError
            There is no such algorithm, a rate is not allowed, or it has no effect on this algorithm.
        """
        found = named(algorithm)
        for name, reason in without_effect(found).items():
            if name in given:
                raise ValueError(f"{name} = {given[name]!r}: must be left out with {algorithm}, {reason}")
        return cls(**{**found.rates, **given})  # type: ignore[arg-type]

    def check(self, algorithm: str | Algorithm) -> None:
        """Raise ValueError for a rate that is not as the algorithm has it, and has no effect on it."""
        own = Rates.of(algorithm)
        for name, reason in without_effect(named(algorithm)).items():
            if (value := getattr(self, name)) not in (getattr(own, name), getattr(Rates(), name)):
                raise ValueError(f"{name} = {value!r}: must be left out with {algorithm}, {reason}")


def named(algorithm: str | Algorithm) -> Algorithm:
    """The algorithm of a name, or an own one as it is.

    Raises
    ------
    TypeError, ValueError
        It is neither, or there is no such algorithm.
    """
    if isinstance(algorithm, CustomAlgorithm):
        return algorithm
    if not isinstance(algorithm, str):
        allowed = f"a name, one of {', '.join(ALGORITHMS)}, or a CustomAlgorithm, which states its version"
        raise TypeError(f"algorithm = {algorithm!r}: must be {allowed}")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm = {algorithm!r}: must be one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[algorithm]


def definition(algorithm: str | Algorithm) -> Algorithm:
    """What is run, without the rates that it starts from: a run has its own."""
    return replace(named(algorithm), rates={})


def own_rates(given: Mapping[str, float]) -> Rates:
    """`Rates` with these in place of the defaults.

    Raises
    ------
    TypeError, ValueError
        There is no such rate, or it cannot have that value.
    """
    for name, value in given.items():
        if name not in Rates.__dataclass_fields__:
            raise ValueError(f"rates: {name} = {value!r}: must be one of {', '.join(Rates.__dataclass_fields__)}")
    return Rates(**given)  # type: ignore[arg-type]


def without_effect(algorithm: Algorithm) -> dict[str, str]:
    """The fields of `Rates` that change nothing of an algorithm, each with the reason."""
    if algorithm.target == Target.SLOW:
        names = ("granularity", "fast_rate", "fixed_fast_rate", "gamma", "transfer_every", "reads", "hidden_momentum")
        return dict.fromkeys(names, "whose updates go to W at once")
    found: dict[str, str] = {"clip_errors": "whose updates go to P"}
    if algorithm.direct:
        found |= dict.fromkeys(("granularity", "hidden_momentum"), "whose writes have no threshold")
    if not algorithm.residual:
        found["gamma"] = "whose products have no residual"
    return found


def settings(
    algorithm: Algorithm,
    *,
    config: TileConfig,
    rates: Rates,
    dw_min: float,
    lsb: int,
    warming_up: bool,
    factor: float = 1.0,
    may_rest: bool = False,
) -> Settings:
    """Settings of one transfer; ``lsb`` is one ADC code as a weight with 30 fractional bits.

    factor: what a schedule multiplies the learning rate by.
    may_rest: a factor below 1 may make the gain 0, with which W rests, as where a schedule comes near to 0.

    Raises
    ------
    ValueError
        The gain does not fit ``gain_bits``, or is too small to have any effect; the tile has no choppers of rows, or
        no symmetric points.
    """
    thresholds = _thresholds(algorithm, config, rates, dw_min, lsb) * Fraction(factor)
    gain = round(thresholds * (1 << config.threshold_shift))
    high = (1 << config.gain_bits) - 1
    if not (0 if may_rest and factor < 1.0 else 1) <= gain <= high:
        scheduled = f" * {factor}" if factor != 1 else ""
        granularity = "" if algorithm.direct else f"granularity = {rates.granularity}, "
        raise ValueError(
            f"gain = {gain} from learning_rate = {rates.learning_rate}{scheduled}, {granularity}"
            f"dw_min = {dw_min}: must be from 1 to {high}{_advice(config, thresholds)}"
        )
    if algorithm.row_chopper != ChopperMode.OFF and not config.row_chopper:
        raise ValueError(f"row_chopper = {algorithm.row_chopper.name}: must be OFF for a tile without row_chopper")
    if algorithm.reference != Reference.ZERO and not config.symmetric_point:
        raise ValueError(f"reference = {algorithm.reference.name}: must be ZERO for a tile without symmetric_point")
    return Settings(
        target=algorithm.target,
        chopper=algorithm.chopper,
        scope=algorithm.scope,
        row_chopper=algorithm.row_chopper,
        reference=algorithm.reference,
        filter=algorithm.filter and bool(config.symmetric_point),
        direct=algorithm.direct,
        gain=gain,
        forget=True,
        momentum=min(round(rates.hidden_momentum * (1 << config.momentum_bits)), (1 << config.momentum_bits) - 1),
        accumulate=not warming_up,
    )


def fitting_shift(
    algorithm: Algorithm,
    *,
    config: TileConfig,
    rates: Rates,
    dw_min: float,
    lsb: int,
    factors: Sequence[float] = (1.0,),
) -> int | None:
    """The ``threshold_shift`` next to that of the configuration with which the gains of all factors fit, None for none.

    The arguments are those of `settings`, ``factors`` those of a schedule.
    """
    one = _thresholds(algorithm, config, rates, dw_min, lsb)
    return _nearest(config, [one * Fraction(factor) for factor in factors])


def _thresholds(algorithm: Algorithm, config: TileConfig, rates: Rates, dw_min: float, lsb: int) -> Fraction:
    """The gain in write thresholds."""
    unit = Fraction(dw_min) * (1 if algorithm.direct else Fraction(rates.granularity) / config.columns)
    return Fraction(rates.learning_rate) * Fraction(lsb, WEIGHT_ONE << config.reference_fraction_bits) / unit


def _nearest(config: TileConfig, thresholds: Sequence[Fraction]) -> int | None:
    high = (1 << config.gain_bits) - 1
    shifts = [
        shift
        for shift in range(config.hidden_bits - 1)
        if all(1 <= round(one * (1 << shift)) <= high for one in thresholds)
    ]
    # Where that can be had, the smallest gain is rounded by a sixteenth of itself at most.
    fine = [shift for shift in shifts if min(thresholds) * (1 << shift) >= _FINE]
    return min(fine or shifts[-1:], key=lambda shift: abs(shift - config.threshold_shift), default=None)


def _advice(config: TileConfig, thresholds: Fraction) -> str:
    """What of the configuration to change so that a gain of so many write thresholds fits."""
    shift = _nearest(config, [thresholds])
    return " (gain_bits, threshold_shift)" if shift is None else f" (gain_bits), as with threshold_shift = {shift}"
