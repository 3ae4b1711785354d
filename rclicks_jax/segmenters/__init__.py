"""Segmenters: they answer clicks with masks, in this process or in a worker."""
