"""Training runs: their description, the training loop, checkpoints, metrics and learning curves."""
