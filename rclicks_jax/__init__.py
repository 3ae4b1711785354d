"""Where real people click, and how a segmenter fares when they do.

Nothing is imported or configured here: a worker in another environment imports
`rclicks_jax.bridge` without JAX, and `docs/overview.md` shows the way to every module.
"""

__version__ = "0.1.0"
