# SPDX-License-Identifier: Apache-2.0
"""Tests of symtrack; the folders mirror those of the sources."""
