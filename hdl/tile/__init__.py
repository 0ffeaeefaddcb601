# SPDX-License-Identifier: Apache-2.0
"""The blocks of the tile periphery in Amaranth, one per file; golden twins of the same names are in model/tile."""
