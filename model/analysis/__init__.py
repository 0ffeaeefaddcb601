"""Measurements that no training needs: device characteristics, calibration, coincidence statistics, speed."""
