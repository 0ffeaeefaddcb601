"""Tests of symtrack; the folders mirror those of the sources."""
