# SPDX-License-Identifier: Apache-2.0
"""Cosimulation: RTL in a simulator, the golden model and a virtual crossbar in lock-step."""
