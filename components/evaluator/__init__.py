"""Evaluator: TFMA over slices, fairness gaps, and the gate before a model is pushed."""
