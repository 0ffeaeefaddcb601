# SPDX-License-Identifier: Apache-2.0
"""The hardware: the tile periphery and its controller in Amaranth, one block a file, and the Verilog made of them."""
