"""Line registers: magnitude and sign of every line of one side, loaded L lanes per beat.

Line l lies in lane l mod L of beat ⌊l/L⌋; lanes beyond the last line have no register. Two sticky bits say
whether a line with non-zero magnitude and positive / negative sign was loaded since ``clear``.
Latency: a beat is visible one cycle after ``load``. Throughput: one beat per cycle.
"""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class LineRegisters(wiring.Component):
    """Registers of ``lines`` lines.

    Members
    -------
    clear : forget the two summary bits
    load, beat, magnitude_in, negative_in : write one beat
    flip : per line, invert the sign while loading
    magnitude, negative : per line, stored
    any_positive, any_negative : summary bits
    """

    def __init__(self, *, lines: int, lanes: int, magnitude_bits: int) -> None:
        self.lines, self.lanes = lines, lanes
        beats = -(-lines // lanes)
        super().__init__(
            {
                "clear": In(1),
                "load": In(1),
                "beat": In(max(1, (beats - 1).bit_length())),
                "magnitude_in": In(data.ArrayLayout(unsigned(magnitude_bits), lanes)),
                "negative_in": In(lanes),
                "flip": In(lines),
                "magnitude": Out(data.ArrayLayout(unsigned(magnitude_bits), lines)),
                "negative": Out(lines),
                "any_positive": Out(1),
                "any_negative": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        positives, negatives = [], []
        for line in range(self.lines):
            beat, lane = divmod(line, self.lanes)
            sign = self.negative_in[lane] ^ self.flip[line]
            chosen = Signal(name=f"chosen_{line}")
            m.d.comb += chosen.eq(self.load & (self.beat == beat if beat else ~self.beat.any()))
            magnitude = Signal.like(self.magnitude_in[lane], name=f"magnitude_{line}")
            negative = Signal(name=f"negative_{line}")
            m.d.comb += [self.magnitude[line].eq(magnitude), self.negative[line].eq(negative)]
            with m.If(chosen):
                m.d.sync += [magnitude.eq(self.magnitude_in[lane]), negative.eq(sign)]
            active = chosen & self.magnitude_in[lane].any()
            positives.append(active & ~sign)
            negatives.append(active & sign)
        with m.If(self.clear):
            m.d.sync += [self.any_positive.eq(0), self.any_negative.eq(0)]
        with m.Else():
            m.d.sync += [
                self.any_positive.eq(self.any_positive | Cat(positives).any()),
                self.any_negative.eq(self.any_negative | Cat(negatives).any()),
            ]
        return m
