# SPDX-License-Identifier: Apache-2.0
"""The golden model: tile periphery, devices, networks and training in integers, and the specification as data."""
