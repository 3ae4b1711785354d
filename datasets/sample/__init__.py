"""Outlines that this project drew on the photographs of scikit-image."""
