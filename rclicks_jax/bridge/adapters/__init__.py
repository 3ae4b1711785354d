"""Adapters of segmenters for workers; each runs the user's checkout or package."""
