"""Trainer: trains the final model with the best hyperparameters and exports it."""
