# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim: engines, comparisons, campaigns, proofs, mutation testing and reports."""
