# SPDX-License-Identifier: Apache-2.0
"""Engines that play RTL, and what they share: jobs, lock-step checking, streams and the registry."""
