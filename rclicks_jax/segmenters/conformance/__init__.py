"""Checks of a segmenter: does it keep to what `base` asks of it?"""
