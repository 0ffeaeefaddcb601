"""Amaranth description of the tile periphery, one block a file, and its Verilog."""
