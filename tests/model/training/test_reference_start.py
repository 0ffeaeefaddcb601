# SPDX-License-Identifier: Apache-2.0
"""Tests of references that start with an error of one's choice."""

from dataclasses import fields, replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, CustomAlgorithm
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.metrics import sp_rmse
from symtrack.model.training.reference_start import ReferenceStart
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

HELD = CustomAlgorithm(
    name="held",
    version=1,
    **{spec.name: getattr(replace(ALGORITHMS["e-rider"], filter=False), spec.name) for spec in fields(Algorithm)},
)


def spec(start: ReferenceStart | None, **options) -> TrainingSpec:
    offset = {"reference_mean": 0.3, "reference_std": 0.1}
    return TrainingSpec(network={"hidden": (8,)}, algorithm=HELD, reference_start=start, **offset, **options)


@pytest.mark.parametrize(("share", "noise"), [(1.0, 0.0), (0.0, 0.0), (0.5, 0.0), (1.0, 0.1)])
def test_the_error_is_the_one_that_is_asked_for_and_stays(share: float, noise: float) -> None:
    trainer = Trainer(spec(ReferenceStart(share=share, noise=noise)))
    (tile, _) = trainer.network.tiles
    point = tile.fast.symmetric_point() / WEIGHT_ONE
    size = np.sqrt((point**2).mean())
    before = sp_rmse(trainer.network.pulsed)
    lsb = tile.converters.read_lsb / WEIGHT_ONE / (1 << tile.config.reference_fraction_bits)
    assert before == pytest.approx(np.hypot((1 - share) * size, noise), rel=0.05, abs=lsb)
    trainer.run(30)
    assert sp_rmse(trainer.network.pulsed) == before
    assert trainer.metrics().counts["reads"] == 60


def test_a_tile_without_q_has_no_start() -> None:
    run = replace(spec(ReferenceStart(share=1.0)), algorithm="tt-v2", tiles={"symmetric_point": 0})
    with pytest.raises(ValueError, match=r"^reference_start: must be left out for a tile without symmetric_point"):
        Trainer(run)


def test_none_is_zero() -> None:
    ends = []
    for start in (None, ReferenceStart(share=0.0)):
        trainer = Trainer(spec(start))
        trainer.run(10)
        ends.append(trainer.metrics().state_sha256)
    assert ends[0] == ends[1]


def test_it_is_part_of_what_a_run_is() -> None:
    plain, started = Trainer(spec(None)).settings, Trainer(spec(ReferenceStart(noise=0.1))).settings
    assert started["reference_start.noise"] == "0.1"
    assert {name: text for name, text in started.items() if not name.startswith("reference_start")} == plain


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="share = 2: must be from 0 to 1"):
        ReferenceStart(share=2)
    with pytest.raises(ValueError, match=r"reference_start = .*: must be left out with analog-sgd"):
        Trainer(TrainingSpec(algorithm="analog-sgd", reference_start=ReferenceStart()))


class Sealed:
    """A periphery that cannot be set to a state, as RTL is."""

    def __init__(self, config) -> None:
        self._inner = Periphery(config)

    def __getattr__(self, name: str):
        if name == "restore":
            raise AttributeError(name)
        return getattr(self._inner, name)


def test_rtl_cannot_be_set_to_a_state() -> None:
    with pytest.raises(TypeError, match="reference_start: periphery = Sealed: must be one that can be set to a state"):
        Trainer(spec(ReferenceStart()), periphery=Sealed)
