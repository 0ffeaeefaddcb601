# SPDX-License-Identifier: Apache-2.0
"""Neural networks on analog tiles: crossbars, learning tiles, layers, architectures and algorithms."""
