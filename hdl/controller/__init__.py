# SPDX-License-Identifier: Apache-2.0
"""The controller around a tile: AXI4-Lite slave, register file, register map and AXI4-Stream layout."""
