"""Fits of device families to measured pulse responses: reading data, likelihood, start values, results."""
