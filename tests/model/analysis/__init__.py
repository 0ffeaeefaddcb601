"""Tests of model/analysis: device characteristics, calibration, coincidence statistics, speed."""
