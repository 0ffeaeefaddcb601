"""Naive descriptions of hardware blocks, against which the hardware tests compare."""
