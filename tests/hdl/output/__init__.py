# SPDX-License-Identifier: Apache-2.0
"""Tests of hdl/output: Verilog, lint, name map, register documents, and other simulators and tools."""
