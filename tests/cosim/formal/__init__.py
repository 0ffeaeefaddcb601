"""Tests of cosim/formal: every property is proved, and each proof can fail."""
