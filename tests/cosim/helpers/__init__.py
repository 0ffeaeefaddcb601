# SPDX-License-Identifier: Apache-2.0
"""Helpers of the cosimulation tests: designs with one error, a driven controller, a watched tile."""
