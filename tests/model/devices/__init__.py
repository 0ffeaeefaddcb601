"""Tests of model/devices: families, arrays, noise, spread, symmetric points and presets."""
