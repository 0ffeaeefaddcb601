# SPDX-License-Identifier: Apache-2.0
"""Training runs: their description, the training loop, checkpoints, metrics and learning curves."""
