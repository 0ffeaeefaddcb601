"""Tests of model/network: algorithms, layers, crossbars, learning tiles and networks."""
