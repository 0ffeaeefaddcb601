"""Tests of model/training: training loop, checkpoints, resuming, metrics and reference results."""
