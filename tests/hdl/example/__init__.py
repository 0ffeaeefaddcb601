# SPDX-License-Identifier: Apache-2.0
"""Tests of hdl/example, the integration example in Verilog and the C driver."""
