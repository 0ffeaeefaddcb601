"""Training algorithms as settings of the transfer path (DESIGN 3.3).

    H counts pulses for W in units of 2**-threshold_shift:   gain * d = 2**threshold_shift * rate * weight(d) / unit,
    unit = dw_min * granularity / columns

so a demodulated read of ``unit / rate`` writes one pulse. `weight(d)` is d * lsb / 2**reference_fraction_bits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

from model.config import Chopper, Reference, Settings, TileConfig
from model.devices.cells import WEIGHT_ONE


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What distinguishes one algorithm from another.

    warm_up: the first chopper period only fills the filter, since Qref is not yet known; nothing is written. residual:
    forward and backward products include gamma * (P - Qref).
    """

    chopper: Chopper
    reference: Reference
    warm_up: bool
    residual: bool


_LATCHED = Algorithm(chopper=Chopper.REGULAR, reference=Reference.LATCHED, warm_up=True, residual=False)

ALGORITHMS: dict[str, Algorithm] = {
    "tt-v2": Algorithm(chopper=Chopper.OFF, reference=Reference.ZERO, warm_up=False, residual=False),
    "c-tt-v2": Algorithm(chopper=Chopper.REGULAR, reference=Reference.ZERO, warm_up=False, residual=False),
    "agad": _LATCHED,
    "e-rider": Algorithm(chopper=Chopper.REGULAR, reference=Reference.LATCHED, warm_up=True, residual=True),
}


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Hyperparameters of training.

    learning_rate: of W. granularity: steps that make a write threshold, divided by the columns. fast_rate: of P, in
    trains of full length for a typical update. momentum: of the running maxima that scale the fast rate. gamma: weight
    of the residual. scale_rate: learning rate of the output scale.

    Raises
    ------
    TypeError, ValueError
        A rate is not a number or lies outside its range.
    """

    learning_rate: float = 0.1
    granularity: float = 100.0
    fast_rate: float = 0.5
    momentum: float = 0.99
    gamma: float = 0.1
    scale_rate: float = 0.01

    def __post_init__(self) -> None:
        highest = {"granularity": 1e6, "momentum": 1.0}
        for spec in fields(self):
            value, high = getattr(self, spec.name), highest.get(spec.name, 16.0)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{spec.name} = {value!r}: must be a number from 0 to {high:g}")
            if not 0 <= value <= high:
                raise ValueError(f"{spec.name} = {value!r}: must be from 0 to {high:g}")
        if self.granularity < 1:
            raise ValueError(f"granularity = {self.granularity!r}: must be from 1 to 1e+06")


def settings(
    algorithm: Algorithm, *, config: TileConfig, rates: Rates, dw_min: float, lsb: int, warming_up: bool
) -> Settings:
    """Settings of one transfer; ``lsb`` is one ADC code as a weight with 30 fractional bits.

    Raises
    ------
    ValueError
        The gain does not fit ``gain_bits``, or is too small to have any effect.
    """
    unit = Fraction(dw_min) * Fraction(rates.granularity) / config.columns
    code = Fraction(lsb, WEIGHT_ONE << config.reference_fraction_bits)
    gain = round(Fraction(rates.learning_rate) * code / unit * (1 << config.threshold_shift))
    high = (1 << config.gain_bits) - 1
    if not 1 <= gain <= high:
        raise ValueError(
            f"gain = {gain} from learning_rate = {rates.learning_rate}, granularity = {rates.granularity}, "
            f"dw_min = {dw_min}: must be from 1 to {high} (gain_bits, threshold_shift)"
        )
    return Settings(
        chopper=algorithm.chopper,
        reference=algorithm.reference,
        gain=gain,
        forget=True,
        momentum=0,
        accumulate=not warming_up,
    )
