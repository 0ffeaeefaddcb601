# SPDX-License-Identifier: Apache-2.0
"""Tests of hdl/parts, the generic hardware parts."""
