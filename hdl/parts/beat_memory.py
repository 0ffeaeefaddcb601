# SPDX-License-Identifier: Apache-2.0
"""Beat memory: the words of L lanes of one quantity (Q, Qref, H or D) with a parity bit each, cleared by hardware.

    parity = 1 ^ XOR of the bits of the word: a lane that is all zeros, its parity too, is wrong

depth words, address = column * row_beats + beat, one synchronous read and one write port, so that it maps to block
RAM. Memory contents are not reset; the sequencer writes zeros after every reset instead.
Latency: data one cycle after ``read``, held until the next one. Throughput: one read and one write per cycle.
"""

from amaranth.hdl import Cat, Module, Mux, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.memory_1r1w import Memory1R1W


def odd_parity(lane: Value) -> Value:
    """The parity bit of ``lane``: with it the number of ones is odd."""
    return ~Value.cast(lane).xor()


def wrong_parity(lane: Value, parity: Value) -> Value:
    """Whether an odd number of bits of a lane and its parity bit have flipped."""
    return odd_parity(lane) != parity


class BeatMemory(wiring.Component):
    """Memory of ``depth`` words of ``lanes`` signed numbers; their parity bits lie above all of them.

    Members
    -------
    clear, clear_address : write zero there, has precedence over ``write``
    read, read_address : fetch; ``data`` and ``parity``, a bit per lane, are valid from the next cycle on; there is no
        ``parity`` if not ``checked``
    write, write_address, write_data : store; the same address must not be read in this cycle
    flips : per lane, its parity is stored inverted; only if ``injected``
    """

    def __init__(self, *, depth: int, lanes: int, width: int, injected: bool = False, checked: bool = True) -> None:
        self.depth, self.injected, self.checked = depth, injected, checked
        address_bits = max(1, (depth - 1).bit_length())
        self.shape = data.ArrayLayout(signed(width), lanes)
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(address_bits),
                "read": In(1),
                "read_address": In(address_bits),
                "data": Out(self.shape),
                **({"parity": Out(lanes)} if checked else {}),
                "write": In(1),
                "write_address": In(address_bits),
                "write_data": In(self.shape),
                **({"flips": In(lanes)} if injected else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self.shape.length
        parities: list[Value] = [odd_parity(self.write_data[lane]) for lane in range(lanes)] if self.checked else []
        if self.injected:
            parities = [parity ^ self.flips[lane] for lane, parity in enumerate(parities)]
        m.submodules.words = words = Memory1R1W(width=self.shape.size + len(parities), depth=max(2, self.depth))
        kept = Cat(self.write_data, *parities)
        zeros = ((1 << len(parities)) - 1) << self.shape.size
        m.d.comb += [
            words.read_enable.eq(self.read),
            words.read_address.eq(self.read_address),
            (Cat(self.data, self.parity) if self.checked else self.data.as_value()).eq(words.read_data),
            words.write_enable.eq(self.clear | self.write),
            words.write_address.eq(Mux(self.clear, self.clear_address, self.write_address)),
            words.write_data.eq(Mux(self.clear, zeros, kept)),
        ]
        return m
