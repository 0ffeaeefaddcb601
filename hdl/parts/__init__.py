# SPDX-License-Identifier: Apache-2.0
"""Generic hardware parts that several blocks of the tile use: memory, delay, multiplier, register slice."""
