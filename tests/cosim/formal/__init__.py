# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/formal: every property is proved, and each proof can fail."""
