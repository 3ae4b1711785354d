"""Spectral residual saliency as an adapter, to time a click model behind the bridge."""

from rclicks_jax.ops import spectral_residual


def load(options):
    return None


def saliency(model, image):
    return spectral_residual.saliency(image)
