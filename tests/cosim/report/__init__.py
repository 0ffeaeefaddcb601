"""Tests of cosim/report: charts, waveforms and the HTML page of a comparison."""
