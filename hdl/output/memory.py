# SPDX-License-Identifier: Apache-2.0
"""Bodies of ``symtrack_memory_1r1w``, the module in generated Verilog that every memory is an instance of.

    behavioural    an array, from which synthesis for FPGAs makes block RAMs; in the file of the tile
    ecp5           block RAMs of Lattice's ECP5, DP16KD, side by side and one above the other; in a file of its own
    macro          a template: a memory compiler's macro for each size, behind multiplexers of a self-test

All have the ports of `hdl.parts.memory_1r1w`, one latency, and the parameters ``WIDTH``, ``DEPTH`` and
``ADDRESS_BITS``. The file of a tile has the body between ``ifndef SYMTRACK_MEMORY_1R1W`` and ``endif``: two
configurations in one simulation share it, and who defines that name brings a body of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Const, Instance, Signal, Value

from symtrack.hdl.output.state_map import memories
from symtrack.hdl.parts.memory_1r1w import Memory1R1W
from symtrack.model.spec.config import TileConfig

MODULE = "symtrack_memory_1r1w"
GUARD = MODULE.upper()
BODIES = BEHAVIOURAL, ECP5, MACRO = "behavioural", "ecp5", "macro"
STUB_FILE = "symtrack_dp16kd_stub.v"
BODY_FILE, MACRO_NAME = f"{MODULE}.v", "symtrack_sram_{}x{}"  # of so many words and bits
PARAMETER_BITS = 32
TEST = "memory_test"  # with a macro the ports of the top module that test memories begin so
READ_DATA = f"{TEST}__read_data"

PORTS = """\
  parameter integer WIDTH = 1;
  parameter integer DEPTH = 2;
  parameter integer ADDRESS_BITS = 1;
  input clk;
  input read_enable;
  input [ADDRESS_BITS - 1:0] read_address;
  output [WIDTH - 1:0] read_data;
  input write_enable;
  input [ADDRESS_BITS - 1:0] write_address;
  input [WIDTH - 1:0] write_data;
