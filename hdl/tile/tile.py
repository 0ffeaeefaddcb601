# SPDX-License-Identifier: Apache-2.0
"""Tile periphery: sequencer, update path, transfer path and choppers behind stream ports.

    update:    x, δ -> slots of row and column lines     update_cycles(slots) = 1 + ⌈C/L⌉ + ⌈R/L⌉ + SLOT_LATENCY + slots
    transfer:  ADC codes of one column -> write pulses   transfer_cycles = 2 + ⌈R/L⌉ + BEAT_LATENCY
    calibrate: slots of all lines, then sweeps of reads  calibration_cycles(pulses, sweeps)
    program:   reads of a column of R and corrections    programming_cycles(rounds)

Ports, timing and arithmetic are specified in ``docs/tile.md``. One operation at a time; every output stream waits for
its ``ready`` as long as that takes.
"""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from symtrack.hdl.tile import ports
from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.counters import Counters
from symtrack.hdl.tile.seed_loader import SeedLoader
from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.hdl.tile.transfer import TransferPath
from symtrack.hdl.tile.update import UpdatePath
from symtrack.hdl.tile.used_lines import UsedLines
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.status import COUNTERS


class Tile(wiring.Component):
    """Digital periphery of one crossbar tile; members as in ``docs/tile.md``."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(ports.tile(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = Sequencer(self.config)
        m.submodules.chopper = chopper = Chopper(self.config)
        m.submodules.update = update = UpdatePath(self.config)
        m.submodules.transfer = transfer = TransferPath(self.config)
        m.submodules.counters = counters = Counters(self.config)
        m.submodules.seed_loader = loader = SeedLoader(self.config)
        m.submodules.used_lines = used = UsedLines(self.config)

        for inner, outer in (
            (sequencer.command, self.command),
            (sequencer.settings, self.settings),
            (update.vectors, self.vectors),
            (update.pulses, self.pulses),
            (transfer.codes, self.codes),
            (transfer.writes, self.writes),
            (loader.seeds, self.seeds),
        ):
            connect(m, inner, flipped(outer))
        connect(m, sequencer.sampled, transfer.settings)
        if self.config.self_test:
            connect(m, transfer.inject, flipped(self.inject))
        m.d.comb += [
            self.read.valid.eq(sequencer.read.valid),
            self.read.array.eq(sequencer.programming),
            self.read.column.eq(Mux(sequencer.programming, sequencer.column, chopper.column)),
            sequencer.read.ready.eq(self.read.ready),
            used.start.eq(sequencer.start),
            used.used_rows.eq(self.settings.used_rows),
            used.used_columns.eq(self.settings.used_columns),
            used.column.eq(chopper.column),
            sequencer.coming_column.eq(used.coming_column),
            sequencer.last_column.eq(used.last_column),
            sequencer.loaded.eq(update.loaded),
            sequencer.pulsed.eq(update.finished),
            sequencer.streamed.eq(transfer.finished),
            chopper.mode.eq(sequencer.sampled.chopper),
            chopper.scope.eq(sequencer.sampled.scope),
            chopper.row_mode.eq(sequencer.sampled.row_chopper),
            sequencer.outside.eq(transfer.outside),
            chopper.restart.eq(used.restart),
            chopper.last_column.eq(used.last_column),
            chopper.finish.eq(transfer.finished & ~sequencer.programming),
            chopper.draw.eq(update.draw),
            update.start.eq(sequencer.start),
            update.coming_column.eq(used.coming_column),
            update.last_row.eq(used.last_row),
            update.used_rows.eq(used.rows),
            update.used_columns.eq(used.columns),
            update.load.eq(sequencer.load),
            update.run.eq(sequencer.pulse),
            update.shift.eq(sequencer.shift),
            update.zero_shifts.eq(sequencer.sampled.calibration_pulses),
            update.zero_random.eq(sequencer.sampled.calibration_random),
            update.chance.eq(chopper.chance),
            update.bl.eq(sequencer.bl),
            update.slow.eq(sequencer.sampled.target),
            update.signs.eq(chopper.signs),
            update.row_signs.eq(chopper.row_signs),
            transfer.clear.eq(sequencer.clear),
            transfer.clear_address.eq(sequencer.clear_address),
            transfer.restart.eq(used.restart),
            transfer.last_row.eq(used.last_row),
            transfer.end_of_sweep.eq(chopper.end_of_sweep),
            transfer.run.eq(sequencer.stream),
            transfer.programming.eq(sequencer.programming),
            transfer.program_column.eq(sequencer.column),
            transfer.last_round.eq(sequencer.last_round),
            transfer.column.eq(chopper.column),
            transfer.negative.eq(chopper.negative),
            transfer.flipped.eq(chopper.column_flipped),
            transfer.row_signs.eq(chopper.row_signs),
            transfer.row_flipped.eq(chopper.row_flipped),
            counters.slot.eq(self.pulses.valid & self.pulses.ready),
            counters.read.eq(self.read.valid & self.read.ready),
            counters.write.eq(self.writes.valid & self.writes.ready),
            counters.amount.eq(transfer.amount),
            counters.two.eq(transfer.two),
            counters.array.eq(self.writes.array),
            counters.cells.eq(transfer.cells),
            counters.last_round.eq(sequencer.last_round),
            self.status.busy.eq(sequencer.busy),
            self.status.chopper.eq(chopper.signs),
            self.status.row_chopper.eq(chopper.row_signs),
            self.status.hidden_saturated.eq(transfer.hidden_saturated),
            self.status.pulses_clamped.eq(transfer.pulses_clamped),
            self.status.memory_error.eq(transfer.memory_error),
            *(getattr(self.status, spec.name).eq(getattr(counters, spec.name)) for spec in COUNTERS),
            self.status.gave_up.eq(counters.gave_up),
            self.status.seed_refused.eq(loader.refused),
            loader.resting.eq(sequencer.resting),
            *(block.load_seed.eq(loader.load) for block in (update, chopper, transfer)),
            # The chain, from its end: choppers of rows, dither, choppers of columns, trains of columns, of rows.
            chopper.row_from_next.eq(self.seeds.state),
            transfer.from_next.eq(chopper.row_to_previous),
            chopper.from_next.eq(transfer.to_previous),
            update.from_next.eq(chopper.to_previous),
        ]
        return m
