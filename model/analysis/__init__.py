# SPDX-License-Identifier: Apache-2.0
"""Measurements that no training needs: device characteristics, calibration, coincidence statistics, speed."""
