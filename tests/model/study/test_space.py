# SPDX-License-Identifier: Apache-2.0
"""Tests of what explorations vary: every choice is a tile that can be, and what has no effect is refused."""

from dataclasses import replace
from itertools import product

import pytest
from optuna.distributions import CategoricalDistribution

from symtrack.model.network.algorithms import ALGORITHMS
from symtrack.model.study.exploration import maker
from symtrack.model.study.space import PARAMETERS, applied, rounded, space
from symtrack.model.training.spec import TrainingSpec

SPEC = TrainingSpec(network={"hidden": [4]})


def ends(one) -> tuple:
    return one.choices if isinstance(one, CategoricalDistribution) else (one.low, one.high)


@pytest.mark.parametrize("fixed", [{}, {"filter_shift": 7}, {"reference_fraction_bits": 2}, {"adc_bits": 5}])
def test_every_choice_is_a_tile_that_can_be(fixed: dict[str, int]) -> None:
    ranges = space(SPEC, None, fixed)
    assert set(ranges) | set(fixed) == set(PARAMETERS)
    names = ["adc_bits", "reference_fraction_bits", "latch_shift", "filter_shift"]
    varied = [name for name in names if name in ranges]
    for chosen in product(*(ends(ranges[name]) for name in varied)):
        tiles = applied(SPEC, {**fixed, **dict(zip(varied, chosen, strict=True))}).problem().tile_configs
        assert all(tile.reference_fraction_bits >= tile.filter_shift for tile in tiles)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_has_no_effect_is_not_varied(algorithm: str) -> None:
    spec = replace(SPEC, algorithm=algorithm)
    ranges = space(spec, None, {})
    make = maker(spec, {})
    make(
        rounded(
            {name: ends(one)[0] for name, one in ranges.items()} | {"read_bound": 2.0} if "read_bound" in ranges else {}
        )
    )
    left_out = {name for name in PARAMETERS if name not in ranges}
    assert ("gamma" in left_out) == (not ALGORITHMS[algorithm].residual)
    for name in left_out:
        with pytest.raises(ValueError, match=f"vary = '{name}': must be left out with {algorithm}"):
            space(spec, [name], {})


def test_values_are_where_they_belong() -> None:
    made = applied(SPEC, {"adc_bits": 7, "output_bound": 6.0, "read_bound": 2.0, "gamma": 0.2, "lanes": 2})
    assert dict(made.tiles) == {"adc_bits": 7, "lanes": 2, "threshold_shift": "auto"}
    assert (made.converters.output_bound, made.converters.read_bound, made.rates.gamma) == (6.0, 2.0, 0.2)
    assert applied(replace(SPEC, algorithm="analog-sgd"), {"lanes": 2}).tiles == {"lanes": 2}


def test_tiles_that_are_told_are_not_varied() -> None:
    ranges = space(replace(SPEC, tiles={"lanes": 2, "filter_shift": 1}), None, {"gamma": 0.1})
    assert not {"lanes", "filter_shift", "gamma"} & set(ranges)


def test_bad_names() -> None:
    with pytest.raises(ValueError, match="vary = 'rows': must be one of adc_bits"):
        space(SPEC, ["rows"], {})
    with pytest.raises(ValueError, match="fix = 'rows': must be one of adc_bits"):
        space(SPEC, None, {"rows": 3})
    with pytest.raises(ValueError, match="vary = 'lanes': must not be fixed as well, and has the value 2"):
        space(SPEC, ["lanes"], {"lanes": 2})
    with pytest.raises(ValueError, match=r"vary = \[\]: must have one parameter at least"):
        space(SPEC, None, dict.fromkeys(PARAMETERS, 1))
    with pytest.raises(ValueError, match=r"adc_bits = 9\.5"):
        maker(SPEC, {"adc_bits": 9.5})({})
