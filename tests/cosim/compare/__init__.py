# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/compare, the comparisons of RTL and golden model."""
