# SPDX-License-Identifier: Apache-2.0
"""Synthesis of the tile with Yosys and nextpnr: area, clock frequency, and how both grow with the size."""
