# SPDX-License-Identifier: Apache-2.0
"""Tests of model/devices: families, arrays, noise, spread, symmetric points and presets."""
