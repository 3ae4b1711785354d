"""Training of the clickability network."""
