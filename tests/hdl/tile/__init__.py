"""Tests of hdl/tile, each block of the tile against a naive description."""
