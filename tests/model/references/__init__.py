"""Independent descriptions in floating point and in plain Python, against which the golden model is compared."""
