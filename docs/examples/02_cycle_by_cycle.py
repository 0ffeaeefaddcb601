# SPDX-License-Identifier: Apache-2.0
"""Drives the golden tile clock cycle by clock cycle, as a simulator drives the RTL: one update, slot by slot."""

import symtrack

config = symtrack.TileConfig(rows=3, columns=5, lanes=1)
tile = symtrack.TileModel(config)
inputs = {port.name: 0 for port in symtrack.generate_verilog(config).ports if not port.output} | {"rst": 0}
inputs["pulses__ready"] = 1  # the crossbar never keeps the tile waiting

for seed in config.seeds:  # after a reset: a state for each random source, which takes two cycles,
    while not tile.step(inputs | {"seeds__valid": 1, "seeds__state": seed})["seeds__ready"]:
        pass
while not tile.step(inputs)["command__ready"]:
    pass  # until the tile has cleared its memories

UPDATE, HALF = 0, 1 << config.magnitude_bits - 1  # a magnitude that stands for the probability 1/2
tile.step(inputs | {"command__valid": 1, "command__op": UPDATE, "command__bl": 6})
vectors = {"vectors__valid": 1, "vectors__magnitude": HALF}  # one lane: a line of a side in a beat
for _ in range(config.row_beats + config.column_beats):
    tile.step(inputs | vectors)

while True:
    outputs = tile.step(inputs)
    if outputs["pulses__valid"]:
        rows, columns = outputs["pulses__rows"], outputs["pulses__columns"]
        print(f"rows {rows:0{config.rows}b}  columns {columns:0{config.columns}b}")
    if outputs["command__ready"]:
        break
print(f"{outputs['status__slots']} slots")
