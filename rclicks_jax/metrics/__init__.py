"""Numbers: of an interaction, of robustness, of click prediction, and their spread."""
