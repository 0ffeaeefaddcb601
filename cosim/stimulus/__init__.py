# SPDX-License-Identifier: Apache-2.0
"""Stimulus for tiles in simulation: random programs, whole operations, and the operations of a training."""
