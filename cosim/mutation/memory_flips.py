# SPDX-License-Identifier: Apache-2.0
"""Injects bit flips into all memories of the tile and checks that its parity reports each one in time.

One bit of a word flips while the tile is idle; then its column is read by an operation, with codes that come when they
want and writes that wait. `status__memory_error` must be high in one cycle, before the writes of the word's beat are
offered; and in one cycle of the next such read, too, if the word has not been written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random

import numpy as np

from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.hdl.output.state_map import all_items
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op, Settings
from symtrack.model.state import Arrays
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.parity import memories

READING = (Op.TRANSFER, Op.CALIBRATE, Op.PROGRAM)
LONGEST = 100  # cycles of a read for every one that it takes without waits


@dataclass(frozen=True)
class Flip:
    """One injected bit flip: a bit of the word of a beat, and the operation that reads the word afterwards.

    Attributes
    ----------
    op : the operation that reads.
    memory : the memory's name, one of `model.tile.parity.memories`.
    beat : the beat of the column that is read.
    bit : the bit of the word, of which the highest L are parity bits; None flips nothing.
    """

    op: Op
    memory: str
    beat: int
    bit: int | None


def flips(config: TileConfig, rng: Random) -> Iterator[Flip]:
    """Every flip to try: each operation that reads, with each bit of a word of each memory in a random beat, and with
    no flip.
    """
    for op in READING:
        if op == Op.PROGRAM and not config.programmer:
            continue
        for item in all_items(config):
            if item.name in memories(config):
                for bit in (None, *range(item.width)):
                    yield Flip(op, item.name, rng.randrange(config.row_beats), bit)


def silent(library: Path, config: TileConfig, seed: int, settings: Settings | None = None) -> list[Flip]:
    """Injected bit flips that ``memory_error`` missed or reported wrongly, and false alarms (flips without a bit)."""
    rng, tile = Random(seed), NativeTile(library, config)
    chosen = replace(settings or Settings(), calibration_sweeps=1, rounds=1)  # one read of a column in any operation
    for field in fields(chosen):
        tile.set(f"settings__{field.name}", int(getattr(chosen, field.name)))
    tile.operation(None, 0, record=False)
    return [flip for flip in flips(config, rng) if not _told(tile, flip, chosen, rng)]


def _told(tile: NativeTile, flip: Flip, settings: Settings, rng: Random) -> bool:
    """Inject a flip, read its column, and say whether ``memory_error`` came as it must; without a flip, never."""
    config, op = tile.config, flip.op
    arrays = _random_words(config, rng)
    tile.set_state(arrays)
    for _ in range(2):  # see `NativePeriphery.restore`
        tile.operation(None, 0, record=False)
    column = int(arrays["column"])
    tile.set("command__column", column)
    if flip.bit is not None:
        tile.flip(flip.memory, column * config.row_beats + flip.beat, flip.bit)
    alone = rng.random() < 0.5
    first = _errors(tile, op, rng, alone=alone)
    again = [_errors(tile, op, rng, alone=False) for _ in range(config.columns if op == Op.TRANSFER else 1)]
    number = len([beat for read in again for beat in read])
    if flip.bit is None or len(first) != 1:
        return flip.bit is None and not first and not number
    kept = flip.memory == "hidden" and (op != Op.TRANSFER or bool(settings.direct) or not settings.accumulate)
    return number == kept and (first[0] == flip.beat if alone else first[0] <= flip.beat)


def _random_words(config: TileConfig, rng: Random) -> Arrays:
    """The state after a reset, but with random words in the memories and a random next column."""
    arrays = Periphery(config).state_arrays()
    noise = np.random.default_rng(rng.randrange(1 << 32))
    arrays["column"] = np.array(rng.randrange(config.columns))
    forms = {"hidden": config.hidden_format, "residual": config.difference_format}
    for name in memories(config):
        form = forms.get(name, config.reference_format)
        arrays[name] = noise.integers(form.low, form.high, arrays[name].shape, endpoint=True)
    if config.symmetric_point:
        arrays["qref"] &= -1 << config.latch_shift
    return arrays


def _errors(tile: NativeTile, op: Op, rng: Random, *, alone: bool) -> list[int]:
    """Play an operation; for every cycle with ``memory_error``, the first beat whose writes had not been offered by
    then.

    With ``alone`` a beat enters only when the one before has left, so an error can only be in that beat.
    """
    config, told, sent, offered, taken = tile.config, [], 0, 0, 0
    tile.set("command__op", op)
    first, count = tile.layout.payload("codes")
    for cycle in range(LONGEST * config.columns * config.transfer_cycles):
        ready = rng.random() < 0.1
        tile.set("command__valid", cycle == 0)
        tile.set("read__ready", 1)
        tile.set("codes__valid", (not alone or sent == taken) and rng.random() < 0.5)
        tile.set("writes__ready", ready)
        tile.inputs[first : first + count] = rng.randrange(1 << config.adc_bits)
        tile.cycle()
        sent += tile.get("codes__ready") and bool(tile.inputs[tile.layout.inputs["codes__valid"][0]])
        offered = max(offered, taken + tile.get("writes__valid"))
        if tile.get("status__memory_error"):
            told.append(offered)
        taken += tile.get("writes__valid") and ready
        if cycle and not tile.get("status__busy"):
            break
    return told
