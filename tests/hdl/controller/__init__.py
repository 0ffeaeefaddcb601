"""Tests of hdl/controller, the register file in front of a tile."""
