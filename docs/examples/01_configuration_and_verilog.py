# SPDX-License-Identifier: Apache-2.0
"""Describes a tile by what differs from the defaults, and writes its Verilog with registers, ports and formats."""

import symtrack

config = symtrack.TileConfig(rows=12, columns=20, lanes=4, filter_shift=3, reference_fraction_bits=5)
print(f"{config.name}: a read takes {config.read_cycles} cycles, an update of 31 slots {config.update_cycles(31)}")

verilog = symtrack.generate_verilog(config)
print(f"symtrack {symtrack.__version__} generates {verilog.module}, {len(verilog.ports)} ports beside clk and rst:")
for port in verilog.ports:
    if port.name.startswith("writes"):
        print(f"  {'output' if port.output else 'input '} [{port.width - 1}:0] {port.name}")

for path in verilog.write("build/examples/tile"):
    print(path)

try:
    symtrack.TileConfig(rows=0)
except ValueError as error:
    print(f"refused: {error}")
