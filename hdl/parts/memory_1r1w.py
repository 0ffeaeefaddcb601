# SPDX-License-Identifier: Apache-2.0
"""Memory with one port that reads and one that writes: the one place in the hardware that stores many words.

    read_data <- mem[read_address] (read_enable),   mem[write_address] <- write_data (write_enable)

In generated Verilog every such memory is an instance of ``symtrack_memory_1r1w``, whose body can be exchanged for that
of a technology (`hdl.output.memory`). A word is not read in the cycle that writes it: what such a read gives is not
defined, as it is not in block RAMs and many macros. Nothing is reset.
Latency: ``read_data`` one cycle after ``read_enable``, held until the next one. Throughput: a read and a write a cycle.
"""

from typing import Any

from amaranth.hdl import Fragment, Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class Memory1R1W(wiring.Component):
    """Memory of ``depth`` words of ``width`` bits.

    Members
    -------
    read_enable, read_address : fetch; ``read_data`` is valid from the next cycle on
    write_enable, write_address, write_data : store; the same address must not be read in this cycle
    """

    def __init__(self, *, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        self.address_bits = max(1, (depth - 1).bit_length())
        super().__init__(
            {
                "read_enable": In(1),
                "read_address": In(self.address_bits),
                "read_data": Out(width),
                "write_enable": In(1),
                "write_address": In(self.address_bits),
                "write_data": In(width),
            }
        )

    def elaborate(self, platform: Any) -> Module | Fragment:
        wrapped = getattr(platform, "memory_1r1w", None)
        if wrapped is not None:
            return wrapped(self)
        m = Module()
        m.submodules.mem = mem = memory.Memory(
            shape=self.width,
            depth=self.depth,
            init=[],
            attrs={"no_rw_check": 1},  # else Yosys builds a path around the block RAM, for reads that never happen
        )
        read, write = mem.read_port(), mem.write_port()
        m.d.comb += [
            read.en.eq(self.read_enable),
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
        ]
        return m
