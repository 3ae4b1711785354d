"""Photographs with all their objects: what a benchmark of segmenters runs on."""
