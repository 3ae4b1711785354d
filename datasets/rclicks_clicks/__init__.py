"""Click tasks: an object, what was segmented before, and where people clicked."""
