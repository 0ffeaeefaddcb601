"""Jobs that the cosimulation tests play on the engines."""
