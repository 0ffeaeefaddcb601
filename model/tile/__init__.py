# SPDX-License-Identifier: Apache-2.0
"""The golden model of the tile periphery, block by block; most have a hardware twin of that name in hdl/tile."""
