"""RITM: a convolutional network of four resolutions that sees clicks."""
