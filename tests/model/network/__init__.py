# SPDX-License-Identifier: Apache-2.0
"""Tests of model/network: algorithms, layers, crossbars, learning tiles and networks."""
