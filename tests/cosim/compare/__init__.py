"""Tests of cosim/compare, the comparisons of RTL and golden model."""
