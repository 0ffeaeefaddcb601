# SPDX-License-Identifier: Apache-2.0
"""Helpers of the model's tests: random devices, tiny tasks, reference runs, a driver of the tile's ports."""
