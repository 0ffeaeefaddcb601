"""Tests of cosim/stimulus: RTL and golden model in lock-step under every scenario."""
