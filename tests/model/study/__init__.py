"""Tests of model/study, the runs behind docs/results.md."""
