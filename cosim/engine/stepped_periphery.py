# SPDX-License-Identifier: Apache-2.0
"""RTL behind the methods of the golden periphery, clock cycle by clock cycle: the same training loop runs on either.

An update or a transfer is played cycle by cycle on a bench, in lock-step with the golden tile, without waits. As any
host it loads the seeds first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Difference, MismatchError, Ports
from symtrack.cosim.engine.state import with_ports
from symtrack.cosim.engine.streams import Streams
from symtrack.model.spec.config import TileConfig, UsedLines
from symtrack.model.spec.fixed import Format, Int
from symtrack.model.spec.settings import Op, Settings, Target
from symtrack.model.tile.interface import Calibration, PulseSlots, ReferenceColumn, Transfer
from symtrack.model.tile.packing import Words, unpack, unpack_signed


class SteppedPeriphery:
    """One tile in RTL; the methods are those of `model.tile.operations.Periphery`.

    Attributes
    ----------
    cycles : clock cycles of the operations so far, idle ones between them not counted.
    used : the rows and columns in use.
    """

    def __init__(self, bench: Bench) -> None:
        self.config: TileConfig = bench.config
        self.cycles = 0
        self._bench = bench
        self._streams = Streams(bench.config, bench.widths)
        self.use()
        self.load_seeds(bench.config.seeds)

    def load_seeds(self, seeds: Sequence[int]) -> None:
        """Give every random source its state; ``config.seeds`` are in from the start."""
        self._streams.send_seeds(seeds)
        self._bench.run(self._wait_idle())

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use these lines from the next operation on."""
        self.used = self.config.used(rows, columns)

    def _set(self, settings: Settings) -> None:
        self._streams.settings = replace(settings, used_rows=self.used.rows, used_columns=self.used.columns)

    @property
    def chopper(self) -> Int:
        """c, +1 or -1 per column."""
        return self._signs("status__chopper", self.used.columns)

    @property
    def row_chopper(self) -> Int:
        """c', +1 or -1 per row."""
        return self._signs("status__row_chopper", self.used.rows)

    def _signs(self, port: str, lines: int) -> Int:
        bits = self._streams.outputs[port]
        return np.array([-1 if bits >> line & 1 else 1 for line in range(lines)], np.int64)

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        column = self._streams.outputs["read__column"]
        return column if column < self.used.columns else 0

    def update(
        self,
        x_negative: Int,
        x_magnitude: Int,
        delta_negative: Int,
        delta_magnitude: Int,
        bl: int,
        target: Target = Target.FAST,
    ) -> PulseSlots:
        """Play one update; the lines of its slots."""
        streams = self._streams
        self._set(Settings(target=target))
        streams.outgoing["command"].append({"op": int(Op.UPDATE), "bl": bl})
        streams.send_vectors(list(x_magnitude), list(x_negative))
        streams.send_vectors(list(delta_magnitude), list(delta_negative))
        self._bench.run(self._operation())
        slots = streams.incoming["pulses"]
        check_target(self.config, self.cycles, target, [slot["slow"] for slot in slots])
        return PulseSlots(
            rows=_lines([slot["rows"] for slot in slots], self.config.rows)[:, : self.used.rows],
            columns=_lines([slot["columns"] for slot in slots], self.config.columns)[:, : self.used.columns],
            up=np.array([slot["up"] for slot in slots], np.uint8),
            quadrant=np.array([slot["quadrant"] for slot in slots], np.uint8),
        )

    def transfer(self, codes: Int, settings: Settings) -> Transfer:
        """Play one transfer of the next column with these ADC codes."""
        streams = self._streams
        self._set(settings)
        streams.outgoing["command"].append({"op": int(Op.TRANSFER), "bl": 0})
        streams.send_codes(list(codes))
        self._bench.run(self._operation())
        return self._written(streams.incoming["writes"])

    def calibrate(self, pulses: int, codes: Int, *, random: bool = False) -> Calibration:
        """Play one calibration with the ADC codes of its reads."""
        config, streams = self.config, self._streams
        sweeps = len(codes) // self.used.columns
        self._set(Settings(calibration_pulses=pulses, calibration_sweeps=sweeps, calibration_random=random))
        streams.outgoing["command"].append({"op": int(Op.CALIBRATE), "bl": 0})
        for column in codes:
            streams.send_codes(list(column))
        self._bench.run(self._operation())
        slots, writes, beats = streams.incoming["pulses"], streams.incoming["writes"], self.used.row_beats
        check_target(config, self.cycles, Target.FAST, [slot["slow"] for slot in slots])
        return Calibration(
            up=np.array([slot["up"] for slot in slots], np.uint8),
            reads=[self._written(writes[first : first + beats]) for first in range(0, len(writes), beats)],
        )

    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> int:
        """Play one programming, whose reads and writes are those of ``cells``; its rounds."""
        self._set(settings)
        rounds = Rounds(cells)
        self.cycles += self._bench.run(program_column(self._streams, column, rounds, self.used))
        return len(rounds.codes)

    def _written(self, beats: list[Ports]) -> Transfer:
        """The result of a read from its beats of writes."""
        config, rows = self.config, self.used.rows
        latched = [bit for beat in beats for bit in unpack(beat["latch"], 1, config.lanes)]
        residual = _words(config, beats, "residual", config.difference_format, rows) if config.residual_memory else None
        return Transfer(
            column=beats[0]["column"],
            pulses=_words(config, beats, "pulses", config.pulses_format, rows),
            latched=np.array(latched[:rows], np.uint8),
            reference=_words(config, beats, "reference", config.reference_format, rows),
            residual=residual,
        )

    def state_arrays(self) -> dict[str, Int]:
        """State under the golden names: memories and registers from inside the RTL, the rest from its ports.

        Raises
        ------
        KeyError
            The netlist does not show a memory or register under its name.
        """
        return with_ports(self.config, self._bench.read_state(), self._streams.outputs.__getitem__, self._signs)

    def _wait_idle(self) -> Generator[Ports, Ports, None]:
        """To the first idle cycle in which all seeds are in, as the native engine counts them."""
        busy = True
        while busy:
            busy = bool(self._streams.outgoing["seeds"])
            yield from self._streams.cycle()
            busy |= bool(self._streams.outputs["status__busy"])

    def _operation(self) -> Generator[Ports, Ports, None]:
        """From the cycle of the command to the first idle one, which is looked at but not counted."""
        for beats in self._streams.incoming.values():
            beats.clear()
        yield from self._streams.cycle()
        self.cycles += 1
        yield from self._streams.cycle()
        while self._streams.outputs["status__busy"]:
            self.cycles += 1
            yield from self._streams.cycle()


