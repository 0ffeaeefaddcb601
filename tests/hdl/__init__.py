# SPDX-License-Identifier: Apache-2.0
"""Tests of the hardware in Amaranth's simulator, and of the Verilog and documents that come out of it."""
