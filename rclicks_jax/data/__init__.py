"""Datasets: raw folders, packaged examples, and batches for training."""
