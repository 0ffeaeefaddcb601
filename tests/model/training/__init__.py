# SPDX-License-Identifier: Apache-2.0
"""Tests of model/training: training loop, checkpoints, resuming, metrics and reference results."""
