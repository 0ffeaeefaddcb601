"""Whole operations with a cycle axis: every output port in every cycle of an operation that never waits.

    update:    1 command + ⌈C/L⌉ + B load + 1 + S slots + 1 idle            rows of outputs
    transfer:  1 command + 1 read + B codes + 4 pipeline + 1 idle

The last row is the idle cycle after the operation. Values are those of `model.periphery.Periphery`, positions those of
docs/tile.md, sections 5 and 6; `model.tile.Tile`, stepped through the same operation, gives the same outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.config import BEAT_LATENCY, Settings, Target, TileConfig
from model.fixed import Int
from model.lanes import Words, pack_lines, pack_words
from model.periphery import Periphery, PulseSlots, Transfer
from model.state import Arrays

Layout = Mapping[str, tuple[int, int]]


class TracedPeriphery:
    """A `model.periphery.Periphery` that also tells the output ports.

    Parameters
    ----------
    config
        Configuration of the tile.
    layout
        Of a row of outputs: first 64-bit word and number of words of every output port.
    """

    def __init__(self, config: TileConfig, layout: Layout) -> None:
        self.config = config
        self.periphery = Periphery(config)
        self._layout = {name: slice(first, first + count) for name, (first, count) in layout.items()}
        self._idle = np.zeros(sum(count for _, count in layout.values()), np.uint64)  # registers hold their values
        self._idle[self._layout["command__ready"]] = 1

    def clear(self) -> Words:
        """Outputs from the first cycle after reset to the first idle one."""
        return self._rows(self.config.clear_cycles, busy_from=0)

    def update(
        self,
        x_negative: Int,
        x_magnitude: Int,
        delta_negative: Int,
        delta_magnitude: Int,
        bl: int,
        target: Target = Target.FAST,
    ) -> tuple[PulseSlots, Words]:
        """Play one update; its slots and outputs."""
        config, at, status = self.config, self._layout, self.periphery.status
        before = status.slots
        slots = self.periphery.update(x_negative, x_magnitude, delta_negative, delta_magnitude, bl, target)
        count = slots.up.size
        rows = self._rows(config.update_cycles(count))
        load = config.column_beats + config.row_beats
        rows[1 : 1 + load, at["vectors__ready"]] = 1
        if count:
            first = load + 2
            played = slice(first, first + count)
            rows[played, at["pulses__valid"]] = 1
            self._hold(rows, "pulses__rows", first, pack_lines(slots.rows))
            self._hold(rows, "pulses__columns", first, pack_lines(slots.columns))
            self._hold(rows, "pulses__up", first, slots.up[:, None])
            self._hold(rows, "pulses__quadrant", first, slots.quadrant[:, None])
            self._hold(rows, "pulses__slow", first, np.full((count, 1), int(target)))
            last = np.zeros((count, 1), np.uint64)
            last[-1] = 1
            self._hold(rows, "pulses__last", first, last)
            self._count(rows, "status__slots", first + 1, before + np.arange(1, count + 1))
        return slots, rows

    def transfer(self, codes: Int, settings: Settings) -> tuple[Transfer, Words]:
        """Play one transfer; its result and outputs."""
        config, at, periphery = self.config, self._layout, self.periphery
        status, j = periphery.status, periphery.next_column
        pulses, saturated, clamped = status.transfer_pulses, status.hidden_saturated, status.pulses_clamped
        result = periphery.transfer(codes, settings)
        beats = config.row_beats
        rows = self._rows(config.transfer_cycles)
        rows[1, at["read__valid"]] = 1
        rows[2 : 2 + beats, at["codes__ready"]] = 1
        self._count(rows, "status__reads", 2, np.array([status.reads]))
        first = 2 + BEAT_LATENCY
        rows[first : first + beats, at["writes__valid"]] = 1
        self._hold(rows, "writes__column", first, np.full((beats, 1), j))
        self._hold(rows, "writes__beat", first, np.arange(beats)[:, None])
        self._hold(rows, "writes__latch", first, pack_words(self._by_beat(result.latched), 1))
        n = self._by_beat(result.pulses)
        self._hold(rows, "writes__pulses", first, pack_words(n, config.pulses_format.width))
        reference = self._by_beat(result.reference)
        self._hold(rows, "writes__reference", first, pack_words(reference, config.reference_format.width))
        self._count(rows, "status__transfer_pulses", first + 1, pulses + np.abs(n).sum(axis=1).cumsum())

        # Sticky flags rise with the beat that sets them; which one that is matters only when one does.
        if status.hidden_saturated > saturated or status.pulses_clamped > clamped:
            for beat, (h, n) in enumerate(zip(*map(self._by_beat, periphery.clipped), strict=True)):
                saturated |= bool(h.any())
                clamped |= bool(n.any())
                self._hold(rows, "status__hidden_saturated", first + beat, np.array([[saturated]]))
                self._hold(rows, "status__pulses_clamped", first + beat, np.array([[clamped]]))

        chopper = pack_lines((periphery.chopper < 0).astype(np.uint8)[None])
        self._hold(rows, "status__chopper", config.transfer_cycles, chopper)
        if config.row_chopper:
            rows_chopper = pack_lines((periphery.row_chopper < 0).astype(np.uint8)[None])
            self._hold(rows, "status__row_chopper", config.transfer_cycles, rows_chopper)
        self._hold(rows, "read__column", config.transfer_cycles, np.array([[periphery.next_column]]))
        return result, rows

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `Periphery.state_arrays`, payloads of streams being what they are."""
        self.periphery.restore(arrays)
        periphery, at = self.periphery, self._layout
        for name in ("slots", "reads", "transfer_pulses", "hidden_saturated", "pulses_clamped"):
            self._idle[at[f"status__{name}"]] = int(getattr(periphery.status, name))
        self._idle[at["status__chopper"]] = pack_lines((periphery.chopper < 0).astype(np.uint8)[None])[0]
        self._idle[at["status__row_chopper"]] = pack_lines((periphery.row_chopper < 0).astype(np.uint8)[None])[0]
        self._idle[at["read__column"]] = periphery.next_column

    def _rows(self, cycles: int, busy_from: int = 1) -> Words:
        """Outputs of an operation of so many cycles and one idle one, in which only the state moves."""
        rows = np.repeat(self._idle[None], cycles + 1, axis=0)
        rows[busy_from:cycles, self._layout["command__ready"]] = 0
        rows[busy_from:cycles, self._layout["status__busy"]] = 1
        return rows

    def _hold(self, rows: Words, name: str, first: int, values: np.ndarray) -> None:
        """A register that takes ``values`` [n, words] from cycle ``first`` on and keeps the last one, also later."""
        at = self._layout[name]
        rows[first : first + len(values), at] = values
        rows[first + len(values) :, at] = values[-1]
        self._idle[at] = values[-1]

    def _count(self, rows: Words, name: str, first: int, values: Int) -> None:
        """A counter that takes ``values`` [n] and stops at its largest value."""
        self._hold(rows, name, first, np.minimum(values, (1 << self.config.counter_bits) - 1)[:, None])

    def _by_beat(self, values: np.ndarray) -> Int:
        """Values [R] as [B, L], zero beyond the last row."""
        padded = np.zeros(self.config.row_beats * self.config.lanes, np.int64)
        padded[: self.config.rows] = values
        return padded.reshape(self.config.row_beats, self.config.lanes)
