"""Tests of model/arithmetic: random numbers, converters and activations."""
