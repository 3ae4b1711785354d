"""Adapters of segmenters for workers; each drives the user's checkout or package."""
