"""Sequencer: from commands to the states of the tile.

    CLEAR -> IDLE -> LOAD -> PULSE -> IDLE            (update)
                  -> READ -> STREAM -> IDLE           (transfer)

Settings and BL are sampled when a command is accepted, so they may change at any time. Latency: a state begins one
cycle after its cause. CLEAR takes ``depth`` cycles after reset.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl import ports
from model.config import Op, TileConfig


class Sequencer(wiring.Component):
    """State machine of the tile.

    Members
    -------
    command, settings : as the tile's ports
    sampled, bl : the settings and the train length of the command being carried out
    start : a command is accepted in this cycle
    clear, clear_address, load, pulse, stream : states
    loaded, pulsed, streamed : the state's work ends in this cycle
    read : request of the column, valid in READ; its column is driven elsewhere
    busy : not IDLE
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "command": In(ports.command(config)),
                "settings": In(ports.settings(config)),
                "sampled": Out(ports.settings(config)),
                "bl": Out(config.bl_bits),
                "start": Out(1),
                "clear": Out(1),
                "clear_address": Out(config.address_bits),
                "load": Out(1),
                "loaded": In(1),
                "pulse": Out(1),
                "pulsed": In(1),
                "read": Out(ports.stream()),
                "stream": Out(1),
                "streamed": In(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        # One register per state, at most one of them high; IDLE is none.
        clear = Signal(init=1)
        load, pulse, read, stream = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            self.busy.eq(clear | load | pulse | read | stream),
            self.command.ready.eq(~self.busy),
            self.start.eq(self.command.valid & ~self.busy),
            self.clear.eq(clear),
            self.load.eq(load),
            self.pulse.eq(pulse),
            self.read.valid.eq(read),
            self.stream.eq(stream),
        ]
        with m.If(clear):
            m.d.sync += self.clear_address.eq(self.clear_address + 1)
            with m.If(self.clear_address == config.depth - 1 if config.depth > 1 else 1):
                m.d.sync += clear.eq(0)
        with m.If(self.start):
            m.d.sync += [
                load.eq(~self.command.op.any()),  # Op.UPDATE
                read.eq(self.command.op == Op.TRANSFER),
                self.bl.eq(self.command.bl),
            ]
            if config.bl_max != (1 << config.bl_bits) - 1:
                with m.If(self.command.bl > config.bl_max):
                    m.d.sync += self.bl.eq(config.bl_max)
            for name in self.settings.signature.members:
                m.d.sync += getattr(self.sampled, name).eq(getattr(self.settings, name))
        with m.If(self.loaded):
            m.d.sync += [load.eq(0), pulse.eq(1)]
        with m.If(self.pulsed):
            m.d.sync += pulse.eq(0)
        with m.If(read & self.read.ready):
            m.d.sync += [read.eq(0), stream.eq(1)]
        with m.If(self.streamed):
            m.d.sync += stream.eq(0)
        return m
