"""Foreign checkpoints: readers of PyTorch's files, and state dicts."""
