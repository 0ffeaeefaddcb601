# SPDX-License-Identifier: Apache-2.0
"""Tests of model/analysis: device characteristics, calibration, coincidence statistics, speed."""
