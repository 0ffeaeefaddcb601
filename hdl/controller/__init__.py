"""The controller around a tile: AXI4-Lite slave, register file, register map and AXI4-Stream layout."""
