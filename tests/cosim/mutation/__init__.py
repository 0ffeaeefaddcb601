"""Tests of cosim/mutation, the mutation testing of netlist and golden model."""
