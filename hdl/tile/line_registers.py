# SPDX-License-Identifier: Apache-2.0
"""Line registers: magnitude and sign of every line of one side, loaded L lanes per beat.

Line l lies in lane l mod L of beat ⌊l/L⌋; lanes beyond the last line have no register. Two sticky bits say
whether a line in use with non-zero magnitude and positive / negative sign was loaded since ``clear``.
Beats come in order from the first. Latency: a beat is visible one cycle after ``load``. Throughput: one beat per cycle.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class LineRegisters(wiring.Component):
    """Registers of ``lines`` lines.

    Members
    -------
    clear : forget the two summary bits
    load, beat, magnitude_in, negative_in : write one beat
    used : its lanes that have a line in use; the others leave no trace in the summary bits
    flip, keep : per line, whether its sign is inverted when it is loaded, taken with ``clear``; but not with ``keep``.
        Without ``chopped`` no sign is inverted
    magnitude, negative : per line, stored
    any_positive, any_negative : summary bits
    """

    def __init__(self, *, lines: int, lanes: int, magnitude_bits: int, chopped: bool = True) -> None:
        self.lines, self.lanes, self.chopped = lines, lanes, chopped
        beats = -(-lines // lanes)
        super().__init__(
            {
                "clear": In(1),
                "load": In(1),
                "beat": In(max(1, (beats - 1).bit_length())),
                "magnitude_in": In(data.ArrayLayout(unsigned(magnitude_bits), lanes)),
                "negative_in": In(lanes),
                "used": In(lanes),
                "flip": In(lines),
                "keep": In(1),
                "magnitude": Out(data.ArrayLayout(unsigned(magnitude_bits), lines)),
                "negative": Out(lines),
                "any_positive": Out(1),
                "any_negative": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = -(-self.lines // self.lanes)
        signs = Signal(self.lanes)
        there = Signal(self.lanes)  # lanes in use that carry a magnitude
        m.d.comb += there.eq(self.used & Cat(magnitude.any() for magnitude in self.magnitude_in))
        m.d.comb += signs.eq(self.negative_in)
        if self.chopped:
            flips = Signal(self.lines, reset_less=True)  # the lowest are those of this beat
            with m.If(self.clear):
                m.d.sync += flips.eq(self.flip)
            with m.Elif(self.load):
                m.d.sync += flips.eq(flips >> self.lanes)
            m.d.comb += signs.eq(self.negative_in ^ Mux(self.keep, 0, flips[: self.lanes]))

        # A line is loaded before it is used, so only the summary needs a reset. What follows is a vector of all lines.
        bits = len(self.magnitude_in[0])
        magnitudes = [Signal(bits, name=f"magnitude_{line}", reset_less=True) for line in range(self.lines)]
        negatives = [Signal(name=f"negative_{line}", reset_less=True) for line in range(self.lines)]
        for name, registers, coming, stored in (
            ("magnitude", magnitudes, self.magnitude_in.as_value(), self.magnitude.as_value()),
            ("negative", negatives, signs, self.negative),
        ):
            following = Signal(len(stored), name=f"following_{name}")
            m.d.comb += following.eq(stored)
            with m.If(self.load), m.Switch(self.beat):
                for beat in range(beats):
                    with m.Case(beat) if beat < beats - 1 else m.Default():
                        m.d.comb += following[beat * len(coming) : (beat + 1) * len(coming)].eq(coming)
            size = len(registers[0])
            m.d.sync += [one.eq(following[line * size : (line + 1) * size]) for line, one in enumerate(registers)]
            for beat in range(beats):
                here = Cat(registers[beat * self.lanes : (beat + 1) * self.lanes])
                m.d.comb += stored[beat * len(coming) :][: len(here)].eq(here)
        # The flags of a beat join the summary a cycle after it, and are looked at together with it.
        for any_of, found in ((self.any_positive, there & ~signs), (self.any_negative, there & signs)):
            sign = "positive" if any_of is self.any_positive else "negative"
            fresh, before = Signal(name=f"fresh_{sign}"), Signal(name=f"before_{sign}")
            m.d.sync += [fresh.eq(self.load & found.any() & ~self.clear), before.eq((before | fresh) & ~self.clear)]
            m.d.comb += any_of.eq(before | fresh)
        return m
