"""Another Python: segmenters in a worker process, and old checkpoints of PyTorch.

A worker imports this package and nothing else of the project: the standard library
and NumPy, Python 3.9 or newer.
"""
