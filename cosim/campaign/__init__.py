# SPDX-License-Identifier: Apache-2.0
"""Random verification campaigns: random tile configurations and programs on RTL and golden model in lock-step."""
