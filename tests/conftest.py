"""Pytest settings for all tests: numba starts two threads, also on a machine with one core."""

import os

os.environ["NUMBA_NUM_THREADS"] = "2"  # read when numba is imported
