# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/campaign, the random verification campaigns."""
