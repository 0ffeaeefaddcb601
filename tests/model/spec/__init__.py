"""Tests of model/spec: configuration, fixed-point formats and polynomials."""
