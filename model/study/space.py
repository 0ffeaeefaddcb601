# SPDX-License-Identifier: Apache-2.0
"""What a design-space exploration varies: word widths, lanes, converters and rates, and a run with values of them.

Ranges are such that every choice of values is a tile that can be: Q has at least as many fractional bits as the filter
shifts, and references at least one bit above what a latch drops. The write threshold follows from the rest
(``threshold_shift = auto``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from symtrack.model.network.algorithms import Algorithm, Rates, named
from symtrack.model.spec.settings import ChopperMode, Reference, Target
from symtrack.model.training.spec import AUTO, TrainingSpec

DIGITS = 3
Value = int | float | str
Parameters = Mapping[str, Value]
TILE: dict[str, BaseDistribution] = {
    "adc_bits": IntDistribution(5, 12),
    "reference_fraction_bits": IntDistribution(4, 8),
    "latch_shift": IntDistribution(0, 6),
    "hidden_bits": IntDistribution(12, 28),
    "lanes": CategoricalDistribution((1, 2, 4, 8)),
    "filter_shift": IntDistribution(0, 4),
    "chopper_period": CategoricalDistribution((1, 2, 5, 10, 20)),
    "bl_max": IntDistribution(3, 63, log=True),
}
CONVERTERS: dict[str, BaseDistribution] = {
    "output_bound": FloatDistribution(2.0, 48.0, log=True),
    "read_bound": FloatDistribution(0.2, 12.0, log=True),
}
RATES: dict[str, BaseDistribution] = {"gamma": FloatDistribution(0.003, 0.5, log=True)}
PARAMETERS = TILE | CONVERTERS | RATES


def rounded(settings: Mapping[str, Any], digits: int = DIGITS) -> dict[str, Any]:
    """With so few digits that what is shown is what is run."""
    return {
        name: float(f"{value:.{digits}g}") if isinstance(value, float) else value for name, value in settings.items()
    }


def without_effect(algorithm: Algorithm) -> dict[str, str]:
    """Parameters that an algorithm does not depend on, with the reason."""
    if algorithm.target == Target.SLOW:
        names = ("reference_fraction_bits", "latch_shift", "hidden_bits", "filter_shift", "chopper_period")
        return dict.fromkeys((*names, "read_bound", "gamma"), "whose updates go to W at once")
    found = {}
    if algorithm.direct:
        found["hidden_bits"] = "whose writes are not buffered"
    if algorithm.reference != Reference.LATCHED:
        found["latch_shift"] = "which latches no reference"
    if algorithm.reference == Reference.ZERO or not algorithm.filter:
        found["filter_shift"] = "which has no filter"
    if ChopperMode.REGULAR not in (algorithm.chopper, algorithm.row_chopper):
        found["chopper_period"] = "which has no regular chopper"
    if not algorithm.residual:
        found["gamma"] = "whose products have no residual"
    return found


def known(names: Sequence[str], field: str = "vary") -> dict[str, BaseDistribution]:
    """The ranges of parameters with these names, which come from ``field``.

    Raises
    ------
    ValueError
        There is no such parameter.
    """
    for name in names:
        if name not in PARAMETERS:
            raise ValueError(f"{field} = {name!r}: must be one of {', '.join(PARAMETERS)}")
    return {name: PARAMETERS[name] for name in names}


def space(spec: TrainingSpec, vary: Sequence[str] | None, fixed: Parameters) -> dict[str, BaseDistribution]:
    """The ranges of what is varied: by default all that is neither fixed nor without effect.

    Raises
    ------
    ValueError
        A name is none of `PARAMETERS`, is fixed and varied, or has no effect on the algorithm.
    """
    useless = without_effect(spec.choppers.of(named(spec.algorithm)))
    for field, names in (("fix", tuple(fixed)), ("vary", tuple(vary or ()))):
        for name in known(names, field):
            if name in useless:
                raise ValueError(f"{field} = {name!r}: must be left out with {spec.algorithm}, {useless[name]}")
            if field == "vary" and name in fixed:
                raise ValueError(f"vary = {name!r}: must not be fixed as well, and has the value {fixed[name]!r}")
    given: dict[str, Any] = {**spec.tiles, **fixed}
    free = [name for name in vary or PARAMETERS if name not in useless and (vary is not None or name not in given)]
    if not free:
        raise ValueError(f"vary = {list(vary or ())!r}: must have one parameter at least")
    return _possible(known(free), given)


def _possible(ranges: dict[str, BaseDistribution], given: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """The ranges without values that a fixed one rules out; a fixed value that leaves none is told when it is run."""
    result = dict(ranges)
    fraction, shift = given.get("reference_fraction_bits"), given.get("filter_shift")
    if isinstance(fraction, int) and "filter_shift" in result:
        result["filter_shift"] = IntDistribution(0, max(min(4, fraction), 0))
    if isinstance(shift, int) and "reference_fraction_bits" in result:
        result["reference_fraction_bits"] = IntDistribution(max(4, min(shift, 8)), 8)
    if "latch_shift" in result:
        least = {"adc_bits": 5, "reference_fraction_bits": 4}
        bits = sum(int(given.get(name, low if name in ranges else 6)) for name, low in least.items())
        result["latch_shift"] = IntDistribution(0, max(min(6, bits - 2), 0))
    return result


def applied(spec: TrainingSpec, parameters: Parameters) -> TrainingSpec:
    """The run with these values in place of its own.

    Raises
    ------
    TypeError, ValueError
        A value is not allowed, or its task cannot be as it is told to be.
    """
    tiles = {name: value for name, value in parameters.items() if name in TILE}
    automatic = named(spec.algorithm).target == Target.FAST and AUTO[0] not in spec.tiles
    changed: dict[str, Any] = {"tiles": {**spec.tiles, **tiles, **(dict([AUTO]) if automatic else {})}}
    bounds: Any = {name: value for name, value in parameters.items() if name in CONVERTERS}
    if bounds:
        changed["converters"] = replace(spec.converters or spec.problem().converters, **bounds)
    rates: Any = {name: value for name, value in parameters.items() if name in RATES}
    if rates:
        changed["rates"] = replace(spec.rates or Rates.of(spec.algorithm), **rates)
    return replace(spec, **changed)
