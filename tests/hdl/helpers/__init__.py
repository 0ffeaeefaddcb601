"""Helpers of the hardware tests: one component in Amaranth's simulator, and the sides of an update."""
