# SPDX-License-Identifier: Apache-2.0
"""Tests of symtrack.torch, which need PyTorch: `make test-torch` runs them in an environment of its own."""
