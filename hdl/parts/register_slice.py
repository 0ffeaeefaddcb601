# SPDX-License-Identifier: Apache-2.0
"""Register slice of a stream: cuts the combinational path from ``ready`` back to what makes the beats.

A beat goes into the output register if that is free or freed, else into a spare register, and no other beat is taken
until the spare one has moved on. So ``room`` comes from a register, and whatever lies before it moves by that alone.
Latency: one cycle. Throughput: one beat per cycle. The output keeps its payload when it has nothing new.
"""

from collections.abc import Mapping

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.clock_enables import enabled


class RegisterSlice(wiring.Component):
    """One stream.

    Members
    -------
    arrives, ..._in : there is a beat, which is taken if there is room, and its payload
    room : the spare register is free
    valid, ..._out : the output register
    ready : its beat is taken
    """

    def __init__(self, payload: Mapping[str, ShapeLike]) -> None:
        self.names = tuple(payload)
        super().__init__(
            {
                "arrives": In(1),
                "room": Out(1, init=1),
                "valid": Out(1),
                "ready": In(1),
                **{f"{name}_in": In(shape) for name, shape in payload.items()},
                **{f"{name}_out": Out(shape) for name, shape in payload.items()},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        free = Signal()
        moves = Signal()
        m.d.comb += [free.eq(~self.valid | self.ready), moves.eq(free & (self.arrives | ~self.room))]
        with m.If(free):
            m.d.sync += [self.valid.eq(moves), self.room.eq(1)]
        with m.Elif(self.arrives):
            m.d.sync += self.room.eq(0)
        for name in self.names:
            arriving, register = (Value.cast(getattr(self, f"{name}_{end}")) for end in ("in", "out"))
            spare = Signal(len(register), name=f"spare_{name}", reset_less=True)
            with m.If(moves):
                m.d.sync += register.eq(Mux(self.room, arriving, spare))
            with m.If(enabled(platform, self.room, self.arrives)):
                m.d.sync += spare.eq(arriving)
        return m