class Rounds:
    """Cells of R that remember what was read from them, so that the same rounds can be played again."""

    def __init__(self, cells: ReferenceColumn) -> None:
        self._cells = cells
        self.codes: list[Int] = []

    def read(self) -> Int:
        self.codes.append(self._cells.read())
        return self.codes[-1]

    def write(self, pulses: Int) -> None:
        self._cells.write(pulses)

    def again(self) -> ReferenceColumn:
        """Cells that are read as these were, whatever is written to them."""
        return _Replay(self.codes)


class _Replay:
    def __init__(self, codes: list[Int]) -> None:
        self._codes = iter(codes)
        self._last = codes[-1]

    def read(self) -> Int:
        return next(self._codes, self._last)

    def write(self, pulses: Int) -> None:
        """The reads are what they were."""


def program_column(
    streams: Streams, column: int, cells: ReferenceColumn, used: UsedLines
) -> Generator[Ports, Ports, int]:
    """A programming whose reads are answered by ``cells`` and whose writes go there; cycles up to the first idle one.

    What is read and written must be that column of R; else `MismatchError`.
    """
    config = streams.config
    for received in streams.incoming.values():
        received.clear()
    streams.outgoing["command"].append({"op": int(Op.PROGRAM), "bl": 0, "column": column})
    cycles = 0
    while not cycles or streams.outputs["status__busy"] or streams.outgoing["command"] or cycles < 2:
        yield from streams.cycle()
        cycles += 1
        for name in ("read", "writes"):
            for beat in streams.incoming[name]:
                for key, value in (("array", 1), ("column", column)):
                    if beat[key] != value:
                        where = f"{name}__{key}"
                        raise MismatchError(Difference(cycles, where, value, beat[key], tile=config.name))
        if streams.incoming["read"]:
            streams.incoming["read"].clear()
            streams.send_codes(list(cells.read()))
        if len(streams.incoming["writes"]) == used.row_beats:
            cells.write(_words(config, streams.incoming["writes"], "pulses", config.pulses_format, used.rows))
            streams.incoming["writes"].clear()
    return cycles - 1  # the last one is idle


def _words(config: TileConfig, beats: list[Ports], name: str, form: Format, rows: int) -> Int:
    """A signed payload of all rows in use from the beats of writes."""
    words = [word for beat in beats for word in unpack_signed(beat[name], form.width, config.lanes)]
    return np.array(words[:rows], np.int64)


def check_target(config: TileConfig, cycle: int, target: Target, slow: Sequence[int] | Words) -> None:
    """Every slot must be for the array that the update is for, whose cells it will step; else `MismatchError`."""
    wrong = np.not_equal(slow, int(target))
    if wrong.any():
        value = int(slow[int(wrong.argmax())])
        raise MismatchError(Difference(cycle, "pulses__slow", int(target), value, tile=config.name))


def _lines(words: list[int], count: int) -> np.ndarray:
    """Bits [slots, count] of one word per slot."""
    size = -(-count // 8)
    raw = b"".join(word.to_bytes(size, "little") for word in words)
    bytes_ = np.frombuffer(raw, np.uint8).reshape(len(words), size)
    return np.unpackbits(bytes_, axis=1, bitorder="little")[:, :count]
