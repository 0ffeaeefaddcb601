# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/mutation, the mutation testing of netlist and golden model."""
