# SPDX-License-Identifier: Apache-2.0
"""Networks as data: layers and the grids of tiles they take.

    layer    z = s * W (x, 1) for every patch x of its input;  a dense layer has one patch, all of its input
    start    W uniform from -omega to omega,  s = 1 / (omega * sqrt(columns)), omega the weight scaling
    grid     rows and columns of W in blocks of nearly equal size, a tile for every pair, none above the largest size

The bias is the last column of W, so only tiles of the last block of columns have it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise

from symtrack.model.arithmetic.activations import ACTIVATIONS
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import check

WEIGHT_SCALING = 0.3  # omega unless told otherwise
SIZE_MAX = 65536  # most inputs or outputs of a layer
_LIMITS = {spec.name: spec.metadata["high"] for spec in fields(TileConfig) if spec.name in ("rows", "columns")}
TILE_ROWS, TILE_COLUMNS = _LIMITS["rows"], _LIMITS["columns"]  # of the largest tile


@dataclass(frozen=True, kw_only=True)
class LayerPlan(ABC):
    """Parameters that layers of all kinds have.

    Attributes
    ----------
    bias : a column for the constant input 1.
    weight_scaling : omega.
    scale : the output scale s, fixed; None for 1 / (omega * sqrt(columns)), learned with `Rates.scale_rate`.
    """

    bias: bool = True
    weight_scaling: float = WEIGHT_SCALING
    scale: float | None = None

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.type == "int":
                object.__setattr__(self, spec.name, check(spec.name, value, 1, SIZE_MAX))
        low = 0 if self.scale is not None else 1e-3
        object.__setattr__(self, "weight_scaling", check("weight_scaling", self.weight_scaling, low, 2, whole=False))
        if self.scale is not None:
            object.__setattr__(self, "scale", check("scale", self.scale, 1e-3, 64, whole=False))

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Values it takes."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Rows of W."""

    @property
    @abstractmethod
    def patch_size(self) -> int:
        """Values of a patch."""

    @property
    @abstractmethod
    def patches(self) -> int:
        """Vectors that go through W for one sample."""

    @property
    @abstractmethod
    def features(self) -> int:
        """Values it hands on."""

    @property
    def columns(self) -> int:
        """Columns of W."""
        return self.patch_size + self.bias


@dataclass(frozen=True, kw_only=True)
class Dense(LayerPlan):
    """Fully connected: ``size_in`` inputs, ``size_out`` outputs, each from 1 to `SIZE_MAX`."""

    size_in: int
    size_out: int

    @property
    def inputs(self) -> int:
        return self.size_in

    @property
    def rows(self) -> int:
        return self.size_out

    @property
    def patch_size(self) -> int:
        return self.size_in

    @property
    def patches(self) -> int:
        return 1

    @property
    def features(self) -> int:
        return self.size_out


