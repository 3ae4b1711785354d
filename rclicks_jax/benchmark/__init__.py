"""A segmenter under realistic clicks: rollouts, and what is recorded of them."""