"""
PORT_NAMES = "clk, read_enable, read_address, read_data, write_enable, write_address, write_data"
STORED = """\
  (* no_rw_check = 1 *)
  reg [WIDTH - 1:0] mem [DEPTH - 1:0];
  integer row;
  initial begin
    for (row = 0; row < DEPTH; row = row + 1) begin
      mem[row] = {WIDTH{1'b0}};
    end
  end
  always @(posedge clk) begin
    if (read_enable) begin
      read_data <= mem[read_address];
    end
    if (write_enable) begin
      mem[write_address] <= write_data;
    end
  end
"""
BEHAVIOURAL_BODY = f"""\
module {MODULE}({PORT_NAMES});
{PORTS}\
  reg [WIDTH - 1:0] read_data;
{STORED}\
endmodule
"""

_PINS = "\n".join(
    ", ".join(
        [f".DIA{bit}(in[{bit}])", f".DIB{bit}(in[{bit + 18}])", f".DOA{bit}(doa[{bit}])", f".DOB{bit}(dob[{bit}])"]
    )
    + ","
    for bit in range(18)
)
_BUSES = {"DIA": 18, "DIB": 18, "ADA": 14, "ADB": 14, "CSA": 3, "CSB": 3}
_ADDRESSES = "\n".join(f".ADA{bit}(write_at[{bit}]), .ADB{bit}(read_at[{bit}])," for bit in range(14))


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())


ECP5_BODY = f"""\
// A DP16KD has 512 words of 36 bits, 1024 of 18 or 2048 of 9. Words that are wider are laid side by side, in slices,
// and those beyond its last one above it, in banks. Port A writes and port B reads; with 36 bits a word both ports
// together have its bits. The lowest bits of the address of port A are enables of bytes.
module {MODULE}({PORT_NAMES});
{PORTS}\
  localparam integer BITS = DEPTH <= 512 ? 36 : DEPTH <= 1024 ? 18 : 9;
  localparam integer LOW = BITS == 36 ? 5 : BITS == 18 ? 4 : 3;
  localparam integer SLICES = (WIDTH + BITS - 1) / BITS;
  localparam integer BANKS = ((DEPTH << LOW) + 16383) / 16384;
  localparam integer BANK = SLICES * BITS;
  wire [ADDRESS_BITS + 13:0] read_wide = {{{{14{{1'b0}}}}, read_address}} << LOW;
  wire [ADDRESS_BITS + 13:0] write_wide = {{{{14{{1'b0}}}}, write_address}} << LOW;
  wire [13:0] read_at = read_wide[13:0];
  wire [13:0] write_at = write_wide[13:0] | ((14'd1 << LOW) - 14'd1);
  wire [BANK - 1:0] written = {{{{(BANK - WIDTH){{1'b0}}}}, write_data}};
  wire [BANKS * BANK - 1:0] stored;
  reg [ADDRESS_BITS - 1:0] bank;
  always @(posedge clk) begin
    if (read_enable) bank <= read_wide[ADDRESS_BITS + 13:14];
  end
  wire [BANKS * BANK - 1:0] chosen = BANKS == 1 ? stored : stored >> (bank * BANK);
  assign read_data = chosen[WIDTH - 1:0];
  genvar i, j;
  generate
    for (i = 0; i < BANKS; i = i + 1) begin : gen_banks
      wire hit = write_enable && write_wide[ADDRESS_BITS + 13:14] == i;
      for (j = 0; j < SLICES; j = j + 1) begin : gen_slices
        wire [35:0] in = {{{{(36 - BITS){{1'b0}}}}, written[j * BITS +: BITS]}};
        wire [17:0] doa, dob;
        wire [35:0] out = BITS == 36 ? {{dob, doa}} : {{18'd0, dob}};
        assign stored[i * BANK + j * BITS +: BITS] = out[BITS - 1:0];
        DP16KD #(
          .DATA_WIDTH_A(BITS), .DATA_WIDTH_B(BITS), .REGMODE_A("NOREG"), .REGMODE_B("NOREG"), .RESETMODE("SYNC"),
          .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"), .CLKAMUX("CLKA"),
          .CLKBMUX("CLKB"), .WRITEMODE_A("NORMAL"), .WRITEMODE_B("NORMAL"), .GSR("DISABLED")
        ) ram (
{_indented(_PINS, 10)}
{_indented(_ADDRESSES, 10)}
          .CLKA(clk), .CEA(hit), .OCEA(1'b1), .WEA(1'b1), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
          .CLKB(clk), .CEB(read_enable), .OCEB(1'b1), .WEB(1'b0), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0)
        );
      end
    end
  endgenerate
endmodule
"""

_STUB_PINS = {
    "input": (
        *(f"{name}{bit}" for name, bits in _BUSES.items() for bit in range(bits)),
        *(f"{name}{side}" for side in "AB" for name in ("CE", "OCE", "CLK", "WE", "RST")),
    ),
    "output": tuple(f"DO{side}{bit}" for side in "AB" for bit in range(18)),
}
_STUB_PARAMETERS = (
    *(f"{name}_{side}" for side in "AB" for name in ("DATA_WIDTH", "REGMODE", "CSDECODE", "WRITEMODE")),
    *("RESETMODE", "ASYNC_RESET_RELEASE", "CLKAMUX", "CLKBMUX", "GSR"),
)
ECP5_STUB = "\n".join(
    [
        "// The pins of DP16KD for lint. Leave it out of all else: a memory that has it stores nothing.",
        "/* verilator lint_off UNDRIVEN */",
        "/* verilator lint_off UNUSEDPARAM */",
        "/* verilator lint_off UNUSEDSIGNAL */",
        "/* verilator lint_off DECLFILENAME */",
        f"module DP16KD({', '.join(pin for pins in _STUB_PINS.values() for pin in pins)});",
        *(f"  parameter {name} = 0;" for name in _STUB_PARAMETERS),
        *(f"  {side} {pin};" for side, pins in _STUB_PINS.items() for pin in pins),
        "endmodule",
        "/* verilator lint_on DECLFILENAME */",
        "/* verilator lint_on UNUSEDSIGNAL */",
        "/* verilator lint_on UNUSEDPARAM */",
        "/* verilator lint_on UNDRIVEN */",
        "",
    ]
)

MACRO_HEAD = f"""\
// Template for macros of a memory compiler, one branch for each size that the tile has. Put the names and pins of your
// compiler's in the place of symtrack_sram_*, whose stand-ins are in files of that name.
//
// A self-test reaches every memory past the tile: while test_enable is high, the memory whose INDEX is test_select
// takes test_read, test_write, test_address and the low bits of test_write_data in place of its own ports, and the
// others do nothing. What it read is in test_read_data a cycle after test_read and stays; of the others that is 0. The
// tile and its controller have all of these as ports, {TEST}__*. Reset the tile after a test, which leaves other words.
module {MODULE}({PORT_NAMES}, test_enable, test_select, test_read, test_write, test_address,
  test_write_data, test_read_data);
{PORTS}\
  parameter integer INDEX = 0;
  parameter integer SELECT_BITS = 2;
  parameter integer TEST_BITS = WIDTH;
  input test_enable;
  input [SELECT_BITS - 1:0] test_select;
  input test_read;
  input test_write;
  input [ADDRESS_BITS - 1:0] test_address;
  input [TEST_BITS - 1:0] test_write_data;
  output [TEST_BITS - 1:0] test_read_data;
  wire here = test_select == INDEX[SELECT_BITS - 1:0];
  wire re = test_enable ? here & test_read : read_enable;
  wire we = test_enable ? here & test_write : write_enable;
  wire [ADDRESS_BITS - 1:0] ra = test_enable ? test_address : read_address;
  wire [ADDRESS_BITS - 1:0] wa = test_enable ? test_address : write_address;
  wire [WIDTH - 1:0] wd = test_enable ? test_write_data[WIDTH - 1:0] : write_data;
  wire [WIDTH - 1:0] mask = {{WIDTH{{test_enable & here}}}};
  assign test_read_data = {{{{(TEST_BITS - WIDTH){{1'b0}}}}, read_data & mask}};
  generate
"""
MACRO_TAIL = """\
    else begin : gen_other
      symtrack_sram_of_this_size_is_missing missing ();
    end
  endgenerate
endmodule
"""


@dataclass(frozen=True)
class MemoryTest:
    """The ports of the top module through which a self-test reaches the memories behind a macro's template."""

    memories: int
    address_bits: int
    data_bits: int

    @staticmethod
    def of(config: TileConfig) -> MemoryTest:
        """Those of a tile: as wide as its widest memory."""
        found = memories(config)
        return MemoryTest(len(found), config.address_bits, max(item.width for item in found))

    @property
    def select_bits(self) -> int:
        """Width of the index of a memory."""
        return max(1, (self.memories - 1).bit_length())

    @property
    def ports(self) -> list[tuple[str, int, bool]]:
        """Name, width, and whether it is an output, of every port."""
        inputs = {"enable": 1, "select": self.select_bits, "read": 1, "write": 1, "address": self.address_bits}
        inputs["write_data"] = self.data_bits
        return [
            *((f"{TEST}__{name}", width, False) for name, width in inputs.items()),
            (READ_DATA, self.data_bits, True),
        ]


class MemoryInstances:
    """Makes the instances of `MODULE` in one conversion; with a ``test`` they have its ports, which ``signals`` are."""

    def __init__(self, test: MemoryTest | None = None) -> None:
        self._test = test
        self.signals = {name: Signal(width, name=name) for name, width, _ in (test.ports if test else ())}
        self._read: list[Signal] = []
        self.count = 0

    def instance(self, memory: Memory1R1W, clk: Value) -> Instance:
        """The instance in place of a memory."""
        parameters = {"WIDTH": memory.width, "DEPTH": memory.depth, "ADDRESS_BITS": memory.address_bits}
        inputs = [("i", "clk", clk)]
        inputs += [
            ("i", name, getattr(memory, name))
            for name in ("read_enable", "read_address", "write_enable", "write_address", "write_data")
        ]
        outputs = [("o", "read_data", memory.read_data)]
        if self._test:
            parameters |= {
                "INDEX": self.count,
                "SELECT_BITS": self._test.select_bits,
                "TEST_BITS": self._test.data_bits,
            }
            inputs += [
                ("i", name.replace(f"{TEST}__", "test_"), signal)
                for name, signal in self.signals.items()
                if name != READ_DATA
            ]
            self._read.append(Signal(self._test.data_bits, name=f"{READ_DATA}_{self.count}"))
            outputs.append(("o", "test_read_data", self._read[-1]))
        self.count += 1
        given = (("p", name, Const(value, PARAMETER_BITS)) for name, value in parameters.items())
        return Instance(MODULE, *given, *inputs, *outputs)

    def joined(self) -> Value:
        """What the memory that is tested has read."""
        value: Value = Const(0, 1)
        for one in self._read:
            value |= one
        return value


def guarded(body: str) -> str:
    """A body that is left out where there is one already."""
    return f"`ifndef {GUARD}\n`define {GUARD}\n{body}`endif\n"


def body_files(config: TileConfig, body: str) -> dict[str, str]:
    """The files beside a tile whose memories have this one of `BODIES`, by name."""
    if body == BEHAVIOURAL:
        return {}
    if body == ECP5:
        return {BODY_FILE: guarded(ECP5_BODY)}
    sizes = list(dict.fromkeys((item.rows, item.width) for item in memories(config)))
    return {
        BODY_FILE: guarded(macro_body(sizes)),
        **{f"{MACRO_NAME.format(*size)}.v": stand_in(*size) for size in sizes},
    }


def lint_files(body: str) -> dict[str, str]:
    """The files that lint needs beside those of the body, and nothing else."""
    return {STUB_FILE: ECP5_STUB} if body == ECP5 else {}


def macro_body(sizes: Sequence[tuple[int, int]]) -> str:
    """The template for memories of these numbers of words and widths."""
    branches = [
        f"    {'else ' if index else ''}if (DEPTH == {depth} && WIDTH == {width}) begin : gen_{depth}x{width}\n"
        f"      {MACRO_NAME.format(depth, width)} macro (\n"
        "        .CLK(clk), .RE(re), .RA(ra), .Q(read_data), .WE(we), .WA(wa), .D(wd)\n"
        "      );\n"
        "    end\n"
        for index, (depth, width) in enumerate(sizes)
    ]
    return f"{MACRO_HEAD}{''.join(branches)}{MACRO_TAIL}"


def stand_in(depth: int, width: int) -> str:
    """A module with the pins of a macro of so many words."""
    high, top = width - 1, max(1, (depth - 1).bit_length()) - 1
    return f"""\
module {MACRO_NAME.format(depth, width)}(CLK, RE, RA, Q, WE, WA, D);
  input CLK;
  input RE;
  input [{top}:0] RA;
  output [{high}:0] Q;
  input WE;
  input [{top}:0] WA;
  input [{high}:0] D;
  reg [{high}:0] Q;
  reg [{high}:0] mem [{depth - 1}:0];
  always @(posedge CLK) begin
    if (RE) Q <= mem[RA];
    if (WE) mem[WA] <= D;
  end
endmodule
"""


def sized(body: str, parameters: dict[str, int]) -> str:
    """The text of the behavioural body as an instance with these parameters has it, its ranges in numbers."""
    for name, value in parameters.items():
        body = body.replace(f"[{name} - 1:0]", f"[{value - 1}:0]")
    return body
