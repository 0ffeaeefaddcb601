# SPDX-License-Identifier: Apache-2.0
"""Tests of identities between algorithms: those that are the same under a condition end in the same state.

Every identity has a twin in which one setting is changed so that it no longer holds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, Rates, settings, without_effect
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode
from symtrack.model.tasks.task import Task
from symtrack.model.tile.operations import Periphery
from tests.model.helpers import tiny
from tests.model.helpers.tile_driver import assert_same, random_codes, random_update

Changes = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Two algorithms, the configuration and rates under which they agree, and what is changed in the twin.

    changed: of algorithms (``one`` or both), ``config`` or ``rates``.
    """

    one: Algorithm
    other: Algorithm
    config: Changes = field(default_factory=dict)
    rates: Changes = field(default_factory=dict)
    changed: dict[str, Changes]

    def twin(self) -> Identity:
        """The same with the change."""
        both = self.changed.get("both", {})
        return replace(
            self,
            one=replace(self.one, **both, **self.changed.get("one", {})),
            other=replace(self.other, **both),
            config=self.config | self.changed.get("config", {}),
            rates=self.rates | self.changed.get("rates", {}),
        )


A = ALGORITHMS
IDENTITIES = {
    "e-rider without residual is agad": Identity(
        one=A["e-rider"], other=A["agad"], rates={"gamma": 0.0}, changed={"rates": {"gamma": 0.1}}
    ),
    "agad whose filter stays at zero is c-tt-v2": Identity(
        one=replace(A["agad"], filter=False, warm_up=False),
        other=replace(A["c-tt-v2"], filter=False),
        changed={"both": {"filter": True}},
    ),
    "c-tt-v2 with its chopper off is tt-v2": Identity(
        one=replace(A["c-tt-v2"], chopper=ChopperMode.OFF),
        other=A["tt-v2"],
        changed={"one": {"chopper": ChopperMode.REGULAR}},
    ),
    "c-tt-v2 whose time to flip never comes is tt-v2": Identity(
        one=A["c-tt-v2"], other=A["tt-v2"], config={"chopper_period": 1000}, changed={"config": {"chopper_period": 3}}
    ),
    "c-tt-v2 whose chance to flip is zero is tt-v2": Identity(
        one=replace(A["c-tt-v2"], chopper=ChopperMode.RANDOM),
        other=A["tt-v2"],
        config={"chopper_probability": 0},
        changed={"config": {"chopper_probability": 0.1}},
    ),
    "e-rider-a whose chance to flip is zero is rider": Identity(
        one=A["e-rider-a"],
        other=A["rider"],
        config={"chopper_probability": 0},
        changed={"config": {"chopper_probability": 0.1}},
    ),
    "rider whose filter stays at zero is tt-v1": Identity(
        one=replace(A["rider"], filter=False),
        other=replace(A["tt-v1"], filter=False),
        rates={"gamma": 0.0},
        changed={"both": {"filter": True}},
    ),
    "rows that never flip are no rows": Identity(
        one=replace(A["e-rider"], row_chopper=ChopperMode.RANDOM),
        other=A["e-rider"],
        config={"row_chopper": 1, "chopper_probability": 0},
        changed={"one": {"row_chopper": ChopperMode.REGULAR}},
    ),
}


def rates(identity: Identity, algorithm: Algorithm) -> Rates:
    """Those of the identity that have an effect on the algorithm."""
    given = {"learning_rate": 0.05, "granularity": 20.0} | identity.rates
    unused = without_effect(algorithm)
    return Rates(**{name: value for name, value in given.items() if name not in unused})  # type: ignore[arg-type]


def trained(identity: Identity, algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """All state and counters after a short training."""
    monkeypatch.setitem(ALGORITHMS, "variant", algorithm)
    plain = tiny.task()
    layers = tuple(layer.replace(**identity.config) for layer in plain.tile_configs)
    trainer = tiny.trainer(
        "variant", task=Task(**{**vars(plain), "tile_configs": layers}), rates=rates(identity, algorithm)
    )
    trainer.run(90)
    assert trainer.metrics().counts["transfer_pulses"] > 10
    return trainer.network.state_arrays() | trainer.network.counters()


def driven(identity: Identity, algorithm: Algorithm, config: TileConfig) -> dict[str, np.ndarray]:
    """State, slots, pulses and references of a periphery alone, with random reads and updates."""
    count, config, rng = 6 * config.chopper_period * config.columns, config.replace(**identity.config), random.Random(3)
    periphery, results = Periphery(config), []
    scaling = {"config": config, "rates": rates(identity, algorithm), "dw_min": 0.001, "lsb": Converters().lsb}
    for read in range(count):
        warming_up = algorithm.warm_up and read < config.chopper_period * config.columns
        codes, update = random_codes(config, rng), random_update(config, rng)
        transfer = periphery.transfer(codes, settings(algorithm, **scaling, warming_up=warming_up))  # type: ignore[arg-type]
        slots = periphery.update(**vars(replace(update, target=algorithm.target)))
        results += [transfer.pulses, transfer.reference, *vars(slots).values()]
    return periphery.state_arrays() | {
        "results": np.concatenate([result.ravel() for result in results], dtype=np.int64)
    }


@pytest.mark.parametrize("name", IDENTITIES)
def test_trainings_end_in_the_same_state(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = IDENTITIES[name]
    one, other = (trained(identity, algorithm, monkeypatch) for algorithm in (identity.one, identity.other))
    assert_same(one, other)
    twin = identity.twin()
    one, other = (trained(twin, algorithm, monkeypatch) for algorithm in (twin.one, twin.other))
    assert one.keys() == other.keys()
    assert any(np.any(one[key] != other[key]) for key in one if key.endswith("slow_state"))


@pytest.mark.parametrize("config", [NAMED["tiny"], NAMED["odd"]], ids=lambda config: config.name)
@pytest.mark.parametrize("name", [name for name in IDENTITIES if "residual" not in name])
def test_peripheries_give_the_same_results(name: str, config: TileConfig) -> None:
    identity = IDENTITIES[name]
    assert_same(driven(identity, identity.one, config), driven(identity, identity.other, config))
    twin = identity.twin()
    with pytest.raises(AssertionError):
        assert_same(driven(twin, twin.one, config), driven(twin, twin.other, config))


def test_the_residual_is_all_that_tells_e_rider_from_agad() -> None:
    assert replace(A["e-rider"], residual=False) == A["agad"]
    assert A["e-rider"] != A["agad"]


def test_choppers_of_rows_that_are_off_change_nothing_but_their_own_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Identity(one=A["e-rider"], other=A["e-rider"], changed={})
    without = trained(plain, A["e-rider"], monkeypatch)
    chopped = replace(plain, config={"row_chopper": 1})
    rows = trained(chopped, A["e-rider"], monkeypatch)
    assert_same(without, {name: rows[name] for name in without})
    assert all("row_" in name for name in rows.keys() - without.keys())
    assert len(rows) == len(without) + 2 * 3
    on = trained(chopped, replace(A["e-rider"], row_chopper=ChopperMode.REGULAR), monkeypatch)
    assert any(np.any(on[name] != without[name]) for name in without if name.endswith("slow_state"))
