"""Tests of hdl/parts, the generic hardware parts."""
