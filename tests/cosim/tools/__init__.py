# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/tools: toolchain, build cache and journal."""
