# SPDX-License-Identifier: Apache-2.0
"""Resistive devices: per-cell parameters drawn from a seed, integer state, noisy pulses, symmetric points."""
