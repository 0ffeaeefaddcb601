# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden model; the folders mirror those of model."""
