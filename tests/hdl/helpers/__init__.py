# SPDX-License-Identifier: Apache-2.0
"""Helpers of the hardware tests: one component in Amaranth's simulator, and the sides of an update."""
