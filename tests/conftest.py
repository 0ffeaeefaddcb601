"""What holds for all tests: numba starts two threads, on a machine with one core, too."""

import os

os.environ["NUMBA_NUM_THREADS"] = "2"  # read when numba is imported
