"""Tuner: searches hyperparameters, of model families in parallel or of a stock `tuner_fn`."""
