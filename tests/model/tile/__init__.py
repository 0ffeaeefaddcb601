# SPDX-License-Identifier: Apache-2.0
"""Tests of model/tile, the golden model of the tile periphery, block by block."""
