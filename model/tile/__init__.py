# SPDX-License-Identifier: Apache-2.0
"""The golden model of the tile periphery, block by block; hardware twins of the same names are in hdl/tile."""