@dataclass(frozen=True, kw_only=True)
class Convolution(LayerPlan):
    """Convolution with stride 1 and no padding, then max-pooling with windows side by side.

    Values of an image [height, width, channels] are in C order, and so are those of the output.

    Attributes
    ----------
    kernel : side of a patch.
    filters : channels of the output.
    pool : side of a pooling window; what is left over at the end is dropped.
    """

    height: int
    width: int
    channels: int
    kernel: int
    filters: int
    pool: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        side = min(self.height, self.width)
        if self.kernel > side:
            raise ValueError(f"kernel = {self.kernel}: must be from 1 to {side}, the shorter side of the image")
        if self.pool > side - self.kernel + 1:
            raise ValueError(f"pool = {self.pool}: must be from 1 to {side - self.kernel + 1}, what the kernel leaves")

    @property
    def inputs(self) -> int:
        return self.height * self.width * self.channels

    @property
    def rows(self) -> int:
        return self.filters

    @property
    def patch_size(self) -> int:
        return self.kernel * self.kernel * self.channels

    @property
    def convolved(self) -> tuple[int, int]:
        """Height and width before pooling."""
        return self.height - self.kernel + 1, self.width - self.kernel + 1

    @property
    def pooled(self) -> tuple[int, int]:
        """Height and width after it."""
        height, width = self.convolved
        return height // self.pool, width // self.pool

    @property
    def patches(self) -> int:
        height, width = self.convolved
        return height * width

    @property
    def features(self) -> int:
        height, width = self.pooled
        return height * width * self.filters


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Sizes of the blocks of rows and of columns of a layer; tiles are in C order."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of every tile."""
        return [(rows, columns) for rows in self.rows for columns in self.columns]

    def slices(self) -> list[tuple[slice, slice]]:
        """Where the tiles lie in W."""
        ends = [(0, *accumulate(sizes)) for sizes in (self.rows, self.columns)]
        rows, columns = ([slice(*pair) for pair in pairwise(end)] for end in ends)
        return [(row, column) for row in rows for column in columns]

    def names(self, layer: int) -> list[str]:
        """Names of the tiles: that of the layer where there is one, else with block row and block column."""
        if len(self.rows) == len(self.columns) == 1:
            return [f"layer{layer}"]
        return [f"layer{layer}.{row}.{column}" for row in range(len(self.rows)) for column in range(len(self.columns))]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network: its layers, the function between them (`model.arithmetic.activations.ACTIVATIONS`), and the largest
    tile.

    Raises
    ------
    ValueError
        Layers do not fit each other, the last is not dense, or a parameter lies outside its range.
    """

    layers: tuple[LayerPlan, ...]
    activation: str = "tanh"
    tile_rows: int = TILE_ROWS
    tile_columns: int = TILE_COLUMNS

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation = {self.activation!r}: must be one of {', '.join(ACTIVATIONS)}")
        for name, high in (("tile_rows", TILE_ROWS), ("tile_columns", TILE_COLUMNS)):
            object.__setattr__(self, name, check(name, getattr(self, name), 1, high))
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise ValueError(f"layers = {self.layers}: must end with a dense layer")
        for index, (below, layer) in enumerate(pairwise(self.layers), start=1):
            if layer.inputs != below.features:
                raise ValueError(f"layers[{index}].inputs = {layer.inputs}: must be {below.features}, what is below")

    def grids(self) -> tuple[TileGrid, ...]:
        """The tiles of every layer."""
        return tuple(
            TileGrid(rows=blocks(layer.rows, self.tile_rows), columns=blocks(layer.columns, self.tile_columns))
            for layer in self.layers
        )

    def tiles(self) -> tuple[TileConfig, ...]:
        """A configuration for every tile, layer by layer, with ``seed`` 1, 2, ...

        lanes: `default_lanes`. threshold_shift: one less for every doubling of the
        columns above 65, since the gain of a given learning rate is proportional to columns * 2**threshold_shift.
        """
        plain = TileConfig()
        return tuple(
            plain.replace(
                rows=rows,
                columns=columns,
                lanes=default_lanes(rows),
                threshold_shift=plain.threshold_shift - (max(columns - 2, 0) // 64).bit_length(),
                seed=number,
            )
            for number, (rows, columns) in enumerate(self._shapes(), start=1)
        )

    def check_tiles(self, configs: Sequence[TileConfig]) -> None:
        """Raise ValueError unless these are configurations for the tiles."""
        shapes = self._shapes()
        if len(configs) != len(shapes):
            raise ValueError(f"layers: {len(configs)} tiles: must be {len(shapes)}")
        for index, (config, (rows, columns)) in enumerate(zip(configs, shapes, strict=True)):
            if (config.rows, config.columns) != (rows, columns):
                raise ValueError(f"layers[{index}] is {config.rows}x{config.columns}: must be {rows}x{columns}")

    def _shapes(self) -> list[tuple[int, int]]:
        return [shape for grid in self.grids() for shape in grid.shapes()]


def default_lanes(rows: int) -> int:
    """The largest of 1, 2 and 4 that divides the rows."""
    return max(lanes for lanes in (1, 2, 4) if rows % lanes == 0)


def blocks(size: int, most: int) -> tuple[int, ...]:
    """``size`` in as few parts of at most ``most`` as there can be, none more than one larger than another."""
    ends = [size * part // -(-size // most) for part in range(-(-size // most) + 1)]
    return tuple(end - start for start, end in pairwise(ends))
