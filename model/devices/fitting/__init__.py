# SPDX-License-Identifier: Apache-2.0
"""Fits of device families to measured pulse responses: reading data, likelihood, start values, results."""
