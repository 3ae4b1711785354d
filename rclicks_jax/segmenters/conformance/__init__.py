"""Checks whether a segmenter follows the interface of `segmenters.base`."""
