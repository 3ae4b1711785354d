"""Of attrs: nothing that is imported is used, but omegaconf asks what it finds."""


def has(made):
    """Tells that a class was not made by attrs."""
    return False
