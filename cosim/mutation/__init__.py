# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: deliberate errors in the netlist and in the golden model, and whether the checks find them."""
