# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/stimulus: RTL and golden model in lock-step under every scenario."""
