# SPDX-License-Identifier: Apache-2.0
"""Tests of hdl/controller, the register file in front of a tile."""
