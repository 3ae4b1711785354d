"""Metrics of interaction, robustness, click prediction and saliency; intervals."""
