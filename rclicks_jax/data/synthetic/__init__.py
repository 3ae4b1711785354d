"""Synthetic click tasks: masks of later rounds, and clicks on them."""
