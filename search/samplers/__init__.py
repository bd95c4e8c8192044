"""Samplers: what to try next."""
