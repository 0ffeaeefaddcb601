# SPDX-License-Identifier: Apache-2.0
"""Tests of hdl/tile, each block of the tile against a naive description."""
