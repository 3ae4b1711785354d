"""Segmenters of the paper as JAX programs, without PyTorch and without a worker."""
