"""TFDS builders of the project's datasets, and the outlines of the sample."""
