"""Foreign checkpoints: readers of PyTorch's files and of the hub's, and key maps."""
