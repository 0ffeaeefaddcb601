"""Tests of cosim/tools: toolchain, build cache and journal."""
