# SPDX-License-Identifier: Apache-2.0
"""Naive descriptions of hardware blocks, against which the hardware tests compare."""
