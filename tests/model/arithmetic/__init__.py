# SPDX-License-Identifier: Apache-2.0
"""Tests of model/arithmetic: random numbers, converters and activations."""
