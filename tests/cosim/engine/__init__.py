# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/engine: RTL on both engines in lock-step with the golden model."""
