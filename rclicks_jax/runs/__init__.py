"""Whole runs of benchmarks and of click maps, and the folders they write."""
