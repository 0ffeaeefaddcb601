"""Tests of cosim/coverage, the measurement of coverage and its page."""
