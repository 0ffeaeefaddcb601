# SPDX-License-Identifier: Apache-2.0
"""Tests of products of words that are held digitally: exact sums, their roundings, and one pass through converters."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import SUM_MAX, VALUE_ONE, WEIGHT_ONE
from symtrack.model.network.algorithms import ALGORITHMS, RESIDUALS, Choppers
from symtrack.model.network.chain import Chain
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.macro import Macro
from symtrack.model.network.products import GAMMA_BITS, digital_products
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import ChopperMode
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

GAMMA = round(0.1 * 2**GAMMA_BITS)


def nearest(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def expected(vectors: Int, held: Int, gamma: int, lsb: int, bits: int) -> list[list[int]]:
    """gamma * D u for words D [outputs, inputs], with the three roundings and in fractions, so that nothing wraps."""
    result = []
    for vector in vectors.tolist():
        row = []
        for words in held.tolist():
            total = nearest(Fraction(sum(d * u for d, u in zip(words, vector, strict=True)), 2**bits))
            most = (SUM_MAX << 30) // lsb
            value = nearest(Fraction(min(max(total, -most), most) * lsb, 2**30))
            row.append(nearest(Fraction(value * gamma, 2**GAMMA_BITS)))
        result.append(row)
    return result


@pytest.mark.parametrize(("adc", "bits"), [(2, 0), (9, 6), (16, 12)])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (17, 33)])
def test_products_of_held_words_are_exact_up_to_their_roundings(adc: int, bits: int, rows: int, columns: int) -> None:
    rng, form = np.random.default_rng(adc), TileConfig(adc_bits=adc, reference_fraction_bits=max(bits, 2))
    high = form.difference_format.high
    held = rng.choice((-high - 1, high, 0, *rng.integers(-high, high, 5)), (columns, rows))
    lsb = Converters(adc_bits=adc).lsb
    for forward, size, words in ((True, columns, held.T), (False, rows, held)):
        most = 8 * VALUE_ONE
        vectors = rng.choice((-most, most, 0, *rng.integers(-most, most, 5)), (6, size))
        found = digital_products(vectors, forward, held, GAMMA, lsb, bits)
        assert found.tolist() == expected(vectors, words, GAMMA, lsb, bits)
        assert digital_products(vectors, forward, held, GAMMA + 1, lsb, bits).tolist() != found.tolist() or adc == 2


def test_sums_that_are_too_large_saturate_and_nothing_wraps() -> None:
    """The widest words, the largest tile, the largest values: the sum has 61 bits, and its value ends at `SUM_MAX`."""
    config = TileConfig(adc_bits=16, reference_fraction_bits=12)
    held = np.full((1024, 1), config.difference_format.low)
    lsb, vectors = Converters(adc_bits=16, output_bound=1024.0).lsb, np.full((1, 1024), 8 * VALUE_ONE)
    (value,) = digital_products(vectors, True, held, 16 << GAMMA_BITS, lsb, 12)[0]
    assert value == -16 * SUM_MAX
    assert expected(vectors, held.T, 16 << GAMMA_BITS, lsb, 12) == [[value]]


def trained(steps: int = 60, **arguments: object) -> Trainer:
    trainer = tiny.trainer(**arguments)
    trainer.run(steps)
    return trainer


def test_a_stale_residual_takes_a_third_of_the_passes_and_adds_what_is_held() -> None:
    tile = trained(residual="stale", rates=None).network.tiles[0]
    assert tile.periphery.residual.any()
    x = np.random.default_rng(1).integers(0, VALUE_ONE, (4, tile.config.columns))
    noise = NoiseStream(3)
    found = tile.forward(x, noise)
    assert noise.position == 4 * tile.config.rows
    scaled = tile._digital_gamma, tile.converters.read_lsb, tile.config.reference_fraction_bits
    added = expected(x, tile.periphery.residual.T, *scaled)
    tile._digital_gamma = 0
    assert (found - tile.forward(x, NoiseStream(3))).tolist() == added
    assert np.any(added)


@pytest.mark.parametrize("read_bound", [0.0, 1.0])
def test_it_is_the_analog_one_right_after_a_sweep_of_reads(read_bound: float) -> None:
    """P is where it was read and no sign has changed since, so both add the same but for codes of 16 bits."""
    converters = Converters(adc_bits=16, dac_bits=16, output_bound=4.0, output_noise=0.0, read_bound=read_bound)
    tiles = {"adc_bits": 16, "gain_bits": 16, "row_chopper": 1, "threshold_shift": 22, "hidden_bits": 32}
    choppers = Choppers(row_chopper=ChopperMode.REGULAR)
    trainer = trained(50, residual="stale", converters=converters, tiles=tiles, choppers=choppers)
    *_, learning = trainer.network.layers[0].blocks[0]
    tile, rng = learning.tile, np.random.default_rng(1)
    assert (tile.periphery.chopper < 0).any()
    assert (tile.periphery.row_chopper < 0).any()
    tile.fast.program(rng.integers(-WEIGHT_ONE // 4, WEIGHT_ONE // 4, tile.fast.weights.shape))
    still = replace(learning.settings(), chopper=ChopperMode.OFF, row_chopper=ChopperMode.OFF)
    for _ in range(tile.config.columns):
        tile.transfer(still, NoiseStream(1))
    gamma = tile._digital_gamma
    for product, size in ((tile.forward, tile.config.columns), (tile.backward, tile.config.rows)):
        vectors = rng.integers(-VALUE_ONE, VALUE_ONE, (4, size))
        stale = product(vectors, NoiseStream(3))
        tile._digital_gamma = 0
        without = product(vectors, NoiseStream(3))
        tile._gamma = gamma
        analog = product(vectors, NoiseStream(3))
        tile._gamma, tile._digital_gamma = 0, gamma
        assert np.abs(analog - without).max() > 0.005 * VALUE_ONE
        assert np.abs(analog - stale).max() < 0.01 * np.abs(analog - without).max()


def test_a_residual_is_zero_until_the_warm_up_is_over() -> None:
    trainer = tiny.trainer(residual="stale")
    steps = trainer.warm_up_steps
    trainer.run(steps)
    last = trainer.network.tiles[0]
    assert not last.periphery.residual.any()
    trainer.run(last.config.columns + 1)
    assert last.periphery.residual.any()


@pytest.mark.parametrize("name", [name for name, one in ALGORITHMS.items() if one.residual])
def test_without_gamma_the_form_of_the_residual_changes_nothing_else(name: str) -> None:
    """Also a word that is never read changes no other state."""
    runs = [
        trained(50, algorithm=name, residual=residual, rates=replace(tiny.trainer(name).rates, gamma=0.0))
        for residual in RESIDUALS
    ]
    one, other = (run.network.state_arrays() for run in runs)
    assert other.keys() - one.keys() == {"layer0_periphery_residual", "layer1_periphery_residual"}
    assert all(np.array_equal(one[key], other[key]) for key in one)
    differing = [trained(50, algorithm=name, residual=residual) for residual in RESIDUALS]
    assert (differing[0].metrics().state_sha256 != differing[1].metrics().state_sha256) or name == "tt-v1"


def test_a_chain_of_two_arrays_is_its_algorithm() -> None:
    plain = ALGORITHMS["e-rider"]
    fields = {name: getattr(plain, name) for name in ("chopper", "reference", "warm_up", "residual")}
    chain = Chain(name="two", version=1, arrays=2, **fields)
    runs = [trained(algorithm=algorithm, residual="stale") for algorithm in ("e-rider", chain)]
    assert runs[0].metrics().state_sha256 == runs[1].metrics().state_sha256


def test_a_macro_holds_the_words_of_the_lines_in_use() -> None:
    trainer = trained(residual="stale", macro=Macro(6, 9))
    for tile in trainer.network.tiles:
        held = tile.periphery.residual
        assert held.shape == (9, 6)
        assert not held[tile.config.columns :].any()
        assert not held[:, tile.config.rows :].any()
        assert np.array_equal(tile._residual, held[: tile.config.columns, : tile.config.rows])


def test_a_tile_without_the_memory_is_refused() -> None:
    tile = tiny.trainer().network.tiles[0]
    with pytest.raises(ValueError, match="residual_memory = 0: must be 1 for products of a stale residual"):
        Crossbar(
            config=tile.config,
            periphery=lambda _: tile.periphery,
            fast=tile.fast.cells,
            slow=tile.slow.cells,
            converters=tile.converters,
            gamma=0.1,
            stale=True,
            seed=1,
            name="tile",
        )
