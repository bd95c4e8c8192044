"""Boosted trees: scikit-learn grows them, TensorFlow operations predict with them."""
