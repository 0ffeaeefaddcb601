"""Tests of cosim: engines, comparisons, campaigns, proofs, mutation testing and reports."""
