"""Tests of cosim/synthesis: block memories, codes of memories, place and route."""
