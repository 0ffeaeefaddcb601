# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/synthesis: block memories, codes of memories, place and route."""
