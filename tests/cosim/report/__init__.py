# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/report: charts, waveforms and the HTML page of a comparison."""
