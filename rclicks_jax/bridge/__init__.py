"""Code that runs in another Python: segmenters in workers, old PyTorch checkpoints.

A worker imports this package and nothing else of the project. The package needs
Python 3.9 or newer, the standard library and NumPy.
"""
