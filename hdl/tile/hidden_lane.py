# SPDX-License-Identifier: Apache-2.0
"""One lane of the hidden buffer: H + gain * d, its saturation, and the H that is written back (stages 4 to 11).

    h = saturate(H + gain * d)
    H <- h (n = 0),  trunc(h * momentum / 2**momentum_bits) (forget)  or  h - n * threshold

`hdl.tile.threshold` makes n of h beside it, and `hdl.tile.hidden_buffer` has the table of the stages. Latency: 4 moves
from d to h, 3 from h to the next H. Throughput: one word per cycle while ``advance``.
"""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.beat_memory import wrong_parity
from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.multiplier import Multiples, addends, tree
from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


def multiple(word: Value, factor: Value) -> Value:
    """``word * factor`` out of shifted words, for a factor of few bits."""
    return tree([Mux(bit, word << place, 0) for place, bit in enumerate(factor)])


class HiddenLane(wiring.Component):
    """One lane; a number is the stage of the beat that a member is of.

    Members
    -------
    advance : all stages move at the end of this cycle
    word, difference : H and d (4)
    once, thrice_half, minus_half : registers of `hdl.parts.multiplier.Multiples` of the gain
    parity : of H (5); only with ``parity``, and else it is never wrong
    buffered, dithered, uniform : whether H is added to the product, or u, and u (5); u only with ``direct_writes``
    wrong, clipped : H has the wrong parity (5), h is not the sum (7)
    hidden : h (8)
    accumulates, wanted, wanted_size : n is for W, and what the threshold makes of h, with its size (9)
    corrects, zero, correct, least : with a programmer: n is for R, the threshold makes zero of h, and what
        `hdl.tile.programmer` says (9)
    pulses, size : n and |n| (10)
    forget, momentum : settings; the second only with ``hidden_momentum``
    following : the next H (11)
    """

    module = "hidden_lane"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        hidden, pulses = signed(config.hidden_bits), signed(config.pulses_format.width)
        super().__init__(
            {
                "advance": In(1),
                "word": In(hidden),
                "difference": In(signed(config.difference_format.width)),
                "once": In(config.gain_bits),
                "thrice_half": In(config.gain_bits + 1),
                "minus_half": In(config.gain_bits),
                **({"parity": In(1)} if config.parity else {}),
                "buffered": In(1),
                **({"dithered": In(1), "uniform": In(max(1, config.threshold_shift))} if config.direct_writes else {}),
                "wrong": Out(1),
                "clipped": Out(1),
                "hidden": Out(hidden),
                "accumulates": In(1),
                "wanted": In(pulses),
                "wanted_size": In(range(config.pulses_max + 1)),
                **({"corrects": In(1), "zero": In(1), "correct": In(1), "least": In(2)} if config.programmer else {}),
                "pulses": Out(pulses),
                "size": Out(range(config.pulses_max + 1)),
                "forget": In(1),
                **({"momentum": In(config.momentum_bits)} if config.hidden_momentum else {}),
                "following": Out(hidden),
            }
        )

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        word = delayed(m, self.word, 1, self.advance, "word")  # tools can move it into the memory
        added = Mux(self.buffered, word, 0)
        if config.direct_writes:
            added = added | Mux(self.dithered, self.uniform, 0)
        total = self._total(m, delayed(m, added, 1, self.advance, "added"))
        hidden = self._saturated(m, total)

        writes: Value = self.accumulates
        wanted: Value = self.wanted  # n and |n| if the cell is written to
        wanted_size: Value = self.wanted_size
        if config.programmer:
            writes = self.accumulates | (self.corrects & self.correct)
            least = self.corrects & self.zero
            wanted, wanted_size = Mux(least, self.least.as_signed(), wanted), Mux(least, 1, wanted_size)
        n, size = Signal(self.pulses.shape()), Signal(self.size.shape())
        m.d.comb += [n.eq(Mux(writes, wanted, 0)), size.eq(Mux(writes, wanted_size, 0))]
        pulses = delayed(m, n, 1, self.advance, "pulses")
        m.d.comb += [
            self.wrong.eq(wrong_parity(word, self.parity) if config.parity else 0),
            self.hidden.eq(hidden),
            self.pulses.eq(pulses),
            self.size.eq(delayed(m, size, 1, self.advance, "size")),
            self.following.eq(self._following(m, hidden, pulses)),
        ]
        return m

    def _total(self, m: Module, added: Value) -> Signal:
        """The unsaturated sum of the beat in stage 7: gain * d plus what is ``added`` in stage 6, which is H, u or
        nothing.
        """
        config = self.config
        width = config.difference_format.width + config.gain_bits
        multiples = Multiples.kept_elsewhere(self.once, self.thrice_half, self.minus_half)
        products = addends(m, self.difference, multiples, self.advance, "product")
        total = Signal(signed(max(config.hidden_bits, width) + 1), reset_less=True)
        with m.If(self.advance):
            m.d.sync += total.eq(sum(products, added))
        return total

    def _saturated(self, m: Module, total: Signal) -> Value:
        """The saturated sum h of the beat in stage 8."""
        form = self.config.hidden_format
        above = total[form.width - 1 :]  # the sign and what does not fit
        h = Signal(signed(form.width))
        m.d.comb += [
            self.clipped.eq(above.any() & ~above.all()),
            h.eq(Mux(self.clipped, Mux(total[-1], form.low, form.high), total)),
        ]
        return delayed(m, h, 1, self.advance, "hidden")

    def _following(self, m: Module, hidden: Value, pulses: Value) -> Signal:
        """The next H of the beat in stage 11, from its h in stage 8 and its n in stage 10."""
        config = self.config
        share = self._share(m, hidden) if config.hidden_momentum else Const(0)
        hidden = delayed(m, hidden, 2, self.advance, "late_hidden")
        following = Signal(signed(config.hidden_bits), name="next_hidden", reset_less=True)
        with m.If(self.advance):
            m.d.sync += following.eq(
                Mux(
                    ~pulses.any(),
                    hidden,
                    Mux(
                        self.forget,
                        share,
                        hidden - (pulses << config.threshold_shift),
                    ),
                )
            )
        return following

    def _share(self, m: Module, hidden: Value) -> Value:
        """trunc(h * momentum / 2**momentum_bits) of the beat in stage 10, from its h in stage 8."""
        bits = self.config.momentum_bits
        half = bits // 2
        low = multiple(hidden, self.momentum[:half]) if half else 0
        high = multiple(hidden, self.momentum[half:])
        scaled = Signal(signed(self.config.hidden_bits + bits), reset_less=True)
        low = delayed(m, Value.cast(low), 1, self.advance, "low")
        high = delayed(m, high, 1, self.advance, "high")
        with m.If(self.advance):
            m.d.sync += scaled.eq(low + (high << half))
        upwards = scaled[-1] & scaled[:bits].any()  # towards zero
        return (scaled >> bits) + upwards
