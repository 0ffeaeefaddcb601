# SPDX-License-Identifier: Apache-2.0
"""Line registers: magnitude and sign of every line of one side, loaded L lanes per beat.

Line l lies in lane l mod L of beat ⌊l/L⌋; lanes beyond the last line have no register. Magnitudes are kept bit by bit,
bit k of all lines in one register. Two sticky bits say whether a line in use with non-zero magnitude and positive /
negative sign was loaded since ``clear``.
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
    magnitude, negative : stored, of every bit and of the sign the lines
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
                "magnitude": Out(data.ArrayLayout(unsigned(lines), magnitude_bits)),
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

        # A line is loaded before it is used, so only the summary needs a reset. The planes of a register follow each
        # other, as every register has to decode the number of a beat.
        magnitudes = [Cat(word[place] for word in self.magnitude_in) for place in range(len(self.magnitude))]
        for name, coming, shown in (
            ("magnitudes", magnitudes, self.magnitude.as_value()),
            ("negative", [signs], self.negative),
        ):
            stored = Signal(len(shown), name=f"stored_{name}", reset_less=True)
            with m.If(self.load), m.Switch(self.beat):
                for beat in range(beats):
                    first, last = beat * self.lanes, min((beat + 1) * self.lanes, self.lines)
                    with m.Case(beat) if beat < beats - 1 else m.Default():
                        for start, word in zip(range(0, len(shown), self.lines), coming, strict=True):
                            m.d.sync += stored[start + first : start + last].eq(word)
            m.d.comb += shown.eq(stored)
        # The flags of a beat join the summary a cycle after it, and are looked at together with it.
        for any_of, found in ((self.any_positive, there & ~signs), (self.any_negative, there & signs)):
            sign = "positive" if any_of is self.any_positive else "negative"
            fresh, before = Signal(name=f"fresh_{sign}"), Signal(name=f"before_{sign}")
            m.d.sync += [fresh.eq(self.load & found.any() & ~self.clear), before.eq((before | fresh) & ~self.clear)]
            m.d.comb += any_of.eq(before | fresh)
        return m
