# SPDX-License-Identifier: Apache-2.0
"""Tests of network architectures: sizes of layers, grids of tiles, and what is refused."""

from itertools import pairwise

import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.network.algorithms import ALGORITHMS, Rates, settings
from symtrack.model.network.architecture import SIZE_MAX, Architecture, Convolution, Dense, blocks
from symtrack.model.network.standard_networks import network
from symtrack.model.spec.config import NAMED

LSB = Converters().lsb


def test_default_layers_of_digits_are_the_named_ones() -> None:
    assert network((8, 8), 10).tiles() == (NAMED["digits_hidden"], NAMED["digits_output"])
    assert network((64,), 10, hidden=[32]).tiles() == network((8, 8), 10).tiles()


@pytest.mark.parametrize("hidden", [(), (1,), (3, 17), (256, 128), (1023, 64, 33)])
def test_layers_follow_the_sizes(hidden: tuple[int, ...]) -> None:
    tiles = network((40,), 10, hidden=hidden).tiles()
    sizes = (40, *hidden, 10)
    assert [(config.columns, config.rows) for config in tiles] == [
        (inputs + 1, outputs) for inputs, outputs in pairwise(sizes)
    ]
    assert [config.seed for config in tiles] == list(range(1, len(tiles) + 1))
    for config in tiles:  # settings() refuses a gain that does not fit its word
        assert config.rows % config.lanes == 0
        settings(ALGORITHMS["e-rider"], config=config, rates=Rates(), dw_min=0.001, lsb=LSB, warming_up=False)
    assert len({config.seeds[0] for config in tiles}) == len(tiles)


@pytest.mark.parametrize(
    ("size", "shapes", "features"),
    [
        ((28, 28), [(16, 26), (32, 401), (128, 513), (10, 129)], [12 * 12 * 16, 512, 128, 10]),
        ((20, 31), [(16, 26), (32, 401), (128, 2 * 4 * 32 + 1), (10, 129)], [8 * 13 * 16, 2 * 4 * 32, 128, 10]),
        ((8, 8), [(16, 10), (32, 145), (128, 33), (10, 129)], [3 * 3 * 16, 32, 128, 10]),
        ((19, 8), [(16, 10), (32, 145), (128, 6 * 32 + 1), (10, 129)], [8 * 3 * 16, 6 * 32, 128, 10]),
    ],
)
def test_lenet5(size: tuple[int, int], shapes: list[tuple[int, int]], features: list[int]) -> None:
    architecture = network(size, 10, architecture="lenet5", activation="relu")
    assert [(config.rows, config.columns) for config in architecture.tiles()] == shapes
    assert [layer.features for layer in architecture.layers] == features
    assert architecture.activation == "relu"


def test_blocks_are_few_and_nearly_equal() -> None:
    for size in range(1, 60):
        for most in range(1, 20):
            parts = blocks(size, most)
            assert sum(parts) == size
            assert max(parts) <= most
            assert max(parts) - min(parts) <= 1
            assert len(parts) == -(-size // most)


def test_grid_of_a_layer_larger_than_a_tile() -> None:
    architecture = network((40,), 10, hidden=[7], tile_rows=4, tile_columns=16)
    first, second = architecture.grids()
    assert (first.rows, first.columns) == ((3, 4), (13, 14, 14))
    assert first.names(0) == ["layer0.0.0", "layer0.0.1", "layer0.0.2", "layer0.1.0", "layer0.1.1", "layer0.1.2"]
    assert first.slices()[4] == (slice(3, 7), slice(13, 27))
    assert (second.rows, second.columns) == ((3, 3, 4), (8,))
    shapes = [*first.shapes(), *second.shapes()]
    assert [(config.rows, config.columns) for config in architecture.tiles()] == shapes
    assert [config.seed for config in architecture.tiles()] == list(range(1, 10))
    assert network((40,), 10).grids()[0].names(3) == ["layer3"]


def test_layers_beyond_the_largest_tile() -> None:
    architecture = network((32, 32), 10, hidden=[2000])
    assert [(config.rows, config.columns) for config in architecture.tiles()] == [
        (1000, 512),
        (1000, 513),
        (1000, 512),
        (1000, 513),
        (10, 1000),
        (10, 1001),
    ]


CONVOLUTION = {"height": 6, "width": 5, "channels": 2, "kernel": 3, "filters": 4}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network((8, 8), 10, hidden=(0,)), r"hidden = 0: must be from 1 to 65535"),
        (lambda: network((8, 8), 10, hidden=(32, SIZE_MAX)), r"hidden = 65536: must be from 1 to 65535"),
        (lambda: network((300, 300), 10), r"inputs = 90000: must be from 1 to 65535"),
        (lambda: network((8, 8), 10, architecture="vgg"), r"architecture = 'vgg': must be one of perceptron, lenet5"),
        (lambda: network((40,), 10, architecture="lenet5"), r"'lenet5': must be another for inputs of 40, it takes im"),
        (lambda: network((8, 7), 10, architecture="lenet5"), r"for inputs of 8 x 7, it takes images from 8 x 8"),
        (lambda: network((8, 8), 10, activation="gelu"), r"activation = 'gelu': must be one of tanh, sigmoid, relu"),
        (lambda: network((8, 8), 10, tile_rows=0), r"tile_rows = 0: must be from 1 to 1024"),
        (lambda: network((8, 8), 10, tile_columns=1025), r"tile_columns = 1025: must be from 1 to 1024"),
        (lambda: network((8, 8), 10, weight_scaling=0.0), r"weight_scaling = 0.0: must be from 0.001 to 2"),
        (lambda: Dense(size_in=3, size_out=0), r"size_out = 0: must be from 1 to 65536"),
        (lambda: Dense(size_in=3, size_out=1, scale=0.0), r"scale = 0.0: must be from 0.001 to 64"),
        (lambda: Convolution(**{**CONVOLUTION, "kernel": 6}), r"kernel = 6: must be from 1 to 5"),
        (lambda: Convolution(**CONVOLUTION, pool=4), r"pool = 4: must be from 1 to 3"),
        (lambda: Architecture(layers=()), r"layers = \(\): must end with a dense layer"),
        (lambda: Architecture(layers=(Convolution(**CONVOLUTION),)), r"must end with a dense layer"),
        (
            lambda: Architecture(layers=(Convolution(**CONVOLUTION), Dense(size_in=47, size_out=2))),
            r"layers\[1\].inputs = 47: must be 48, what is below",
        ),
        (lambda: network((8, 8), 10).check_tiles([NAMED["tiny"]]), r"layers: 1 tiles: must be 2"),
        (lambda: network((8, 8), 10).check_tiles([NAMED["tiny"]] * 2), r"layers\[0\] is 3x5: must be 32x65"),
    ],
)
def test_bad_values(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
