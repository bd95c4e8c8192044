"""Baseline: what trivial and linear predictors reach on the same data, to tell what a model's metrics are worth."""
