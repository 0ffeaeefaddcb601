# SPDX-License-Identifier: Apache-2.0
"""Formal verification: properties and contracts of the hardware blocks, proved with SymbiYosys."""
