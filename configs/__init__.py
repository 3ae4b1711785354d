"""Configurations of the three jobs; `:NAME` selects a variant."""
