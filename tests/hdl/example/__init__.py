"""Tests of hdl/example, the integration example in Verilog and the C driver."""
