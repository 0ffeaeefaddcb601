# SPDX-License-Identifier: Apache-2.0
"""Speed of the updates of a layer, from its vectors to its cells, and the same beside aihwkit, turn by turn.

    ms per update = processor time of a turn's updates / their number

Inputs and errors are uniform from -1 to 1, some of them zero, and a pair of lines meets in BL * |x| * |delta| slots on
average, in both programs; our trains are as short as the largest pair allows, theirs have BL slots. Ours are made by
the golden periphery, and what products read of P follows every pulse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from symtrack.model.analysis.network_speed import Aihwkit, beside, beside_ours, images
from symtrack.model.analysis.speed import spread
from symtrack.model.arithmetic.converters import Converters
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.update_management import UpdateManager
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.operations import Periphery

DEVICE = SoftBoundsReference()
GAMMA = 0.1  # so that products read P


@dataclass(frozen=True, kw_only=True)
class LayerWork:
    """Updates of a layer.

    Attributes
    ----------
    title : what it is called in tables.
    density, row_density : share of inputs and of errors that are not zero.
    batch : vectors of a call.
    calls : of a turn.
    goal : aihwkit's milliseconds over ours, at least; None without one.
    """

    title: str
    rows: int
    columns: int
    bl: int
    density: float = 1.0
    row_density: float = 1.0
    batch: int = 1
    calls: int = 20
    goal: float | None = None


LAYERS = (
    LayerWork(title="128x128, dense", rows=128, columns=128, bl=31, calls=100, goal=5.0),
    LayerWork(title="128x128, 10 %", rows=128, columns=128, bl=31, density=0.1, row_density=0.1, calls=500, goal=4.0),
    LayerWork(title="512x512, dense", rows=512, columns=512, bl=31, calls=10, goal=5.0),
    LayerWork(title="512x512, 10 %", rows=512, columns=512, bl=31, density=0.1, row_density=0.1, calls=200, goal=4.0),
    *(
        LayerWork(title="256x785, images", rows=256, columns=785, bl=5, density=0.19, batch=batch, calls=200 // batch)
        for batch in (1, 10, 100)
    ),
)


ASKED = ("rows", "columns", "bl", "density", "row_density", "batch", "calls")  # what aihwkit's side is told


class Layer:
    """A layer's tile, and vectors to update it with."""

    def __init__(self, work: LayerWork, *, seed: int) -> None:
        self._work = work
        config = TileConfig(rows=work.rows, columns=work.columns, bl_max=work.bl)
        shape = {"rows": work.rows, "columns": work.columns, "seed": seed}
        self._tile = Crossbar(
            config=config,
            periphery=Periphery,
            fast=DEVICE.cells(**shape, array="fast"),
            slow=DEVICE.cells(**shape, array="slow"),
            converters=Converters(adc_bits=config.adc_bits),
            gamma=GAMMA,
            seed=seed,
            name="benchmark",
        )
        self._manager = UpdateManager(config=config, step=float(work.bl))
        rng = np.random.default_rng(seed)
        self._x, self._delta = (
            np.rint(rng.uniform(-1, 1, size) * (rng.random(size) < share) * VALUE_ONE).astype(np.int64)
            for size, share in (
                ((2, work.batch, work.columns), work.density),
                ((2, work.batch, work.rows), work.row_density),
            )
        )

    def measured(self) -> tuple[float, float]:
        """Milliseconds and coincidences of an update, of a turn; forth and back, so that cells stay in their range."""
        before, start = self._tile.coincidences, time.process_time()
        for call in range(self._work.calls):
            self._tile.learn(self._x[call % 2], self._delta[call % 2] * (1 - call % 4 // 2 * 2), self._manager)
        elapsed, updates = time.process_time() - start, self._work.calls * self._work.batch
        return 1e3 * elapsed / updates, (self._tile.coincidences - before) / updates


def layers(
    *,
    works: tuple[LayerWork, ...] = LAYERS,
    against: str | None = None,
    turns: int,
    seed: int,
    advance: Callable[[int], None] = lambda count: None,
) -> Iterator[dict[str, Any]]:
    """One entry for every layer, as `model.analysis.network_speed.networks` gives them for networks."""
    with beside(against, images(1, seed)) as theirs:
        for work in works:
            yield _turns(work, theirs, turns=turns, seed=seed, advance=advance)


def _turns(
    work: LayerWork, theirs: Aihwkit | None, *, turns: int, seed: int, advance: Callable[[int], None]
) -> dict[str, Any]:
    layer = Layer(work, seed=seed)
    ours: list[tuple[float, float]] = []
    other: list[float] = []
    for turn in range(turns + 1):
        ours.append(layer.measured())
        if theirs:
            other.append(theirs.asked(work="update", **{name: getattr(work, name) for name in ASKED}))
        if turn == 0:
            ours, other = [], []
        advance(1)
    times = [ms for ms, _ in ours]
    entry: dict[str, Any] = {
        "layer": work.title,
        "rows": work.rows,
        "columns": work.columns,
        "bl": work.bl,
        "batch": work.batch,
        "ms_per_update": median(times),
        "spread": spread(times),
        "coincidences_per_update": median(count for _, count in ours),
        "turns": turns,
        "goal": work.goal,
    }
    return entry | (beside_ours(theirs, "ms_per_update", other, times) if theirs else {})
