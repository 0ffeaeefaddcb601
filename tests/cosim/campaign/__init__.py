"""Tests of cosim/campaign, the random verification campaigns."""
