"""The clickability network, its weights, and its use."""
