# SPDX-License-Identifier: Apache-2.0
"""The blocks of the tile periphery in Amaranth, one per file; most have a golden twin of that name in model/tile."""
