"""Flax networks, their weights, and their use."""
