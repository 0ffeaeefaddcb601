# SPDX-License-Identifier: Apache-2.0
"""Tests of model/devices/fitting, the fits to measured pulse responses."""
