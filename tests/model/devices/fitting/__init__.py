"""Tests of model/devices/fitting, the fits to measured pulse responses."""
