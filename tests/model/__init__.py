"""Tests of the golden model; the folders mirror those of model."""
