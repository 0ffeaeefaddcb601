"""Hidden buffer: gain, accumulation, threshold and write-back of H (stages 2 to 4).

    h = saturate(H + gain * d);   n = clamp(trunc(h / threshold));
    H <- h (n = 0),  trunc(h * momentum / 2**momentum_bits) (forget)  or  h - n * threshold

H is written when the beat is accepted at the output. With ``direct`` a random u, uniform over one threshold, takes the
place of H, n = clamp(floor(h / threshold)), and H stays as it is: the mean of n is gain * d / threshold. With
``accumulate`` off n = 0 and H stays. While R is programmed, n corrects its cells and H stays, see `hdl.programmer`.
Latency: 2 cycles from ``enter`` to ``valid``. Throughput: one beat per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.beat_memory import BeatMemory
from hdl.programmer import Programmer
from hdl.random_bank import RandomBank
from hdl.threshold import Threshold
from model.config import TileConfig


class HiddenBuffer(wiring.Component):
    """L lanes of the buffer.

    Members
    -------
    clear, clear_address : write zero into the memory
    advance : all stages move at the end of this cycle
    enter, difference, reference, fresh, address, beat : the beat in stage 2
    direct, gain, forget, momentum, accumulate : settings
    programming, last_round, tolerance : of a programming of R
    accepted : the beat at the output is taken at the end of this cycle
    valid, pulses, out_reference, out_fresh, out_beat : the beat in stage 4
    load : stage 4 takes a new beat at the end of this cycle
    saturated, clamped : h or n of that beat was clipped
    outside : lanes of the beat in stage 4 whose cells of R are out of tolerance
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        reference = data.ArrayLayout(signed(config.reference_format.width), config.lanes)
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "advance": In(1),
                "enter": In(1),
                "difference": In(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "reference": In(reference),
                "fresh": In(config.lanes),
                "address": In(config.address_bits),
                "beat": In(config.beat_bits),
                "direct": In(1),
                "gain": In(config.gain_bits),
                "forget": In(1),
                "momentum": In(config.momentum_bits),
                "accumulate": In(1),
                "programming": In(1),
                "last_round": In(1),
                "tolerance": In(config.reference_format.width),
                "accepted": In(1),
                "valid": Out(1),
                "pulses": Out(data.ArrayLayout(signed(config.pulses_format.width), config.lanes)),
                "out_reference": Out(reference),
                "out_fresh": Out(config.lanes),
                "out_beat": Out(config.beat_bits),
                "load": Out(1),
                "saturated": Out(1),
                "clamped": Out(1),
                "outside": Out(config.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        form = config.hidden_format
        product_width = config.difference_format.width + config.gain_bits
        m.submodules.memory_hidden = words = BeatMemory(depth=config.depth, lanes=config.lanes, width=form.width)

        valid = Signal()
        reference = Signal.like(self.reference)
        fresh = Signal.like(self.fresh)
        address = Signal.like(self.address)
        beat = Signal.like(self.beat)
        out_address = Signal.like(self.address)
        with m.If(self.advance):
            m.d.sync += [valid.eq(self.enter), self.valid.eq(valid)]
        with m.If(self.enter & self.advance):
            m.d.sync += [reference.eq(self.reference), fresh.eq(self.fresh)]
            m.d.sync += [address.eq(self.address), beat.eq(self.beat)]
        m.d.comb += self.load.eq(valid & self.advance)
        with m.If(self.load):
            m.d.sync += [self.out_reference.eq(reference), self.out_fresh.eq(fresh)]
            m.d.sync += [out_address.eq(address), self.out_beat.eq(beat)]
        m.d.comb += [
            words.clear.eq(self.clear),
            words.clear_address.eq(self.clear_address),
            words.read.eq(self.enter & self.advance),
            words.read_address.eq(self.address),
            words.write.eq(self.accepted & self.accumulate & ~self.direct),
            words.write_address.eq(out_address),
        ]

        uniform = Signal(data.ArrayLayout(unsigned(max(1, config.threshold_shift)), config.lanes))
        if config.dither_bits:
            m.submodules.dither = dither = RandomBank(config.dither_bank)
            m.d.comb += dither.advance.eq(self.load)
            for lane in range(config.lanes):
                m.d.comb += uniform[lane].eq(dither.words[lane] << (config.threshold_shift - config.dither_bits))

        saturated = Signal(config.lanes)
        clamped = Signal(config.lanes)
        m.d.comb += [
            self.saturated.eq(self.accumulate & saturated.any()),
            self.clamped.eq(self.accumulate & clamped.any()),
        ]
        for lane in range(config.lanes):
            m.submodules[f"threshold_{lane}"] = threshold = Threshold(config)
            product = Signal(signed(product_width), name=f"product_{lane}")
            total = Signal(signed(max(form.width, product_width) + 1), name=f"total_{lane}")
            kept = Signal(signed(form.width), name=f"kept_{lane}")
            hidden = Signal(signed(form.width), name=f"hidden_{lane}")
            with m.If(self.enter & self.advance):
                m.d.sync += product.eq(self.gain * self.difference[lane])

            m.d.comb += [
                total.eq(Mux(self.direct, uniform[lane], words.data[lane]) + product),
                threshold.hidden.eq(kept),
                threshold.floor.eq(self.direct),
                clamped[lane].eq(threshold.clamped),
            ]
            with m.If(total > form.high):
                m.d.comb += [kept.eq(form.high), saturated[lane].eq(1)]
            with m.Elif(total < form.low):
                m.d.comb += [kept.eq(form.low), saturated[lane].eq(1)]
            with m.Else():
                m.d.comb += kept.eq(total)
            pulses = Signal(signed(config.pulses_format.width), name=f"pulses_{lane}")
            m.d.comb += pulses.eq(Mux(self.accumulate, threshold.pulses, 0))
            if config.programmer:
                m.submodules[f"programmer_{lane}"] = programmer = Programmer(config)
                m.d.comb += [
                    programmer.enter.eq(self.enter & self.advance),
                    programmer.difference.eq(self.difference[lane]),
                    programmer.tolerance.eq(self.tolerance),
                    programmer.pulses.eq(threshold.pulses),
                    programmer.last.eq(self.last_round),
                ]
                with m.If(self.programming):
                    m.d.comb += [total.eq(product), threshold.floor.eq(0), pulses.eq(programmer.corrections)]
                with m.If(self.load):
                    m.d.sync += self.outside[lane].eq(programmer.outside)
            with m.If(self.load):
                m.d.sync += [hidden.eq(kept), self.pulses[lane].eq(pulses)]

            scaled = Signal(signed(form.width + config.momentum_bits + 1), name=f"scaled_{lane}")
            towards_zero = (1 << config.momentum_bits) - 1
            m.d.comb += scaled.eq(hidden * self.momentum + Mux(hidden < 0, towards_zero, 0))
            with m.If(~self.pulses[lane].any()):
                m.d.comb += words.write_data[lane].eq(hidden)
            with m.Elif(self.forget):
                m.d.comb += words.write_data[lane].eq(scaled >> config.momentum_bits)
            with m.Else():
                m.d.comb += words.write_data[lane].eq(hidden - (self.pulses[lane] << config.threshold_shift))
        return m
