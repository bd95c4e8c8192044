"""Kinds of features, one module each: when a column becomes one, and the TensorFlow operations that make it."""
