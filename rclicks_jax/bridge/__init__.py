"""Segmenters in another Python: a worker process, and frames on a pipe.

A worker imports this package and nothing else of the project: the standard library
and NumPy, Python 3.9 or newer.
"""
