# SPDX-License-Identifier: Apache-2.0
"""A model of the ECP5's block RAM DP16KD in Verilog, from Lattice's FPGA-TN-02204, as far as one clock writes by port A
and reads by port B. Yosys has only its ports."""

from __future__ import annotations

_BITS = {"DIA": 18, "DIB": 18, "ADA": 14, "ADB": 14, "CSA": 3, "CSB": 3}
_SINGLE = ("CEA", "OCEA", "CLKA", "WEA", "RSTA", "CEB", "OCEB", "CLKB", "WEB", "RSTB")
_OUT = {"DOA": 18, "DOB": 18}
_TEXTS = ("REGMODE", "WRITEMODE", "CSDECODE", "DATA_WIDTH")
_MORE = ("RESETMODE", "ASYNC_RESET_RELEASE", "GSR", "CLKAMUX", "CLKBMUX")


def _joined(name: str, bits: int) -> str:
    return "{" + ", ".join(f"{name}{bit}" for bit in reversed(range(bits))) + "}"


def _model() -> str:
    ports = [f"input {name}{bit}" for name, bits in _BITS.items() for bit in range(bits)]
    ports += [f"input {name}" for name in _SINGLE]
    ports += [f"output {name}{bit}" for name, bits in _OUT.items() for bit in range(bits)]
    parameters = [f"  parameter {name}_{side} = 18;" for name in _TEXTS for side in "AB"]
    parameters += [f"  parameter {name} = 0;" for name in _MORE]
    parameters += [f"  parameter INITVAL_{k:02X} = 320'd0;" for k in range(64)]
    return "\n".join(
        [
            f"module DP16KD({', '.join(ports)});",
            *parameters,
            *(f"  wire [{bits - 1}:0] {name.lower()} = {_joined(name, bits)};" for name, bits in _BITS.items()),
            """\
  localparam LOW = DATA_WIDTH_A == 36 ? 5 : DATA_WIDTH_A == 18 ? 4 : 3;
  localparam BYTES = DATA_WIDTH_A == 36 ? 4 : DATA_WIDTH_A == 18 ? 2 : 1;
  reg [35:0] mem [0:2047];
  reg [35:0] out;
  wire [35:0] in = {dib, dia};
  wire write = CEA & WEA & csa == 0, read = CEB & ~WEB & csb == 0;
  integer k;
  initial begin
    for (k = 0; k < 2048; k = k + 1) mem[k] = 0;
    if (DATA_WIDTH_A != DATA_WIDTH_B) $display("FAILED: ports of two widths");
    if (DATA_WIDTH_A != 36 && DATA_WIDTH_A != 18 && DATA_WIDTH_A != 9) $display("FAILED: a width without a model");
  end
  always @(posedge CLKA) begin
    if (RSTA | RSTB) $display("FAILED: a reset of a block RAM");
    if (read) out <= write && ada >> LOW == adb >> LOW ? 36'bx : mem[adb >> LOW];
    if (write) for (k = 0; k < BYTES; k = k + 1)
      if (BYTES == 1 || ada[k]) mem[ada >> LOW][9 * k +: 9] <= in[9 * k +: 9];
  end""",
            f"  assign {_joined('DOA', 18)} = DATA_WIDTH_A == 36 ? out[17:0] : 18'd0;",
            f"  assign {_joined('DOB', 18)} = DATA_WIDTH_A == 36 ? out[35:18] : out[17:0];",
            "endmodule",
            "",
        ]
    )


DP16KD = _model()
