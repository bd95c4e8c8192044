"""Schedulers: which trial trains next, and how far."""
