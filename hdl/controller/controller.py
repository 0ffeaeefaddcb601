# SPDX-License-Identifier: Apache-2.0
"""Controller, the top level for integration: the tile behind an AXI4-Lite register file and AXI4-Streams.

    s_axil    registers                     docs/registers.md
    s_axis_*  vectors and codes in          m_axis_*  pulses, read requests and writes out         docs/integration.md

Streams keep the handshake of the tile: a beat moves in every cycle with ``tvalid`` and ``tready`` high. Latency and
throughput are those of the tile; a command begins two cycles after its write response at the earliest.
"""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, Const, DomainRenamer, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from symtrack.hdl.controller.axi_lite import CHANNELS, AxiLite
from symtrack.hdl.controller.drain import Drain
from symtrack.hdl.controller.register_file import RegisterFile
from symtrack.hdl.controller.stream_layout import StreamLayout, stream_layouts
from symtrack.hdl.tile.tile import Tile
from symtrack.model.spec.config import TileConfig

LITE = "s_axil"
SOURCES, SINKS = ("vectors", "codes"), ("pulses", "read", "writes")  # into the controller, and out of it


def members(config: TileConfig) -> dict[str, Any]:
    """The ports of the controller: clock and reset, the interrupt, the bus of the registers and the streams."""
    layouts = stream_layouts(config)
    ports = {"aclk": In(1), "aresetn": In(1), "irq": Out(1)}
    ports |= {f"{LITE}_{name}": member for name, member in CHANNELS.items()}
    for stream, prefix, forth, back in _streams():
        ports |= {
            f"{prefix}_tdata": forth(layouts[stream].bits),
            f"{prefix}_tvalid": forth(1),
            f"{prefix}_tready": back(1),
            f"{prefix}_tlast": forth(1),
        }
    return ports


class Controller(wiring.Component):
    """The top level for integration; ``aclk`` and ``aresetn`` are its clock and its synchronous reset, active low."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.layouts = stream_layouts(config)
        super().__init__(members(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain(local=True)
        m.d.comb += [sync.clk.eq(self.aclk), sync.rst.eq(~self.aresetn)]
        m.submodules.axi_lite = lite = AxiLite()
        m.submodules.registers = registers = RegisterFile(self.config)
        tile = Tile(self.config)
        # The tile has the same clock and a reset of its own, which reaches the modules that are written once, too.
        m.domains.tile = own = ClockDomain("tile", local=True)
        own.clk, own.rst = sync.clk, Signal(name="rst")
        m.d.comb += own.rst.eq(sync.rst | registers.reset)
        m.submodules.tile = DomainRenamer("tile")(tile)

        for name, member in lite.signature.members.items():
            inner = getattr(lite, name)
            outer = getattr(self, f"{LITE}_{name}") if name in CHANNELS else getattr(registers, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        connect(m, registers.settings, tile.settings)
        connect(m, registers.command, tile.command)
        connect(m, registers.seeds, tile.seeds)
        connect(m, tile.status, registers.status)
        if self.config.self_test:
            connect(m, registers.inject, tile.inject)
        m.d.comb += [registers.column.eq(tile.read.column), self.irq.eq(registers.irq)]

        offered = []
        for stream, prefix, forth, _ in _streams():
            inner, layout = getattr(tile, stream), self.layouts[stream]
            data, valid, ready, last = (
                getattr(self, f"{prefix}_{name}") for name in ("tdata", "tvalid", "tready", "tlast")
            )
            if forth is In:
                m.d.comb += [inner.valid.eq(valid), ready.eq(inner.ready)]
                for part in layout.parts:
                    m.d.comb += _payload(inner, part.name, part.lane).eq(data[part.low : part.low + part.width])
            else:
                m.submodules[f"drain_{stream}"] = drain = Drain()
                offered.append(drain.offered)
                m.d.comb += [
                    drain.draining.eq(registers.draining),
                    drain.valid.eq(inner.valid),
                    inner.ready.eq(drain.ready),
                    valid.eq(drain.tvalid),
                    drain.tready.eq(ready),
                    data.eq(_packed(inner, layout)),
                    last.eq(getattr(inner, layout.last) if layout.last else Const(1)),
                ]
        m.d.comb += registers.offered.eq(Cat(offered).any())
        return m


def _streams() -> list[tuple[str, str, type, type]]:
    """For each stream: its ports in the tile, the prefix of its AXI names, and the flows of payload and ``ready``."""
    sources = [(name, f"s_axis_{name}", In, Out) for name in SOURCES]
    return sources + [(name, f"m_axis_{name}", Out, In) for name in SINKS]


def _payload(inner: wiring.PureInterface, name: str, lane: int | None) -> Value:
    member = getattr(inner, name)
    return Value.cast(member) if lane is None else Value.cast(member[lane])


def _packed(inner: wiring.PureInterface, layout: StreamLayout) -> Value:
    """The value of tdata for the payloads, each extended to its bytes."""
    parts = []
    for part in layout.parts:
        value = _payload(inner, part.name, part.lane)
        above = value[-1].replicate(part.room - part.width) if part.signed else Const(0, part.room - part.width)
        parts += [value, above]
    return Cat(*parts)
